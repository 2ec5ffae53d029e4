/**
 * An Azure Blob Storage container as a store. Uses Microsoft's library.
 *
 * Objects below 1 MiB are uploaded in one request, larger ones as a list of blocks, which an append extends. Azure checks the MD5 of each body,
 * and every write is conditional. Azure keeps no checksum of a whole block blob, so the block names contain it (block-id.ts).
 */

import { StoreRequestError } from '../../base/errors.js';
import type { FailedOutcome } from '../../base/retry-table.js';
import { BodyMemory } from '../base/body-memory.js';
import { BucketStore } from '../base/bucket-store.js';
import { type StoreCapabilities, withMinBase } from '../base/capabilities.js';
import { planParts } from '../base/part-planner.js';
import type {
  AppendOutcome,
  AppendRequest,
  CollectOutcome,
  CommitOutcome,
  CommitRequest,
  HeadOutcome,
  ProbeOutcome,
  RemoveOutcome,
  RemoveRequest,
  Store,
} from '../base/store.js';
import { azureOutcomeFrom, isOtherObject, toAzureFailure } from './answer.js';
import { BlockCommits } from './blocks.js';
import { findEndpoint } from './client.js';
import { AzureConnection } from './connection.js';
import type { AzureClientOptions } from './options.js';
import { probeContainer } from './probe.js';
import { putBlob } from './put.js';
import { AzureReader } from './reader.js';
import { AZURE_LIMITS, type AzureLimits, UNPROBED_AZURE } from './store-limits.js';

export interface AzureStoreOptions extends AzureClientOptions {
  readonly container: string;
  /** Without a slash at either end; may be empty. */
  readonly prefix: string;
  /** Tests use smaller limits. */
  readonly limits?: Partial<AzureLimits> | undefined;
}

/** Opens a container as a store. Sends nothing. Throws `StoreLibraryError` or `StoreCredentialsError`. */
export async function openAzureStore(options: AzureStoreOptions): Promise<AzureStore> {
  return new AzureStore(options, await AzureConnection.open(options.container, options));
}

/** The id of the store in journals and reports. It includes the account, because container names are unique only within one. */
export function toAzureStoreId({
  container,
  prefix,
  environment,
}: Pick<AzureStoreOptions, 'container' | 'prefix' | 'environment'>): string {
  const url = prefix === '' ? `azure://${container}` : `azure://${container}/${prefix}`;
  return `${url} at ${findEndpoint(environment)}`;
}

export class AzureStore extends BucketStore implements Store {
  readonly id: string;
  /** The connection, for the report of `polytrack check`. */
  readonly connection: AzureConnection;
  readonly #prefix: string;
  readonly #limits: AzureLimits;
  protected readonly reader: AzureReader;
  readonly #memory: BodyMemory;
  readonly #blocks: BlockCommits;
  #capabilities: StoreCapabilities;

  /** Call `openAzureStore` instead. */
  constructor(options: AzureStoreOptions, connection: AzureConnection) {
    super();
    const { prefix } = options;
    this.id = toAzureStoreId(options);
    this.connection = connection;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.#limits = { ...AZURE_LIMITS, ...options.limits };
    const { minBlobOfBlocksBytes, budgetBytes, maxBlockBytes } = this.#limits;
    this.#capabilities = withMinBase(UNPROBED_AZURE, minBlobOfBlocksBytes);
    this.reader = new AzureReader(connection, this.#prefix, this.#limits.pageSize);
    this.#memory = new BodyMemory({ capacityBytes: budgetBytes, largestBytes: maxBlockBytes });
    this.#blocks = new BlockCommits(this.#writer, this.#memory);
  }

  get capabilities(): StoreCapabilities {
    return this.#capabilities;
  }

  adopt(capabilities: StoreCapabilities): void {
    this.#capabilities = withMinBase(capabilities, this.#limits.minBlobOfBlocksBytes);
  }

  async probe(signal?: AbortSignal): Promise<ProbeOutcome> {
    const outcome = await probeContainer(this.connection, this.#prefix, signal);
    if (outcome.status !== 'probed') return outcome;
    this.adopt(outcome.capabilities);
    return { ...outcome, capabilities: this.#capabilities };
  }

  async commit(request: CommitRequest): Promise<CommitOutcome> {
    const refused = this.refuse(request);
    if (refused !== null) return refused;
    const name = this.#prefix + request.key;
    const { sizeBytes } = request.target;
    if (sizeBytes < this.#limits.minBlobOfBlocksBytes)
      return this.#memory.use(sizeBytes, (buffer) => putBlob(this.#writer, { name, buffer }, request));
    return this.#blocks.commit(
      { name, parts: planParts(sizeBytes, this.#toBlockBytes(sizeBytes)), kept: [] },
      request,
    );
  }

  async append(request: AppendRequest): Promise<AppendOutcome> {
    const refused = this.refuseAppend(request);
    if (refused !== null) return refused;
    const { base, target } = request;
    const name = this.#prefix + request.key;
    const found = await this.#blocks.findBase(name, request);
    if (found.status !== 'kept') return found;
    const tailBytes = target.sizeBytes - base.sizeBytes;
    if (tailBytes === 0)
      return base.crc32 === target.crc32 ? { status: 'stored', etag: base.etag } : { status: 'changed' };
    const tail = planParts(tailBytes, this.#toBlockBytes(tailBytes));
    if (found.blocks.length + tail.length > this.#limits.maxBlocks) return { status: 'unsupported' };
    const parts = tail.map((part) => ({
      ...part,
      start: part.start + base.sizeBytes,
      end: part.end + base.sizeBytes,
    }));
    return this.#blocks.commit({ name, parts, kept: found.blocks }, request);
  }

  async abandon(commitId: string): Promise<void> {
    this.#blocks.abandon(commitId);
  }

  /** Does nothing: Azure removes uncommitted blocks a week after the last upload, and has no request to remove them earlier. */
  async collect(): Promise<CollectOutcome> {
    return { status: 'collected', removed: 0, left: 0 };
  }

  async remove({ key, version, signal }: RemoveRequest): Promise<RemoveOutcome> {
    const conditions = { ifMatch: `"${version.etag}"` };
    const blob = this.connection.blob(this.#prefix + key);
    try {
      await this.connection.send(({ abortSignal }) => blob.delete({ conditions, abortSignal }), { signal });
      return { status: 'removed' };
    } catch (error) {
      if (!isOtherObject(error)) return azureOutcomeFrom(`remove ${key}`, error, signal);
      if (toAzureFailure(error).code === 'BlobNotFound') return { status: 'removed' };
      const found = await this.head(key, signal);
      return found.status === 'absent' ? { status: 'removed' } : { status: 'conflict' };
    }
  }

  async close(): Promise<void> {
    // The library holds no resources that need closing.
  }

  get #writer() {
    return {
      connection: this.connection,
      head: (key: string, signal?: AbortSignal): Promise<HeadOutcome> => this.head(key, signal),
    };
  }

  #toBlockBytes(sizeBytes: number): number {
    const { blockBytes, maxBlockBytes, maxBlocks } = this.#limits;
    let size = blockBytes;
    while (size < maxBlockBytes && Math.ceil(sizeBytes / size) > maxBlocks)
      size = Math.min(size * 2, maxBlockBytes);
    return size;
  }

  protected override refuse(request: CommitRequest): FailedOutcome | null {
    const limit = super.refuse(request);
    if (limit !== null) return limit;
    const { key } = request;
    if (!isChangedByAzure(this.#prefix + key)) return null;
    const message = `${key}: Azure would change this name, because it has a backslash or a path part that ends with a dot`;
    return { status: 'failed', error: new StoreRequestError(message) };
  }
}

/** Whether Azure would change a name. Source: Azure Storage REST API Reference, "Naming and referencing containers, blobs, and metadata". */
function isChangedByAzure(name: string): boolean {
  return name.includes('\\') || name.split('/').some((part) => part.endsWith('.'));
}
