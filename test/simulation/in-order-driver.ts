/**
 * The driver of a bucket as Google Cloud Storage defines it: an upload takes its parts in order, of which the bucket may keep only the beginning;
 * the last part makes it the object; an append joins the object and the object of its tail.
 */

import { crc32 } from 'node:zlib';
import { crc32c } from '../../src/format/record/crc32c.js';
import type { StoreCapabilities } from '../../uploader/store/base/capabilities.js';
import { toMetadata } from '../../uploader/store/base/commit-metadata.js';
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
  StoredTail,
  StoreLimits,
  Upload,
  UploadedPart,
} from '../../uploader/store/base/driver.js';
import type { Part } from '../../uploader/store/base/part-planner.js';
import type { AppendRequest } from '../../uploader/store/base/store.js';
import { type Bucket, CAPABILITIES, SimulatedDriver } from './bucket.js';
import type { Process } from './machine.js';

const TAILS = '.plx/tails/';
const LIMITS: StoreLimits = {
  singlePutMaxBytes: 1024,
  bufferMaxBytes: 2048,
  budgetBytes: 16_384,
  partBytes: () => 1024,
  partsAtOnce: 1,
  needsCrc32c: true,
};
const CONFLICT = { status: 'conflict' } as const;

interface Session {
  readonly write: ObjectWrite;
  bytes: Buffer;
  /** Of the object, once the upload is complete. */
  etag: string | null;
}

/** By bucket and upload. */
const SESSIONS = new WeakMap<Bucket, Map<string, Session>>();

export class InOrderDriver extends SimulatedDriver {
  override readonly limits = LIMITS;
  override readonly capabilities: StoreCapabilities;
  /** The probability that the bucket keeps only the beginning of a part. */
  shortParts = 0;

  constructor(bucket: Bucket, process: Process) {
    super(bucket, process);
    const append = { minBaseBytes: 1, maxBaseBytes: Number.MAX_SAFE_INTEGER };
    this.capabilities = { ...CAPABILITIES, rangeCopy: false, append };
  }

  /** Uploads that are not complete, and tails that are not joined. */
  get leftovers(): string[] {
    const open = [...this.#sessions].filter(([, { etag }]) => etag === null).map(([id]) => id);
    return [...open, ...[...this.bucket.objects.keys()].filter((key) => key.startsWith(TAILS))];
  }

  /** Ends all uploads that are not complete. */
  endUploads(): void {
    for (const [id, { etag }] of this.#sessions) if (etag === null) this.#sessions.delete(id);
  }

  get #sessions(): Map<string, Session> {
    const sessions = SESSIONS.get(this.bucket) ?? new Map<string, Session>();
    SESSIONS.set(this.bucket, sessions);
    return sessions;
  }

  override openUpload(write: ObjectWrite): Promise<OpenOutcome> {
    const open = (): OpenOutcome => {
      if (!this.isBase(write)) return CONFLICT;
      const id = this.bucket.nextUploadId();
      this.#sessions.set(id, { write, bytes: Buffer.alloc(0), etag: null });
      return { status: 'opened', id };
    };
    return this.request('create upload', write.key, open, write.signal);
  }

  override listParts({ id, write }: Upload): Promise<PartsOutcome> {
    const list = (): PartsOutcome => {
      const session = this.#sessions.get(id);
      if (session === undefined) return toGone();
      if (session.etag !== null) return { status: 'completed', etag: session.etag };
      return { status: 'listed', parts: [toPart(0, session.bytes.length)] };
    };
    return this.request('list parts', write.key, list, write.signal);
  }

  override async putPart({ id, write }: Upload, part: Part, body: PartBody): Promise<PartOutcome> {
    const bytes = await this.bytesOf(body, write);
    // Decided before the request, because it may arrive twice.
    const keptBytes = this.process.random.chance(this.shortParts)
      ? 1 + this.process.random.below(bytes.length)
      : bytes.length;
    const put = (): PartOutcome => {
      const session = this.#sessions.get(id);
      if (session === undefined) return toGone();
      if (session.etag !== null) return { status: 'completed', etag: session.etag };
      if (part.start !== session.bytes.length)
        return { status: 'retry', cause: new Error('the offset is wrong') };
      session.bytes = Buffer.concat([session.bytes, bytes.subarray(0, keptBytes)]);
      if (session.bytes.length < write.target.sizeBytes)
        return { status: 'kept', part: toPart(part.number, keptBytes) };
      return this.#finish(session);
    };
    return this.request('put part', write.key, put, write.signal);
  }

  #finish(session: Session): PartOutcome {
    const { bytes, write } = session;
    if (!this.isBase(write)) return CONFLICT;
    if (crc32(bytes) !== write.target.crc32 || checksumC(bytes) !== write.crc32c)
      throw new Error(`${write.key}: the upload is not the target`);
    session.etag = this.bucket.put(write.key, bytes, toMetadata(write));
    return { status: 'completed', etag: session.etag };
  }

  override async complete(): Promise<CompleteOutcome> {
    throw new Error('the last part completes an upload');
  }

  override async discard({ id, key }: { readonly id: string; readonly key: string }): Promise<void> {
    await this.request('abort', key, () => this.#sessions.delete(id)).catch(() => undefined); // never fails: an orphan is collected later
  }

  override findBase({ key, base, signal }: AppendRequest): Promise<BaseOutcome> {
    const find = (): BaseOutcome => {
      const object = this.bucket.objects.get(key);
      if (object?.etag !== base.etag || crc32(object.bytes) !== base.crc32) return CONFLICT;
      return { status: 'found', kept: checksumC(object.bytes), parts: [] };
    };
    return this.request('head', key, find, signal);
  }

  toTailKey({ key, commitId }: Pick<ObjectWrite, 'key' | 'commitId'>): string {
    return `${TAILS}${key}/${commitId}`;
  }

  join(write: ObjectWrite, kept: unknown, tail: StoredTail): Promise<PutOutcome> {
    const join = (): PutOutcome => {
      const [object, added] = [this.bucket.objects.get(write.key), this.bucket.objects.get(tail.key)];
      if (object === undefined || added === undefined || !this.isBase(write) || added.etag !== tail.etag)
        return CONFLICT;
      if (checksumC(object.bytes) !== kept || checksumC(added.bytes) !== tail.crc32c)
        throw new Error(`${write.key}: the tail has another checksum`);
      const bytes = Buffer.concat([object.bytes, added.bytes]);
      return { status: 'stored', etag: this.bucket.put(write.key, bytes, toMetadata(write)) };
    };
    return this.request('join', write.key, join, write.signal);
  }

  override async *listOrphans(prefix: string): AsyncGenerator<Orphan> {
    for (const [name, { etag, sinceMs }] of this.bucket.objects) {
      if (!name.startsWith(`${TAILS}${prefix}`)) continue;
      const [key, id] = [
        name.slice(TAILS.length, name.lastIndexOf('/')),
        name.slice(name.lastIndexOf('/') + 1),
      ];
      yield { key, id, etag, ageMs: this.bucket.nowMs() - sinceMs };
    }
  }

  override async removeOrphan({ key, id }: Omit<Orphan, 'ageMs'>, signal?: AbortSignal): Promise<boolean> {
    const remove = (): boolean => {
      this.bucket.delete(this.toTailKey({ key, commitId: id }));
      return true;
    };
    return (await this.request('remove', key, remove, signal)) === true;
  }
}

function toPart(number: number, sizeBytes: number): UploadedPart {
  return { number, etag: '', sizeBytes, crc32: null };
}

function toGone(): { readonly status: 'gone'; readonly cause: Error } {
  return { status: 'gone', cause: new Error('the upload has ended') };
}

function checksumC(bytes: Buffer): number {
  return crc32c(bytes, 0, bytes.length);
}
