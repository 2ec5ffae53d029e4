/**
 * The part of a Kubernetes API server that leases need, on loopback with TLS: create, get, list by label, and update with a resourceVersion.
 *
 * It emulates the rules of the API; no real server is behind it. Source: Kubernetes API Reference, "Lease v1 coordination.k8s.io"; "API Concepts",
 * "Resource Versions" and "Server-side field validation"; the bodies of errors are those of apimachinery's `Status`.
 */

import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createCertificate } from './certificate.js';
import { createTempDir } from './temp-dir.js';

interface StoredObject {
  apiVersion?: string;
  kind?: string;
  metadata: { name: string; resourceVersion: string; labels?: Record<string, string>; namespace?: string };
  spec?: Record<string, unknown>;
}

export interface KubernetesApi {
  /** The directory of a service account: its token, the authority and the namespace. */
  readonly account: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly leases: Map<string, StoredObject>;
  /** Each request, as `<method> <path below the leases>`. */
  readonly requests: string[];
  token: string;
  /** Answers every request with this status. */
  failure: number | null;
}

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
      return toError(api.failure, 'the server is currently unable to handle the request');
    if (authorization !== `Bearer ${api.token}`) return toError(401, 'Unauthorized');
    if (!url.pathname.startsWith(place))
      return toError(404, 'the server could not find the requested resource');
    const name = path.slice(1);
    const found = api.leases.get(name);
    if (method === 'GET' && name === '') {
      const [, key = '', value] = /^([^=]+)=(.*)$/.exec(url.searchParams.get('labelSelector') ?? '') ?? [];
      const items = [...api.leases.values()].filter(({ metadata }) => metadata.labels?.[key] === value);
      return [200, { kind: 'LeaseList', metadata: { resourceVersion: String(version) }, items }];
    }
    if (method === 'GET')
      return found === undefined ? toError(404, `leases "${name}" not found`) : [200, found];
    const object = JSON.parse(text) as StoredObject;
    const invalid = findProblem(object);
    if (invalid !== null) return toError(422, invalid);
    if (method === 'POST') {
      if (api.leases.has(object.metadata.name))
        return toError(409, `leases "${object.metadata.name}" already exists`);
      return [201, store(object)];
    }
    if (method !== 'PUT')
      return toError(405, 'the server does not allow this method on the requested resource');
    if (found === undefined) return toError(404, `leases "${name}" not found`);
    if (object.metadata.resourceVersion !== found.metadata.resourceVersion)
      return toError(409, `Operation cannot be fulfilled on leases "${name}": the object has been modified`);
    return [200, store(object)];
  }
  function store(object: StoredObject): StoredObject {
    version += 1;
    const stored = {
      ...object,
      metadata: { ...object.metadata, namespace, resourceVersion: String(version) },
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

/** What the API server rejects. Source: kubernetes, `pkg/apis/coordination/validation/validation.go`; `metav1.MicroTime`. */
function findProblem({ kind, metadata, spec }: StoredObject): string | null {
  if (kind !== 'Lease') return `unknown kind ${kind}`;
  if (!NAME.test(metadata.name)) return `metadata.name: Invalid value: ${metadata.name}`;
  for (const label of Object.values(metadata.labels ?? {}))
    if (!/^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/.test(label))
      return `metadata.labels: Invalid value: ${label}`;
  if (Number(spec?.leaseDurationSeconds) <= 0) return 'spec.leaseDurationSeconds: must be greater than 0';
  if (Number(spec?.leaseTransitions) < 0) return 'spec.leaseTransitions: must be greater than or equal to 0';
  if (!TIME.test(String(spec?.renewTime))) return `spec.renewTime: Invalid value: ${String(spec?.renewTime)}`;
  return null;
}

function toError(code: number, message: string): [number, object] {
  return [code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code }];
}
