/** Leases in Kubernetes: the answers of the API, from the emulator and, where it is available, from a real server; tokens, permissions and pods. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { openKubernetesLeases } from '../../../uploader/cluster/kubernetes-leases.js';
import type { Lease } from '../../../uploader/cluster/lease.js';
import { KUBE_APISERVER, KubeApiServer, type Pod, sendFrom } from '../../support/kube-apiserver.js';
import { startKubernetesApi } from '../../support/kubernetes-api.js';
import { createTempDir } from '../../support/temp-dir.js';

const LEASE: Lease = {
  holder: 'a'.repeat(32),
  label: 'host 1',
  generation: 1,
  beat: 0,
  wants: null,
  shards: 4,
};
const UID = '994a2ef4-f904-413a-a9ee-249c45aa0f1d';
const INVALID = 'Lease.coordination.k8s.io "x" is invalid: ';
const UNREADABLE = 'Lease in version "v1" cannot be handled as a Lease: parsing time ';
const TIME_FORMAT = '2006-01-02T15:04:05.000000Z07:00';
const TITLE = 'leases.coordination.k8s.io "x"';

interface Status {
  readonly reason?: string;
  readonly message?: string;
  readonly metadata?: { readonly resourceVersion: string; readonly uid: string };
}

/** Sends what the uploader sends, with `metadata` and `spec` changed. */
function toObject(metadata: object = {}, spec: object = {}): object {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'x', labels: { 'polytrack.cluster': 'team' }, ...metadata },
    spec: {
      ...{ holderIdentity: 'a', leaseDurationSeconds: 24, leaseTransitions: 1 },
      ...{ renewTime: '2026-11-30T12:00:00.123000Z', ...spec },
    },
  };
}

/** What kube-apiserver 1.34.4 rejects while there is no lease `x`: method, path, object, status, reason and message. */
const REJECTED: readonly (readonly [
  string,
  string,
  object | undefined,
  number,
  string | undefined,
  string,
])[] = [
  ['GET', '/x', undefined, 404, 'NotFound', `${TITLE} not found`],
  [
    'PUT',
    '/x',
    toObject({ resourceVersion: '5', uid: UID }),
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${TITLE}: StorageError: invalid object, Code: 4, Key: /registry/leases/training/x, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${UID}, UID in object meta: `,
  ],
  [
    'PUT',
    '/x',
    toObject({ name: 'y' }),
    400,
    'BadRequest',
    'the name of the object (y) does not match the name on the URL (x)',
  ],
  [
    'POST',
    '',
    toObject({ resourceVersion: '5' }),
    500,
    undefined,
    'resourceVersion should not be set on objects to be created',
  ],
  [
    'POST',
    '',
    toObject({}, { renewTime: '2026-11-30T12:00:00.123Z' }),
    400,
    'BadRequest',
    `${UNREADABLE}"2026-11-30T12:00:00.123Z" as "${TIME_FORMAT}"`,
  ],
  [
    'POST',
    '',
    toObject({}, { renewTime: '2026-11-30T12:00:00Z' }),
    400,
    'BadRequest',
    `${UNREADABLE}"2026-11-30T12:00:00Z" as "${TIME_FORMAT}"`,
  ],
  [
    'POST',
    '',
    toObject({}, { leaseDurationSeconds: 0 }),
    422,
    'Invalid',
    `${INVALID}spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0`,
  ],
  [
    'POST',
    '',
    toObject({}, { leaseTransitions: -1 }),
    422,
    'Invalid',
    `${INVALID}spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0`,
  ],
  [
    'POST',
    '',
    toObject({ name: 'X_5' }),
    422,
    'Invalid',
    'Lease.coordination.k8s.io "X_5" is invalid: metadata.name: Invalid value: "X_5"',
  ],
  [
    'POST',
    '',
    toObject({ labels: { 'polytrack.cluster': 'a b' } }),
    422,
    'Invalid',
    `${INVALID}metadata.labels: Invalid value: "a b"`,
  ],
  [
    'POST',
    '',
    { ...toObject(), kind: 'Leases' },
    400,
    'BadRequest',
    'Leases in version "v1" cannot be handled as a Lease: no kind "Leases" is registered',
  ],
  [
    'DELETE',
    '/x',
    undefined,
    403,
    'Forbidden',
    `${TITLE} is forbidden: User "system:serviceaccount:training:polytrack" cannot delete`,
  ],
];

interface Server {
  createPod(namespace: string): Promise<Pod>;
  deleteLease(namespace: string, name: string): Promise<unknown>;
}

const SERVERS: Readonly<Record<string, () => Promise<Server>>> = {
  'the emulator': async () => {
    const api = await startKubernetesApi();
    return { createPod: async () => api, deleteLease: async (_, name) => api.leases.delete(name) };
  },
  ...(KUBE_APISERVER === undefined ? {} : { 'a real server': startReal }),
};

let real: Promise<KubeApiServer> | undefined;
afterAll(async () => (await real)?.stop());

/** Starts one server for all tests. */
async function startReal(): Promise<Server> {
  real ??= KubeApiServer.start();
  const server = await real;
  return {
    createPod: (namespace) => server.createPod(namespace),
    deleteLease: (namespace, name) => server.send('DELETE', `${placeOf(namespace)}/${name}`),
  };
}

function placeOf(namespace: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
}
/** The namespace is part of the messages. */
const NAMESPACE = 'training';

describe.each(Object.entries(SERVERS))('the API, as %s answers', (_, start) => {
  it('accepts a lease once, replaces it by version, and says in detail what it rejects', async () => {
    const server = await start();
    const pod = await server.createPod(NAMESPACE);
    const ask = async (method: string, path: string, body?: object) => {
      const { status, body: answer } = await sendFrom(pod, method, `${placeOf(NAMESPACE)}${path}`, body);
      return { status, answer: answer as Status };
    };
    for (const [method, path, object, status, reason, message] of REJECTED) {
      const found = await ask(method, path, object);
      expect(found.status, message).toBe(status);
      expect(found.answer).toMatchObject({
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        code: status,
      });
      expect(found.answer.reason).toBe(reason);
      expect(found.answer.message?.slice(0, message.length)).toBe(message);
    }

    const { status, answer } = await ask('POST', '', toObject());
    expect(status).toBe(201);
    const { resourceVersion, uid } = answer.metadata!;
    expect(uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(await ask('POST', '', toObject())).toMatchObject({
      status: 409,
      answer: { reason: 'AlreadyExists', message: `${TITLE} already exists` },
    });
    expect(await ask('PUT', '/x', toObject())).toMatchObject({
      status: 422,
      answer: {
        reason: 'Invalid',
        message: `${TITLE} is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`,
      },
    });
    const changed = toObject({ resourceVersion, uid }, { leaseTransitions: 2 });
    expect(await ask('PUT', '/x', changed)).toMatchObject({ status: 200, answer: { metadata: { uid } } });
    expect(await ask('PUT', '/x', changed)).toMatchObject({
      status: 409,
      answer: {
        reason: 'Conflict',
        message: `Operation cannot be fulfilled on ${TITLE}: the object has been modified; please apply your changes to the latest version and try again`,
      },
    });

    // Without a uid, an update creates the lease again.
    await server.deleteLease(NAMESPACE, 'x');
    expect((await ask('PUT', '/x', toObject({ resourceVersion }))).status).toBe(201);
    const list = await ask('GET', '?labelSelector=polytrack.cluster%3Dteam');
    expect(list).toMatchObject({
      status: 200,
      answer: {
        kind: 'LeaseList',
        apiVersion: 'coordination.k8s.io/v1',
        items: [{ metadata: { name: 'x' } }],
      },
    });
    expect((list.answer as { readonly items?: readonly object[] }).items).toHaveLength(1);
    const other = await ask('GET', '?labelSelector=polytrack.cluster%3Dother');
    expect(other).toMatchObject({ status: 200, answer: { items: [] } });

    writeFileSync(join(pod.account, 'token'), 'wrong');
    expect(await ask('GET', '')).toMatchObject({
      status: 401,
      answer: { reason: 'Unauthorized', message: 'Unauthorized' },
    });
  });

  it('does not renew a lease that was deleted', async () => {
    const server = await start();
    const pod = await server.createPod('deleted');
    const table = await openKubernetesLeases('team', nodeIo, pod.environment, pod.account);
    const created = await table.write(1, LEASE, null);
    await server.deleteLease('deleted', 'team-1');
    expect(await table.write(1, { ...LEASE, beat: 1 }, created!.version)).toBeNull();
    expect(await table.read(1)).toBeNull();
    const second = await table.write(1, { ...LEASE, generation: 2 }, null);
    expect(await table.write(1, { ...LEASE, beat: 1 }, created!.version)).toBeNull();
    expect((await table.read(1))?.version).toBe(second?.version);
    await table.close?.();
  });
});

if (KUBE_APISERVER !== undefined)
  describe('a real API server', () => {
    it('refuses a service account without the rights, and says which right is missing', async () => {
      real ??= KubeApiServer.start();
      const server = await real;
      const pod = await server.createPod('rightless', false);
      const table = await openKubernetesLeases('team', nodeIo, pod.environment, pod.account);
      await expect(table.readAll()).rejects.toMatchObject({ outcome: { status: 'retry' } });
      expect(table.findProblem()).toContain(
        '403: leases.coordination.k8s.io is forbidden: User "system:serviceaccount:rightless:polytrack" cannot list resource "leases"',
      );
      await table.close?.();
    });
  });

describe('Kubernetes', () => {
  it('renews its token, retries failures, and names missing permissions', async () => {
    const api = await startKubernetesApi();
    const table = await openKubernetesLeases('team', nodeIo, api.environment, api.account);
    await table.readAll();
    api.token = 'token-2';
    writeFileSync(join(api.account, 'token'), api.token);
    await table.readAll();

    api.failure = 503;
    await expect(table.readAll()).rejects.toMatchObject({ outcome: { status: 'retry' } });
    expect(table.findProblem()).toBeNull();
    api.failure = 403;
    await expect(table.readAll()).rejects.toMatchObject({ outcome: { status: 'retry' } });
    expect(table.findProblem()).toMatch(
      /403: .*\. Allow the service account to get, list, create and update leases/,
    );
    await table.close?.();
  });

  it('shows the holder to `kubectl get leases`, and needs one request to see all leases', async () => {
    const api = await startKubernetesApi();
    const table = await openKubernetesLeases('team', nodeIo, api.environment, api.account);
    await table.write(3, LEASE, null);
    expect(api.leases.get('team-3')).toMatchObject({
      metadata: { labels: { 'polytrack.cluster': 'team' } },
      spec: { holderIdentity: LEASE.holder, leaseDurationSeconds: 24, leaseTransitions: 1 },
    });
    api.requests.length = 0;
    await table.readAll();
    expect(api.requests).toEqual(['GET ']);
    await table.close?.();
  });

  it.each([
    ['outside a pod', {}, true],
    ['without a service account', { KUBERNETES_SERVICE_HOST: '127.0.0.1' }, false],
  ])('is refused with the reason %s', async (_, environment, hasAccount) => {
    const account = createTempDir();
    mkdirSync(account, { recursive: true });
    if (hasAccount)
      for (const file of ['token', 'ca.crt', 'namespace']) writeFileSync(join(account, file), 'x');
    await expect(openKubernetesLeases('team', nodeIo, environment, account)).rejects.toMatchObject({
      code: 'ERR_CLUSTER_STORE',
      message: expect.stringContaining('this process is not in a pod with a service account'),
    });
  });
});
