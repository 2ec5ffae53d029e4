/**
 * Finds out what an Azure container supports, with test objects of a few bytes below `.plx/probe/` that it removes.
 */

import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ModifiedAccessConditions } from '@azure/storage-blob';
import type { StoreCapabilities } from '../base/capabilities.js';
import { ProbeObjects } from '../base/probe-objects.js';
import type { ProbeOutcome } from '../base/store.js';
import { azureOutcomeFrom, toAzureFailure } from './answer.js';
import { toBlockId, toExtent } from './block-id.js';
import type { AzureConnection } from './connection.js';
import { md5 } from './reader.js';
import { UNPROBED_AZURE } from './store-limits.js';

const OTHER: ModifiedAccessConditions = { ifMatch: '"0x8000000000000000"' };
const NEW: ModifiedAccessConditions = { ifNoneMatch: '*' };
const METADATA = { plx_commit: 'probe' };

export function probeContainer(
  connection: AzureConnection,
  keyPrefix: string,
  signal?: AbortSignal,
): Promise<ProbeOutcome> {
  const blobs = new ProbeBlobs(connection, keyPrefix, signal);
  return blobs.probe(() => askAll(blobs));
}

async function askAll(blobs: ProbeBlobs): Promise<StoreCapabilities> {
  const bytes = randomBytes(16);
  const tail = randomBytes(3);
  await blobs.require('small', bytes);
  const small = await blobs.head('small');
  const isCreateRefused = !(await blobs.puts('small', bytes, NEW));
  const isCreateTaken = await blobs.puts('new', bytes, NEW);
  const isReplaceRefused = !(await blobs.puts('small', bytes, OTHER));
  const isReplaceTaken = await blobs.puts('small', bytes, { ifMatch: small.etag });
  const isWrongRefused = !(await blobs.puts('small', bytes, {}, tail));

  const isBlockRefused = !(await blobs.stages('large', tail, 1, bytes));
  const isMade = await blobs.lists('large', [bytes], NEW);
  const isListRefused =
    !(await blobs.lists('large', [tail], NEW)) && !(await blobs.lists('large', [tail], OTHER));
  const large = await blobs.head('large');
  const isUntouched = large.sizeBytes === bytes.length;
  const isExtended = await blobs.lists('large', [bytes, tail], { ifMatch: large.etag }, 1);
  const whole = crc32(tail, crc32(bytes));
  const grown = await blobs.head('large');
  const isWhole = isExtended && (await blobs.crc32OfBlocks('large')) === whole && grown.sizeBytes === 19;
  const conditionalComplete = isMade && isListRefused && isUntouched;
  return {
    ...UNPROBED_AZURE,
    conditionalCreate: isCreateRefused && isCreateTaken,
    conditionalReplace: isReplaceRefused && isReplaceTaken,
    conditionalComplete,
    rejectsWrongChecksum: isWrongRefused && isBlockRefused,
    multipartChecksum: isBlockRefused && isWhole,
    wholeObjectChecksum: grown.hasMetadata && small.hasMetadata,
    metadata: grown.hasMetadata && small.hasMetadata,
    append: conditionalComplete && isWhole ? UNPROBED_AZURE.append : null,
    versioning: blobs.versioning,
  };
}

class ProbeBlobs extends ProbeObjects {
  versioning: 'on' | 'off' = 'off';
  readonly #connection: AzureConnection;
  readonly #made = new Set<string>();

  constructor(connection: AzureConnection, keyPrefix: string, signal: AbortSignal | undefined) {
    super(keyPrefix, { toFailure: toAzureFailure, outcomeFrom: azureOutcomeFrom }, signal);
    this.#connection = connection;
  }

  /** A write that must succeed for the probe to continue. */
  async require(name: string, bytes: Buffer): Promise<void> {
    try {
      await this.#put(name, bytes, {}, bytes);
    } catch (error) {
      throw this.endFrom('write to the container', 'put', error);
    }
  }

  /** Whether an upload in one request is accepted, with the MD5 of `hashed`. */
  async puts(
    name: string,
    bytes: Buffer,
    conditions: ModifiedAccessConditions,
    hashed = bytes,
  ): Promise<boolean> {
    return this.accepts(`put ${name}`, () => this.#put(name, bytes, conditions, hashed));
  }

  /** Whether a block is accepted, with the MD5 of `hashed`. */
  async stages(name: string, bytes: Buffer, number: number, hashed = bytes): Promise<boolean> {
    const blob = this.#connection.blob(this.prefix + name);
    return this.accepts(`put a block of ${name}`, () =>
      this.#send((abortSignal) =>
        blob.stageBlock(toId(bytes, number), bytes, bytes.length, {
          transactionalContentMD5: md5(hashed),
          abortSignal,
        }),
      ),
    );
  }

  /** Whether a list of blocks can be committed as the blob. The first `kept` blocks are already in it. */
  async lists(
    name: string,
    blocks: readonly Buffer[],
    conditions: ModifiedAccessConditions,
    kept = 0,
  ): Promise<boolean> {
    for (const [index, bytes] of blocks.entries())
      if (index >= kept && !(await this.stages(name, bytes, index + 1))) return false;
    const blob = this.#connection.blob(this.prefix + name);
    const ids = blocks.map((bytes, index) => toId(bytes, index + 1));
    this.#made.add(name);
    return this.accepts(`commit the blocks of ${name}`, () =>
      this.#send((abortSignal) => blob.commitBlockList(ids, { conditions, metadata: METADATA, abortSignal })),
    );
  }

  async head(name: string) {
    const blob = this.#connection.blob(this.prefix + name);
    try {
      const found = await this.#send((abortSignal) => blob.getProperties({ abortSignal }));
      const hasMetadata = found.metadata?.plx_commit === METADATA.plx_commit;
      return { etag: found.etag ?? '', sizeBytes: found.contentLength ?? 0, hasMetadata };
    } catch (error) {
      throw this.endFrom('read from the container', 'get', error);
    }
  }

  async crc32OfBlocks(name: string): Promise<number | null> {
    const blob = this.#connection.blob(this.prefix + name);
    try {
      const list = await this.#send((abortSignal) => blob.getBlockList('committed', { abortSignal }));
      return toExtent(list.committedBlocks ?? [])?.crc32 ?? null;
    } catch (error) {
      throw this.endFrom('read from the container', 'get', error);
    }
  }

  mayRead(name: string): Promise<boolean> {
    const blob = this.#connection.blob(this.prefix + name);
    return this.accepts('read an object', () =>
      this.#send((abortSignal) => blob.downloadToBuffer(0, undefined, { abortSignal })),
    );
  }

  async remove(): Promise<{ remaining: string[]; mayAbort: boolean }> {
    const remaining: string[] = [];
    for (const name of this.#made) {
      const blob = this.#connection.blob(this.prefix + name);
      try {
        await this.#connection.send(({ abortSignal }) => blob.deleteIfExists({ abortSignal }));
      } catch {
        remaining.push(this.prefix + name); // only the probe needs the permission to delete
      }
    }
    return { remaining, mayAbort: true };
  }

  async #put(
    name: string,
    bytes: Buffer,
    conditions: ModifiedAccessConditions,
    hashed: Buffer,
  ): Promise<void> {
    const blob = this.#connection.blob(this.prefix + name);
    this.#made.add(name);
    const blobHTTPHeaders = { blobContentMD5: md5(hashed) };
    const { versionId } = await this.#send((abortSignal) =>
      blob.upload(bytes, bytes.length, { blobHTTPHeaders, conditions, metadata: METADATA, abortSignal }),
    );
    if (versionId !== undefined) this.versioning = 'on';
  }

  #send<Answer>(request: (abortSignal: AbortSignal) => Promise<Answer>): Promise<Answer> {
    return this.#connection.send(({ abortSignal }) => request(abortSignal), { signal: this.signal });
  }
}

function toId(bytes: Buffer, number: number): string {
  return toBlockId({ commitHash: '0000000000000000', number, crc32: crc32(bytes) });
}
