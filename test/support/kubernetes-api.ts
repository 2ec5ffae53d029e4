/**
 * The part of a Kubernetes API server that leases need, on loopback with TLS: create, get, list by label, and update with a resourceVersion and a uid.
 *
 * `test/uploader/cluster/kubernetes-leases.test.ts` compares its answers with those of kube-apiserver 1.34.
 */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createCertificate } from './certificate.js';
import type { Pod } from './kube-apiserver.js';
import { createTempDir } from './temp-dir.js';

interface StoredObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    resourceVersion?: string;
    uid?: string;
    labels?: Record<string, string>;
    namespace?: string;
  };
  spec?: Record<string, unknown>;
}

export interface KubernetesApi extends Pod {
  readonly leases: Map<string, StoredObject>;
  /** Each request, as `<method> <path below the leases>`. */
  readonly requests: string[];
  token: string;
  /** Answers every request with this status. */
  failure: number | null;
}

/** What messages call `TIME`. */
const TIME_FORMAT = '2006-01-02T15:04:05.000000Z07:00';
const USER = 'system:serviceaccount:training:polytrack';
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

export async function startKubernetesApi(namespace = 'training'): Promise<KubernetesApi> {
  const certificate = createCertificate();
  const account = createTempDir();
  mkdirSync(account, { recursive: true });
  const token = 'token-1';
  for (const [file, text] of Object.entries({ token, namespace, 'ca.crt': certificate.cert }))
    writeFileSync(join(account, file), `${text}\n`);
  let version = 100;
  const place = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const server = createServer(certificate, async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const text = Buffer.concat(pieces).toString();
    const url = new URL(request.url ?? '', 'https://host');
    const path = url.pathname.slice(place.length);
    api.requests.push(`${request.method} ${path}`);
    const [status, body] = answer(request.method ?? '', url, path, text, request.headers.authorization);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  function answer(
    method: string,
    url: URL,
    path: string,
    text: string,
    authorization: string | undefined,
  ): [number, object] {
    if (api.failure !== null)
      return toError(api.failure, 'Failure', 'the server is currently unable to handle the request');
    if (authorization !== `Bearer ${api.token}`) return toError(401, 'Unauthorized', 'Unauthorized');
    if (!url.pathname.startsWith(place))
      return toError(404, 'NotFound', 'the server could not find the requested resource');
    const name = path.slice(1);
    const found = api.leases.get(name);
    if (method === 'GET' && name === '') {
      const [, key = '', value] = /^([^=]+)=(.*)$/.exec(url.searchParams.get('labelSelector') ?? '') ?? [];
      const items = [...api.leases.values()].filter(({ metadata }) => metadata.labels?.[key] === value);
      const metadata = { resourceVersion: String(version) };
      return [200, { kind: 'LeaseList', apiVersion: 'coordination.k8s.io/v1', metadata, items }];
    }
    const title = `leases.coordination.k8s.io "${name}"`;
    if (method === 'GET')
      return found === undefined ? toError(404, 'NotFound', `${title} not found`) : [200, found];
    if (method !== 'POST' && method !== 'PUT')
      return toError(
        403,
        'Forbidden',
        `${title} is forbidden: User "${USER}" cannot ${method.toLowerCase()}`,
      );
    const object = JSON.parse(text) as StoredObject;
    const { metadata } = object;
    const problem = findProblem(object);
    if (problem !== null) return problem;
    if (method === 'POST') {
      if (metadata.resourceVersion !== undefined)
        return toError(500, undefined, 'resourceVersion should not be set on objects to be created');
      if (api.leases.has(metadata.name))
        return toError(409, 'AlreadyExists', `leases.coordination.k8s.io "${metadata.name}" already exists`);
      return [201, store(object)];
    }
    if (metadata.name !== name)
      return toError(
        400,
        'BadRequest',
        `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
      );
    const conflict = `Operation cannot be fulfilled on ${title}`;
    if (metadata.uid !== undefined && metadata.uid !== found?.metadata.uid)
      return toError(
        409,
        'Conflict',
        `${conflict}: StorageError: invalid object, Code: 4, Key: /registry/leases/${namespace}/${name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${found?.metadata.uid ?? ''}`,
      );
    if (found === undefined) return [201, store(object)];
    if (metadata.resourceVersion === undefined)
      return toError(
        422,
        'Invalid',
        `${title} is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`,
      );
    if (metadata.resourceVersion !== found.metadata.resourceVersion)
      return toError(
        409,
        'Conflict',
        `${conflict}: the object has been modified; please apply your changes to the latest version and try again`,
      );
    return [200, store(object)];
  }
  function store(object: StoredObject): StoredObject {
    version += 1;
    const uid = api.leases.get(object.metadata.name)?.metadata.uid ?? randomUUID();
    const stored = {
      ...object,
      metadata: { ...object.metadata, namespace, uid, resourceVersion: String(version) },
    };
    api.leases.set(object.metadata.name, stored);
    return stored;
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const environment = {
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: String((server.address() as AddressInfo).port),
  };
  const api: KubernetesApi = { account, environment, leases: new Map(), requests: [], token, failure: null };
  return api;
}

/** What the API server rejects. */
function findProblem({ kind, metadata, spec }: StoredObject): [number, object] | null {
  const version = `in version "v1" cannot be handled as a Lease`;
  if (kind !== 'Lease')
    return toError(
      400,
      'BadRequest',
      `${kind} ${version}: no kind "${kind}" is registered for version "coordination.k8s.io/v1"`,
    );
  const { renewTime } = spec ?? {};
  if (renewTime !== undefined && !TIME.test(String(renewTime)))
    return toError(400, 'BadRequest', `Lease ${version}: parsing time "${renewTime}" as "${TIME_FORMAT}"`);
  const reject = (problem: string): [number, object] =>
    toError(422, 'Invalid', `Lease.coordination.k8s.io "${metadata.name}" is invalid: ${problem}`);
  if (!NAME.test(metadata.name)) return reject(`metadata.name: Invalid value: "${metadata.name}"`);
  for (const label of Object.values(metadata.labels ?? {}))
    if (!/^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/.test(label))
      return reject(`metadata.labels: Invalid value: "${label}"`);
  const { leaseDurationSeconds: duration, leaseTransitions: transitions } = spec ?? {};
  if (Number(duration) <= 0)
    return reject(`spec.leaseDurationSeconds: Invalid value: ${duration}: must be greater than 0`);
  if (Number(transitions) < 0)
    return reject(`spec.leaseTransitions: Invalid value: ${transitions}: must be greater than or equal to 0`);
  return null;
}

function toError(code: number, reason: string | undefined, message: string): [number, object] {
  return [code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }];
}
