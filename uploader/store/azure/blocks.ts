/**
 * Commits large objects and appends: uploads blocks, whose MD5 Azure checks, then commits the list of blocks as the object.
 *
 * Uncommitted blocks belong to the blob, not to a writer. When one writer commits its list, Azure discards the blocks of all other writers,
 * and their commits get a conflict. Source: Azure Storage REST API Reference, "Put Block" and "Put Block List".
 */

import { crc32 } from 'node:zlib';
import type { Block } from '@azure/storage-blob';
import type { FailedOutcome, RetryOutcome } from '../../base/retry-table.js';
import { type BodyMemory, readBody } from '../base/body-memory.js';
import { CONTENT_TYPE, toMetadata } from '../base/commit-metadata.js';
import { resolveConflict, stripQuotes, toStoredOutcome, unexpected } from '../base/commit-outcome.js';
import { combineCrc32 } from '../base/crc32-combine.js';
import type { Part } from '../base/part-planner.js';
import type { AppendOutcome, AppendRequest, CommitOutcome, CommitRequest } from '../base/store.js';
import { storeParts } from '../base/store-parts.js';
import { azureOutcomeFrom, isOtherObject, toAzureFailure } from './answer.js';
import { fromBlockId, toBlockId, toCommitHash, toExtent } from './block-id.js';
import { type AzureWriter, md5, toConditions } from './put.js';
import { toAzureMetadata } from './reader.js';

export interface BlockPlan {
  /** The name of the blob. */
  readonly name: string;
  /** The parts to send. */
  readonly parts: readonly Part[];
  /** The blocks of the existing object that the new one reuses. */
  readonly kept: readonly Block[];
}

interface StoredBlock {
  readonly id: string;
  readonly crc32: number;
  readonly sizeBytes: number;
}

type BaseOutcome = { readonly status: 'kept'; readonly blocks: readonly Block[] } | AppendOutcome;

export class BlockCommits {
  readonly #writer: AzureWriter;
  readonly #memory: BodyMemory;
  /** By commit id and part number: the blocks that the store has acknowledged. */
  readonly #stored = new Map<string, Map<number, StoredBlock>>();

  constructor(writer: AzureWriter, memory: BodyMemory) {
    this.#writer = writer;
    this.#memory = memory;
  }

  /** Forgets the blocks of a commit. Azure removes them after a week. */
  abandon(commitId: string): void {
    this.#stored.delete(commitId);
  }

  async commit(plan: BlockPlan, request: CommitRequest): Promise<CommitOutcome> {
    const { commitId } = request;
    const stored = await this.#open(plan, request);
    if ('status' in stored) return stored;
    const missing = plan.parts.filter(({ number }) => !stored.has(number));
    const failed = await storeParts(missing, (part) =>
      this.#memory.use(part.end - part.start, (buffer) =>
        this.#storePart({ name: plan.name, part, buffer }, stored, request),
      ),
    );
    const outcome = failed ?? (await this.#completeIfWhole(plan, stored, request));
    if (outcome.status !== 'retry') this.#stored.delete(commitId);
    return outcome;
  }

  /** The blocks of the base of an append, if it is the object that the caller expects. */
  async findBase(name: string, request: AppendRequest): Promise<BaseOutcome> {
    const { key, base, signal } = request;
    const { connection, head } = this.#writer;
    try {
      const list = await connection.send(
        ({ abortSignal }) => connection.blob(name).getBlockList('committed', { abortSignal }),
        { signal },
      );
      if (list.etag === undefined) return unexpected(`list the blocks of ${key}`, 'ETag');
      if (stripQuotes(list.etag) !== base.etag) return resolveConflict(await head(key, signal), request);
      const blocks = list.committedBlocks ?? [];
      const extent = toExtent(blocks);
      // Written by another program, or in one request.
      if (extent === null || extent.sizeBytes !== base.sizeBytes) return { status: 'unsupported' };
      return extent.crc32 === base.crc32 ? { status: 'kept', blocks } : { status: 'conflict' };
    } catch (error) {
      if (isOtherObject(error)) return resolveConflict(await head(key, signal), request);
      return azureOutcomeFrom(`list the blocks of ${key}`, error, signal);
    }
  }

  /** The blocks stored already: by this process, or by an earlier one if the store confirms them. */
  async #open(
    { name, parts }: BlockPlan,
    request: CommitRequest,
  ): Promise<Map<number, StoredBlock> | RetryOutcome | FailedOutcome> {
    const { commitId, unfinished, key, signal } = request;
    const known = this.#stored.get(commitId);
    if (known !== undefined) return known;
    const stored = new Map<number, StoredBlock>();
    if (unfinished !== undefined) {
      const planned = new Map(parts.map((part) => [part.number, part.end - part.start]));
      const recorded = new Set(unfinished.parts.map(({ number, crc32: crc }) => `${number} ${crc}`));
      try {
        for (const { name: id, size } of await this.#listUncommitted(name, signal)) {
          const block = fromBlockId(id);
          const isOurs = block?.commitHash === toCommitHash(commitId) && planned.get(block.number) === size;
          if (block !== null && isOurs && recorded.has(`${block.number} ${block.crc32}`))
            stored.set(block.number, { id, crc32: block.crc32, sizeBytes: size });
        }
      } catch (error) {
        return azureOutcomeFrom(`list the blocks of ${key}`, error, signal);
      }
    }
    this.#stored.set(commitId, stored);
    // Azure has no upload ids. The hash of the commit id identifies the blocks.
    request.onUploadOpened?.(toCommitHash(commitId));
    return stored;
  }

  async #listUncommitted(name: string, signal: AbortSignal | undefined): Promise<readonly Block[]> {
    const { connection } = this.#writer;
    try {
      const list = await connection.send(
        ({ abortSignal }) => connection.blob(name).getBlockList('uncommitted', { abortSignal }),
        { signal },
      );
      return list.uncommittedBlocks ?? [];
    } catch (error) {
      if (toAzureFailure(error).code === 'BlobNotFound') return [];
      throw error;
    }
  }

  async #storePart(
    { name, part, buffer }: { readonly name: string; readonly part: Part; readonly buffer: Buffer | null },
    stored: Map<number, StoredBlock>,
    request: CommitRequest,
  ): Promise<CommitOutcome | null> {
    const { connection } = this.#writer;
    const { key, commitId, signal } = request;
    signal?.throwIfAborted();
    const { number } = part;
    const sizeBytes = part.end - part.start;
    const body = await readBody(request.source, part, buffer);
    if (body.length !== sizeBytes) return { status: 'changed' };
    const crc = crc32(body);
    const id = toBlockId({ commitHash: toCommitHash(commitId), number, crc32: crc });
    try {
      await connection.send(
        (options) => {
          request.onBytesSent?.(sizeBytes);
          const transactionalContentMD5 = md5(body);
          return connection
            .blob(name)
            .stageBlock(id, body, sizeBytes, { ...options, transactionalContentMD5 });
        },
        { signal, sizeBytes },
      );
    } catch (error) {
      return azureOutcomeFrom(`upload part ${number} of ${key}`, error, signal);
    }
    stored.set(number, { id, crc32: crc, sizeBytes });
    request.onPartStored?.({ number, etag: id, crc32: crc, sizeBytes });
    return null;
  }

  async #completeIfWhole(
    plan: BlockPlan,
    stored: ReadonlyMap<number, StoredBlock>,
    request: CommitRequest,
  ): Promise<CommitOutcome> {
    const blocks = [...stored].sort(([a], [b]) => a - b).map(([, block]) => block);
    const base = toExtent(plan.kept) ?? { sizeBytes: 0, crc32: 0 };
    const crc = blocks.reduce(
      (whole, block) => combineCrc32(whole, block.crc32, block.sizeBytes),
      base.crc32,
    );
    if (crc !== request.target.crc32) return { status: 'changed' };
    return this.#complete({ ...plan, sent: blocks.map(({ id }) => id) }, request);
  }

  async #complete(
    { name, kept, sent }: BlockPlan & { readonly sent: readonly string[] },
    request: CommitRequest,
  ): Promise<CommitOutcome> {
    const { connection, head } = this.#writer;
    const { key, signal } = request;
    try {
      const { etag } = await connection.send(
        ({ abortSignal }) =>
          connection.blob(name).commitBlockList([...kept.map((block) => block.name), ...sent], {
            abortSignal,
            blobHTTPHeaders: { blobContentType: CONTENT_TYPE },
            metadata: toAzureMetadata(toMetadata(request)),
            conditions: toConditions(request.base),
          }),
        { signal },
      );
      return toStoredOutcome(`complete ${key}`, etag);
    } catch (error) {
      if (isOtherObject(error)) return resolveConflict(await head(key, signal), request);
      if (toAzureFailure(error).code === 'InvalidBlockList') {
        // The blocks no longer exist: committed by a call whose response was lost, or discarded when another writer committed.
        this.#stored.delete(request.commitId);
        const found = await head(key, signal);
        const etag = found.status === 'found' ? found.object.etag : null;
        if (etag !== (request.base?.etag ?? null)) return resolveConflict(found, request);
      }
      return azureOutcomeFrom(`complete ${key}`, error, signal);
    }
  }
}
