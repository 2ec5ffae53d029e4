/**
 * A Google Cloud Storage bucket as a store. Google's library provides only the credentials.
 *
 * Objects up to 16 MiB are uploaded in one request, larger ones in a resumable upload; appends are composed inside the store. The store checks
 * the CRC-32C of all bytes. Every write is conditional on the generation of the object that it replaces, which serves as the ETag.
 */

import { BodyMemory } from '../base/body-memory.js';
import { BucketStore } from '../base/bucket-store.js';
import { type StoreCapabilities, withMinBase } from '../base/capabilities.js';
import type {
  AppendOutcome,
  AppendRequest,
  CollectOutcome,
  CollectRequest,
  CommitOutcome,
  CommitRequest,
  ProbeOutcome,
  RemoveOutcome,
  RemoveRequest,
  Store,
} from '../base/store.js';
import { gcsOutcomeFrom, isOtherObject } from './answer.js';
import type { GcsClientOptions } from './client.js';
import { GcsAppends } from './compose.js';
import { GcsConnection } from './connection.js';
import { probeGcsBucket } from './probe.js';
import { GcsReader } from './reader.js';
import { GcsSessions } from './session.js';
import { GCS_LIMITS, type GcsLimits, UNPROBED_GCS } from './store-limits.js';
import { collectTails } from './tail.js';
import { type GcsWriter, toGeneration, uploadObject } from './upload.js';

export interface GcsStoreOptions extends GcsClientOptions {
  readonly bucket: string;
  /** Without a slash at either end; may be empty. */
  readonly prefix: string;
  /** Tests use smaller limits. */
  readonly limits?: Partial<GcsLimits> | undefined;
}

/** Opens a bucket as a store. Throws `StoreLibraryError` or `StoreCredentialsError`. */
export async function openGcsStore(options: GcsStoreOptions): Promise<GcsStore> {
  return new GcsStore(options, await GcsConnection.open(options.bucket, options));
}

/** The id of the store in journals and reports. */
export function toGcsStoreId({
  bucket,
  prefix,
  endpoint,
  environment = process.env,
}: Pick<GcsStoreOptions, 'bucket' | 'prefix' | 'endpoint' | 'environment'>): string {
  const url = prefix === '' ? `gs://${bucket}` : `gs://${bucket}/${prefix}`;
  const other = endpoint ?? environment.STORAGE_EMULATOR_HOST;
  return other ? `${url} at ${other.replace(/\/+$/, '')}` : url;
}

export class GcsStore extends BucketStore implements Store {
  readonly id: string;
  /** The connection, for the report of `polytrack check`. */
  readonly connection: GcsConnection;
  readonly #prefix: string;
  readonly #limits: GcsLimits;
  protected readonly reader: GcsReader;
  readonly #memory: BodyMemory;
  readonly #sessions: GcsSessions;
  readonly #appends: GcsAppends;
  readonly #writer: GcsWriter;
  #capabilities: StoreCapabilities;

  /** Call `openGcsStore` instead. */
  constructor(options: GcsStoreOptions, connection: GcsConnection) {
    super();
    const { prefix } = options;
    this.id = toGcsStoreId(options);
    this.connection = connection;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.#limits = { ...GCS_LIMITS, ...options.limits };
    const { minBaseBytes, budgetBytes, singlePutMaxBytes, pieceBytes } = this.#limits;
    this.#capabilities = withMinBase(UNPROBED_GCS, minBaseBytes);
    this.reader = new GcsReader(connection, this.#prefix);
    const largestBytes = Math.max(singlePutMaxBytes, pieceBytes);
    this.#memory = new BodyMemory({ capacityBytes: budgetBytes, largestBytes });
    this.#writer = { connection, head: (key, signal) => this.head(key, signal) };
    this.#sessions = new GcsSessions(this.#writer, { memory: this.#memory, pieceBytes });
    this.#appends = new GcsAppends({
      ...this.#writer,
      prefix: this.#prefix,
      store: (request) => this.#store(request),
    });
  }

  get capabilities(): StoreCapabilities {
    return this.#capabilities;
  }

  adopt(capabilities: StoreCapabilities): void {
    this.#capabilities = withMinBase(capabilities, this.#limits.minBaseBytes);
  }

  async probe(signal?: AbortSignal): Promise<ProbeOutcome> {
    const outcome = await probeGcsBucket(this.connection, this.#prefix, signal);
    if (outcome.status !== 'probed') return outcome;
    this.adopt(outcome.capabilities);
    return { ...outcome, capabilities: this.#capabilities };
  }

  async commit(request: CommitRequest): Promise<CommitOutcome> {
    return this.refuse(request) ?? this.#store(request);
  }

  async append(request: AppendRequest): Promise<AppendOutcome> {
    return this.refuseAppend(request) ?? this.#appends.append(request);
  }

  async abandon(commitId: string): Promise<void> {
    await this.#sessions.abandon(commitId);
    await this.#appends.abandon(commitId);
  }

  /** Removes orphaned tails of appends. The store ends upload sessions within a week. */
  collect(request: CollectRequest): Promise<CollectOutcome> {
    const isInUse = (commitId: string): boolean => this.#appends.isInUse(commitId);
    return collectTails(this.connection, { prefix: this.#prefix, isInUse }, request);
  }

  async remove({ key, version, signal }: RemoveRequest): Promise<RemoveOutcome> {
    const path = this.connection.objectPath(this.#prefix + key);
    const ifGenerationMatch = toGeneration(version);
    try {
      if (ifGenerationMatch !== null) {
        await this.connection.send({ method: 'DELETE', path, query: { ifGenerationMatch }, signal });
        return { status: 'removed' };
      }
    } catch (error) {
      if (!isOtherObject(error)) return gcsOutcomeFrom(`remove ${key}`, error, signal);
    }
    const found = await this.head(key, signal);
    if (found.status === 'absent') return { status: 'removed' };
    return found.status === 'found' ? { status: 'conflict' } : found;
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  #store(request: CommitRequest): Promise<CommitOutcome> {
    const name = this.#prefix + request.key;
    const { sizeBytes } = request.target;
    if (sizeBytes > this.#limits.singlePutMaxBytes) return this.#sessions.commit(name, request);
    return this.#memory.use(sizeBytes, (buffer) => uploadObject(this.#writer, { name, buffer }, request));
  }
}
