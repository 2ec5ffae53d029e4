/**
 * An Azure Blob Storage container as a driver. Uses Microsoft's library.
 *
 * Parts are blocks: they are uploaded to the blob, then a list of blocks becomes the object. An append lists the blocks of the base and of the
 * tail. Azure checks the MD5 of each body, and every write is conditional. Azure keeps no checksum of a whole block blob, so the block names
 * contain it (block-id.ts).
 *
 * Uncommitted blocks belong to the blob, not to a writer. When one writer commits its list, Azure discards the blocks of all other writers,
 * and their commits get a conflict. Source: Azure Storage REST API Reference, "Put Block" and "Put Block List".
 */

import type { Block, ModifiedAccessConditions } from '@azure/storage-blob';
import { type StoreError, StoreRequestError } from '../../base/errors.js';
import { type StoreCapabilities, withMinBase } from '../base/capabilities.js';
import { CONTENT_TYPE, toMetadata } from '../base/commit-metadata.js';
import { stripQuotes, toStoredOutcome, unexpected } from '../base/commit-outcome.js';
import type {
  BaseOutcome,
  CompleteOutcome,
  ObjectWrite,
  OpenOutcome,
  Orphan,
  PartBody,
  PartOutcome,
  PartsOutcome,
  PutOutcome,
  StoreDriver,
  StoreLimits,
  Upload,
  UploadedPart,
} from '../base/driver.js';
import { type Part, planParts, shiftParts, toPartBytes } from '../base/part-planner.js';
import type { AppendRequest, ObjectVersion, RemoveOutcome, RemoveRequest } from '../base/store.js';
import { azureOutcomeFrom, isOtherObject, toAzureFailure } from './answer.js';
import { fromBlockId, toBlockId, toCommitHash, toExtent } from './block-id.js';
import type { AzureConnection } from './connection.js';
import type { AzureClientOptions } from './options.js';
import { AzureReader, md5, toAzureMetadata } from './reader.js';
import { AZURE_LIMITS, type AzureLimits, UNPROBED_AZURE } from './store-limits.js';

export interface AzureStoreOptions extends AzureClientOptions {
  readonly container: string;
  /** Without a slash at either end; may be empty. */
  readonly prefix: string;
  /** Tests use smaller limits. */
  readonly limits?: Partial<AzureLimits> | undefined;
}

export class AzureDriver extends AzureReader implements StoreDriver {
  readonly id: string;
  readonly limits: StoreLimits;
  readonly #azureLimits: AzureLimits;
  readonly capabilities: StoreCapabilities;

  constructor(id: string, connection: AzureConnection, { prefix, limits }: AzureStoreOptions) {
    const all = { ...AZURE_LIMITS, ...limits };
    super(connection, prefix === '' ? '' : `${prefix}/`, all.pageSize);
    this.id = id;
    this.#azureLimits = all;
    this.capabilities = withMinBase(UNPROBED_AZURE, all.minBlobOfBlocksBytes);
    this.limits = {
      singlePutMaxBytes: all.minBlobOfBlocksBytes - 1,
      bufferMaxBytes: all.maxBlockBytes,
      budgetBytes: all.budgetBytes,
      partBytes: (sizeBytes) => this.#toBlockBytes(sizeBytes),
      partsAtOnce: 4,
    };
  }

  /** Azure changes some names. Source: Azure Storage REST API Reference, "Naming and referencing containers, blobs, and metadata". */
  toKeyError(key: string): StoreError | null {
    const name = this.prefix + key;
    if (!name.includes('\\') && !name.split('/').some((part) => part.endsWith('.'))) return null;
    const message = `${key}: Azure would change this name, because it has a backslash or a path part that ends with a dot`;
    return new StoreRequestError(message);
  }

  async put(write: ObjectWrite, body: PartBody): Promise<PutOutcome> {
    const { key, signal, base } = write;
    const bytes = body.open() as Buffer; // no body is larger than `bufferMaxBytes`
    try {
      const { etag } = await this.connection.send(
        (options) => {
          write.onBytesSent?.(bytes.length);
          return this.blob(key).upload(bytes, bytes.length, {
            ...options,
            // Azure checks it on arrival and stores it: Azure Storage REST API Reference, "Put Blob", x-ms-blob-content-md5.
            blobHTTPHeaders: { blobContentMD5: md5(bytes), blobContentType: CONTENT_TYPE },
            metadata: toAzureMetadata(toMetadata(write)),
            conditions: toConditions(base),
          });
        },
        { signal, sizeBytes: bytes.length },
      );
      return toStoredOutcome(`upload ${key}`, etag);
    } catch (error) {
      return isOtherObject(error) ? { status: 'conflict' } : azureOutcomeFrom(`upload ${key}`, error, signal);
    }
  }

  /** Azure has no upload ids. The hash of the commit id identifies the blocks. */
  async openUpload({ commitId }: ObjectWrite): Promise<OpenOutcome> {
    return { status: 'opened', id: toCommitHash(commitId) };
  }

  async listParts({ id, write }: Upload): Promise<PartsOutcome> {
    const { key, signal } = write;
    try {
      const { uncommittedBlocks = [] } = await this.#listBlocks('uncommitted', write);
      const parts = uncommittedBlocks.flatMap(({ name, size: sizeBytes }): UploadedPart[] => {
        const block = fromBlockId(name);
        if (block?.commitHash !== id) return [];
        return [{ number: block.number, etag: name, sizeBytes, crc32: block.crc32 }];
      });
      return { status: 'listed', parts };
    } catch (error) {
      if (toAzureFailure(error).code === 'BlobNotFound') return { status: 'listed', parts: [] };
      return azureOutcomeFrom(`list the blocks of ${key}`, error, signal);
    }
  }

  async putPart({ id, write }: Upload, { number }: Part, body: PartBody): Promise<PartOutcome> {
    const { key, signal } = write;
    const { crc32, sizeBytes } = body;
    const name = toBlockId({ commitHash: id, number, crc32 });
    const bytes = body.open() as Buffer;
    try {
      await this.connection.send(
        (options) => {
          write.onBytesSent?.(sizeBytes);
          const transactionalContentMD5 = md5(bytes);
          return this.blob(key).stageBlock(name, bytes, sizeBytes, { ...options, transactionalContentMD5 });
        },
        { signal, sizeBytes },
      );
      return { status: 'kept', part: { number, etag: name, sizeBytes, crc32 } };
    } catch (error) {
      return azureOutcomeFrom(`upload part ${number} of ${key}`, error, signal);
    }
  }

  async complete({ write, kept = [] }: Upload, parts: readonly UploadedPart[]): Promise<CompleteOutcome> {
    const { key, signal, base } = write;
    const names = [...(kept as readonly Block[]).map(({ name }) => name), ...parts.map(({ etag }) => etag)];
    try {
      const { etag } = await this.connection.send(
        ({ abortSignal }) =>
          this.blob(key).commitBlockList(names, {
            abortSignal,
            blobHTTPHeaders: { blobContentType: CONTENT_TYPE },
            metadata: toAzureMetadata(toMetadata(write)),
            conditions: toConditions(base),
          }),
        { signal },
      );
      return toStoredOutcome(`complete ${key}`, etag);
    } catch (error) {
      if (isOtherObject(error)) return { status: 'conflict' };
      const outcome = azureOutcomeFrom(`complete ${key}`, error, signal);
      // The blocks no longer exist: committed by a call whose response was lost, or discarded when another writer committed.
      const isGone = toAzureFailure(error).code === 'InvalidBlockList';
      return isGone ? { status: 'rejected', isGone, outcome } : outcome;
    }
  }

  /** Azure removes uncommitted blocks a week after the last upload, and has no request to remove them earlier. */
  async discard(): Promise<void> {}

  /** The blocks of the base, if they prove that it has the expected checksum. */
  async findBase(append: AppendRequest): Promise<BaseOutcome> {
    const { key, base, target, signal } = append;
    try {
      const { etag, committedBlocks: blocks = [] } = await this.#listBlocks('committed', append);
      if (etag === undefined) return unexpected(`list the blocks of ${key}`, 'ETag');
      if (stripQuotes(etag) !== base.etag) return { status: 'conflict' };
      const extent = toExtent(blocks);
      // Written by another program, or in one request.
      if (extent === null || extent.sizeBytes !== base.sizeBytes) return { status: 'unsupported' };
      if (extent.crc32 !== base.crc32) return { status: 'conflict' };
      const tailBytes = target.sizeBytes - base.sizeBytes;
      const parts = shiftParts(planParts(tailBytes, this.#toBlockBytes(tailBytes)), base.sizeBytes);
      if (blocks.length + parts.length > this.#azureLimits.maxBlocks) return { status: 'unsupported' };
      return { status: 'found', kept: blocks, parts };
    } catch (error) {
      return isOtherObject(error)
        ? { status: 'conflict' }
        : azureOutcomeFrom(`list the blocks of ${key}`, error, signal);
    }
  }

  /** None: see `discard`. */
  async *listOrphans(): AsyncGenerator<Orphan> {}

  async removeOrphan(): Promise<boolean> {
    return false;
  }

  async remove({ key, version, signal }: RemoveRequest): Promise<RemoveOutcome> {
    const conditions = toConditions(version);
    try {
      await this.connection.send(({ abortSignal }) => this.blob(key).delete({ conditions, abortSignal }), {
        signal,
      });
      return { status: 'removed' };
    } catch (error) {
      return isOtherObject(error) ? { status: 'conflict' } : azureOutcomeFrom(`remove ${key}`, error, signal);
    }
  }

  async close(): Promise<void> {
    // The library holds no resources that need closing.
  }

  #listBlocks(kind: 'committed' | 'uncommitted', { key, signal }: Pick<ObjectWrite, 'key' | 'signal'>) {
    return this.connection.send(({ abortSignal }) => this.blob(key).getBlockList(kind, { abortSignal }), {
      signal,
    });
  }

  #toBlockBytes(sizeBytes: number): number {
    const { blockBytes: firstBytes, maxBlockBytes: maxBytes, maxBlocks: maxParts } = this.#azureLimits;
    return toPartBytes(sizeBytes, { firstBytes, maxBytes, maxParts });
  }
}

function toConditions(base: ObjectVersion | null): ModifiedAccessConditions {
  return base === null ? { ifNoneMatch: '*' } : { ifMatch: `"${base.etag}"` };
}
