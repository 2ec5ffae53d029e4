/**
 * Keeps leases in Kubernetes: the object `<name>-<shard>` of the kind Lease for each shard, in the namespace of the pod. One listing returns all
 * of them with their contents.
 *
 * Source: Kubernetes API Reference, "Lease v1 coordination.k8s.io"; "Accessing the Kubernetes API from a Pod" (files and variables of a pod);
 * "API Concepts", "Resource Versions" (a PUT with another resourceVersion than the stored one is rejected with 409). A PUT without a uid creates a
 * lease that was deleted; with another uid than the stored one, it is rejected with 409 (observed with kube-apiserver 1.34).
 */

import { describe } from '../../src/base/describe.js';
import { messageOf } from '../../src/base/errors.js';
import { ClusterStoreError } from '../base/errors.js';
import type { HttpRequest, Transport } from '../base/http/transport.js';
import { createUndiciTransport } from '../base/http/undici-transport.js';
import type { Io } from '../base/io/io.js';
import { readWholeFile } from '../base/io/whole-file.js';
import { OutcomeError } from '../base/retry-table.js';
import { LEASE_MS, type Lease, type LeaseTable, parseLease, type StoredLease } from './lease.js';

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Names the cluster that a lease belongs to. */
const LABEL = 'polytrack.cluster';
/** What a lease of Kubernetes has no field for. */
const ANNOTATION = 'polytrack/lease';
const SILENCE_MS = 10_000;
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_BYTES = 16 * 1024 * 1024;

interface KubernetesLease {
  readonly metadata?: {
    readonly name?: string;
    readonly resourceVersion?: string;
    readonly uid?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly holderIdentity?: string; readonly leaseTransitions?: number };
}

interface Access {
  readonly url: URL;
  readonly namespace: string;
  /** Read for each request: Kubernetes renews it. */
  readonly readToken: () => Promise<string>;
  readonly transport: Transport;
  /** In seconds, for users of `kubectl`. */
  readonly wallTime: () => number;
}

/** Finds the API and the credentials of the pod. `account`: the directory of its service account. Throws `ClusterStoreError`. */
export async function openKubernetesLeases(
  name: string,
  { fileSystem, clock }: Pick<Io, 'fileSystem' | 'clock'>,
  environment: Readonly<Record<string, string | undefined>>,
  account = ACCOUNT,
): Promise<LeaseTable> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = environment;
  const read = async (file: string): Promise<string> =>
    (await readWholeFile(fileSystem, `${account}/${file}`, MAX_FILE_BYTES)).toString().trim();
  try {
    if (host === undefined) throw new Error('KUBERNETES_SERVICE_HOST is not set');
    const [ca, namespace] = [await read('ca.crt'), await read('namespace')];
    await read('token');
    const url = new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`);
    const tls = { ca, isVerified: true, isHostnameVerified: true };
    const transport = createUndiciTransport({ tls, proxies: {} });
    return new KubernetesLeases(name, {
      ...{ url, namespace, transport, readToken: () => read('token') },
      wallTime: () => clock.wallTime(),
    });
  } catch (cause) {
    const reason = `this process is not in a pod with a service account: ${messageOf(cause)}`;
    throw new ClusterStoreError('Kubernetes', reason, { cause });
  }
}

class KubernetesLeases implements LeaseTable {
  readonly name: string;
  readonly #cluster: string;
  readonly #access: Access;
  #problem: string | null = null;

  constructor(cluster: string, access: Access) {
    this.#cluster = cluster;
    this.#access = access;
    this.name = `Kubernetes at ${access.url.host}`;
  }

  findProblem(): string | null {
    return this.#problem;
  }

  async readAll(signal?: AbortSignal): Promise<ReadonlyMap<number, StoredLease>> {
    const selector = encodeURIComponent(`${LABEL}=${this.#cluster}`);
    const answer = await this.#send('GET', `?labelSelector=${selector}`, undefined, signal);
    const { items } = this.#expect<{ items?: readonly KubernetesLease[] }>(answer, 200);
    const found = new Map<number, StoredLease>();
    for (const item of items ?? []) {
      const name = item.metadata?.name ?? '';
      const [, digits] = /^-(\d{1,4})$/.exec(name.slice(this.#cluster.length)) ?? [];
      if (digits !== undefined) found.set(Number(digits), parseStored(item));
    }
    return found;
  }

  async read(shard: number, signal?: AbortSignal): Promise<StoredLease | null> {
    const answer = await this.#send('GET', `/${this.#toName(shard)}`, undefined, signal);
    return answer.status === 404 ? null : parseStored(this.#expect<KubernetesLease>(answer, 200));
  }

  async write(
    shard: number,
    lease: Lease,
    base: string | null,
    signal?: AbortSignal,
  ): Promise<StoredLease | null> {
    const name = this.#toName(shard);
    const now = `${new Date(this.#access.wallTime() * 1000).toISOString().slice(0, -1)}000Z`;
    const [resourceVersion, uid] = base?.split('/') ?? [];
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name,
        labels: { [LABEL]: this.#cluster },
        annotations: { [ANNOTATION]: JSON.stringify(lease) },
        resourceVersion,
        uid,
      },
      spec: {
        holderIdentity: lease.holder ?? '',
        leaseDurationSeconds: LEASE_MS / 1000,
        leaseTransitions: lease.generation,
        renewTime: now,
      },
    };
    const answer =
      base === null
        ? await this.#send('POST', '', body, signal)
        : await this.#send('PUT', `/${name}`, body, signal);
    if (answer.status === 409) return null;
    return parseStored(this.#expect<KubernetesLease>(answer, base === null ? 201 : 200));
  }

  close(): Promise<void> {
    return this.#access.transport.close();
  }

  /** Returns what a request was answered with. Remembers a refusal, and throws `OutcomeError` for every other failure. */
  #expect<Value>({ status, value }: Answer, expected: number): Value {
    if (status === expected && typeof value === 'object' && value !== null) return value as Value;
    const text = (value as { message?: unknown } | null)?.message ?? value;
    const found = `it answers with ${status}: ${typeof text === 'string' ? text : describe(text)}`;
    if (status === 403 || status === 404)
      this.#problem = `${found}. Allow the service account to get, list, create and update leases`;
    throw new OutcomeError({ status: 'retry', cause: new Error(`${this.name}: ${found}`) });
  }

  async #send(
    method: HttpRequest['method'],
    path: string,
    body: object | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    const { url, namespace, transport, readToken } = this.#access;
    const place = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
    try {
      const token = await readToken();
      const response = await transport.send({
        method,
        url: new URL(`${place}${path}`, url),
        headers: {
          authorization: `Bearer ${token}`,
          accept: 'application/json',
          'content-type': 'application/json',
        },
        body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
        silenceMs: SILENCE_MS,
        signal,
      });
      const pieces: Buffer[] = [];
      let sizeBytes = 0;
      for await (const piece of response.body as AsyncIterable<Buffer>) {
        sizeBytes += piece.length;
        if (sizeBytes > MAX_BYTES) throw new Error('the answer is too long');
        pieces.push(piece);
      }
      const answer = Buffer.concat(pieces).toString();
      // A proxy may repeat the request in its error.
      const text = token === '' ? answer : answer.replaceAll(token, '…');
      return { status: response.status, value: toJson(text) ?? text };
    } catch (cause) {
      signal?.throwIfAborted();
      throw new OutcomeError({ status: 'retry', cause });
    }
  }

  #toName(shard: number): string {
    return `${this.#cluster}-${shard}`;
  }
}

interface Answer {
  readonly status: number;
  readonly value: unknown;
}

function parseStored({ metadata, spec }: KubernetesLease): StoredLease {
  const version = `${metadata?.resourceVersion}/${metadata?.uid}`;
  const lease = parseLease(toJson(metadata?.annotations?.[ANNOTATION] ?? ''));
  // Another program may have taken the lease.
  const isOther = (spec?.holderIdentity ?? '') !== (lease.holder ?? '');
  const stored = isOther ? { ...lease, holder: spec?.holderIdentity || null } : lease;
  return { lease: stored, version, mark: `${lease.generation}.${lease.beat}` };
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a proxy has answered, or another program has written it
  }
}
