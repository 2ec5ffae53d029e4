/**
 * A bucket as S3 defines it, and the driver of one process for it; the commit engine above is the real one. Requests can fail, or be applied
 * although their response is lost, also after the process that sent them was killed.
 */

import { createHash, type Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { OutcomeError, type RetryOutcome } from '../../uploader/base/retry-table.js';
import { type StoreCapabilities, UNPROBED_S3 } from '../../uploader/store/base/capabilities.js';
import { fromMetadata, toMetadata } from '../../uploader/store/base/commit-metadata.js';
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
} from '../../uploader/store/base/driver.js';
import { type Part, planParts, shiftParts } from '../../uploader/store/base/part-planner.js';
import type {
  AppendRequest,
  CheckOutcome,
  Extent,
  HeadOutcome,
  ListedObject,
  ListOptions,
  ObjectVersion,
  ReadOptions,
  RemoveOutcome,
  RemoveRequest,
} from '../../uploader/store/base/store.js';
import type { Process } from './machine.js';
import type { Random } from './random.js';

/** Parts and limits are small, so that files of some kilobytes use every way of a commit. */
const PART_BYTES = 1024;
const MIN_PART_BYTES = 512;
const LIMITS: StoreLimits = {
  singlePutMaxBytes: 2048,
  bufferMaxBytes: 4096,
  budgetBytes: 16_384,
  partBytes: () => PART_BYTES,
  partsAtOnce: 3,
  completesLate: true,
  minAppendBytes: MIN_PART_BYTES,
};
export const CAPABILITIES: StoreCapabilities = {
  ...UNPROBED_S3,
  ...{ rejectsWrongChecksum: true, rangeCopy: true, unevenParts: true, versioning: 'off' },
  append: { minBaseBytes: MIN_PART_BYTES, maxBaseBytes: Number.MAX_SAFE_INTEGER },
};
const PAGE = 50;
/** How long a listing may lag behind, in the mode of late visibility. */
const LATE_MS = 2_000;

export interface StoredBytes {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly sinceMs: number;
}

interface OpenUpload {
  readonly key: string;
  readonly metadata: Record<string, string>;
  readonly sinceMs: number;
  readonly parts: Map<number, Buffer>;
}

export interface BucketOptions {
  readonly name: string;
  /** Whether the bucket supports conditional writes. */
  readonly isConditional: boolean;
}

/** The fate of a request. `lost`: it is applied, but its response is lost. */
type Fate = 'pass' | 'fail' | 'lost';

export class Bucket {
  readonly objects = new Map<string, StoredBytes>();
  readonly uploads = new Map<string, OpenUpload>();
  isDown = false;
  /** Whether objects can be extended. Otherwise what follows an object is stored in segments. */
  canAppend = true;
  keepsMetadata = true;
  /** The probability of a failed request, and of a lost response. */
  failures = 0;
  isLate = false;
  requests = 0;
  writes = 0;
  /** Counts the changes of objects and uploads. */
  changes = 0;
  /** Called for each change of an object. */
  onChange: (key: string, before: Buffer | undefined, after: Buffer | undefined) => void = () => undefined;
  #versions = 0;

  constructor(
    readonly options: BucketOptions,
    readonly nowMs: () => number,
  ) {}

  /** Adds the objects and uploads to `hash`, without times. */
  addTo(hash: Hash): void {
    for (const [key, { bytes, metadata }] of this.objects)
      hash.update(`${key} ${JSON.stringify(metadata)} ${bytes.length}\n`).update(bytes);
    for (const [id, { key, parts }] of this.uploads) {
      hash.update(`${id} ${key}\n`);
      for (const [number, bytes] of parts) hash.update(`${number} ${bytes.length}\n`).update(bytes);
    }
  }

  fateOf(random: Random): Fate {
    this.requests += 1;
    if (this.isDown) return 'fail';
    if (!random.chance(this.failures)) return 'pass';
    return random.chance(0.5) ? 'fail' : 'lost';
  }

  /** `toEtag`: makes the ETag from the number of the version. Default: as S3 does. */
  put(
    key: string,
    bytes: Buffer,
    metadata: Record<string, string>,
    toEtag = (version: number): string => `${createHash('md5').update(bytes).digest('hex')}-${version}`,
  ): string {
    const etag = toEtag(++this.#versions);
    const before = this.objects.get(key)?.bytes;
    const kept = this.keepsMetadata ? metadata : {};
    this.objects.set(key, { bytes: Buffer.from(bytes), etag, metadata: kept, sinceMs: this.nowMs() });
    this.writes += 1;
    this.onChange(key, before, bytes);
    return etag;
  }

  delete(key: string): void {
    const before = this.objects.get(key)?.bytes;
    this.objects.delete(key);
    this.onChange(key, before, undefined);
  }

  /** The bytes of a file: its object, and the segments that continue it. */
  readFile(key: string): Buffer | undefined {
    const object = this.objects.get(key);
    if (object === undefined) return undefined;
    const slash = key.indexOf('/');
    const directory = `${key.slice(0, slash)}/.plx/seg${key.slice(slash)}/`;
    const all = [...this.objects.keys()].filter((each) => each.startsWith(directory));
    const newest = Math.max(0, ...all.map((each) => Number.parseInt(each.slice(directory.length), 10)));
    const { generation } = fromMetadata(object.metadata, object.bytes.length);
    const prefix = `${directory}${generation ?? newest}/`;
    let { bytes } = object;
    const names = all.filter((each) => each.startsWith(prefix)).sort();
    for (const name of names) {
      const start = Number.parseInt(name.slice(prefix.length), 10);
      const segment = this.objects.get(name)!.bytes;
      if (start <= bytes.length && start + segment.length > bytes.length)
        bytes = Buffer.concat([bytes, segment.subarray(bytes.length - start)]);
    }
    return bytes;
  }

  nextUploadId(): string {
    return `upload-${++this.#versions}`;
  }
}

const READING: ReadonlySet<string> = new Set(['check', 'head', 'list', 'read', 'list parts', 'list uploads']);
const GONE = { status: 'gone', cause: new Error('NoSuchUpload') } as const;
const CONFLICT = { status: 'conflict' } as const;

export class SimulatedDriver implements StoreDriver {
  readonly id: string;
  readonly capabilities: StoreCapabilities;
  readonly limits: StoreLimits = LIMITS;

  constructor(
    readonly bucket: Bucket,
    readonly process: Process,
  ) {
    const { name, isConditional } = bucket.options;
    this.id = `s3://${name}`;
    this.capabilities = {
      ...CAPABILITIES,
      ...(bucket.canAppend ? {} : { append: null, rangeCopy: false }),
      metadata: bucket.keepsMetadata,
      conditionalCreate: isConditional,
      conditionalReplace: isConditional,
      conditionalComplete: isConditional,
    };
  }

  check(): Promise<CheckOutcome> {
    return this.request('check', '', () => ({ status: 'ready' }));
  }

  head(key: string, signal?: AbortSignal): Promise<HeadOutcome> {
    return this.request('head', key, () => this.#head(key), signal);
  }

  async *list(prefix: string, { after = '', signal }: ListOptions = {}): AsyncGenerator<ListedObject> {
    for (let last = after; ; ) {
      const page = await this.request('list', prefix, () => this.#page(prefix, last), signal);
      if ('status' in page) throw new OutcomeError(page);
      yield* page;
      if (page.length < PAGE) return;
      last = page.at(-1)!.key;
    }
  }

  async *read(key: string, { range, maxBytes, signal }: ReadOptions): AsyncGenerator<Uint8Array> {
    const found = await this.request('read', key, () => this.bucket.objects.get(key) ?? null, signal);
    if (found === null) {
      const cause = new Error(`NoSuchKey: ${key}`);
      throw new OutcomeError({ status: 'retry', cause, maxAttempts: 2 });
    }
    if ('status' in found) throw new OutcomeError(found);
    const bytes = found.bytes.subarray(
      range?.start ?? 0,
      range?.end ?? Math.min(found.bytes.length, maxBytes ?? 0) + 1,
    );
    for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
  }

  async put(write: ObjectWrite, body: PartBody): Promise<PutOutcome> {
    const { key } = write;
    if (!this.capabilities.conditionalReplace) {
      const found = await this.head(key, write.signal);
      if (found.status === 'retry' || found.status === 'failed') return found;
      if (!this.isBase(write)) return CONFLICT;
    }
    const bytes = await this.bytesOf(body, write);
    const store = (): PutOutcome => {
      if (this.capabilities.conditionalReplace && !this.isBase(write)) return CONFLICT;
      return { status: 'stored', etag: this.bucket.put(key, bytes, toMetadata(write)) };
    };
    return this.request('put', key, store, write.signal);
  }

  openUpload(write: ObjectWrite): Promise<OpenOutcome> {
    const open = (): OpenOutcome => {
      const id = this.bucket.nextUploadId();
      const metadata = toMetadata(write);
      this.bucket.uploads.set(id, {
        key: write.key,
        metadata,
        sinceMs: this.bucket.nowMs(),
        parts: new Map(),
      });
      return { status: 'opened', id };
    };
    return this.request('create upload', write.key, open, write.signal);
  }

  listParts({ id, write }: Upload): Promise<PartsOutcome> {
    const list = (): PartsOutcome => {
      const upload = this.bucket.uploads.get(id);
      if (upload === undefined) return GONE;
      return { status: 'listed', parts: [...upload.parts].map(([number, bytes]) => toPart(number, bytes)) };
    };
    return this.request('list parts', write.key, list, write.signal);
  }

  async putPart({ id, write }: Upload, { number }: Part, body: PartBody): Promise<PartOutcome> {
    const bytes = await this.bytesOf(body, write);
    const put = (): PartOutcome => {
      const upload = this.bucket.uploads.get(id);
      if (upload === undefined) return GONE;
      upload.parts.set(number, bytes);
      return { status: 'kept', part: toPart(number, bytes) };
    };
    return this.request('put part', write.key, put, write.signal);
  }

  keepPart({ id, write }: Upload, { number, start, end }: Part, base: ObjectVersion): Promise<PartOutcome> {
    const copy = (): PartOutcome => {
      const upload = this.bucket.uploads.get(id);
      if (upload === undefined) return GONE;
      const object = this.bucket.objects.get(write.key);
      if (object?.etag !== base.etag) return CONFLICT;
      const bytes = Buffer.from(object.bytes.subarray(start, end));
      upload.parts.set(number, bytes);
      return { status: 'kept', part: toPart(number, bytes) };
    };
    return this.request('copy part', write.key, copy, write.signal);
  }

  async complete({ id, write, kept }: Upload, parts: readonly UploadedPart[]): Promise<CompleteOutcome> {
    const { key, target } = write;
    if (!this.capabilities.conditionalComplete) {
      const found = await this.head(key, write.signal);
      if (found.status === 'retry' || found.status === 'failed') return found;
      if (!this.isBase(write)) return CONFLICT;
    }
    const complete = (): CompleteOutcome => {
      const upload = this.bucket.uploads.get(id);
      if (upload === undefined)
        return {
          status: 'rejected',
          isGone: true,
          outcome: { status: 'retry', cause: GONE.cause, maxAttempts: 5 },
        };
      if (this.capabilities.conditionalComplete && !this.isBase(write)) return CONFLICT;
      const found = parts.map(({ number }) => upload.parts.get(number) ?? Buffer.alloc(0));
      const isAsListed = parts.every((part, index) => toPart(part.number, found[index]!).etag === part.etag);
      const isLargeEnough = found.slice(0, -1).every((bytes) => bytes.length >= MIN_PART_BYTES);
      const bytes = Buffer.concat(found);
      // The base has other bytes than the append expects. Only the store knows them, and rejects the checksum.
      if (kept !== undefined && crc32(bytes) !== target.crc32)
        return { status: 'rejected', isGone: false, outcome: { status: 'unsupported', again: false } };
      if (!isAsListed || !isLargeEnough || crc32(bytes) !== target.crc32 || bytes.length !== target.sizeBytes)
        throw new Error(`${key}: the completion does not fit the parts`);
      this.bucket.uploads.delete(id);
      return { status: 'stored', etag: this.bucket.put(key, bytes, upload.metadata) };
    };
    return this.request('complete', key, complete, write.signal);
  }

  async discard({ id, key }: { readonly id: string; readonly key: string }): Promise<void> {
    try {
      await this.request('abort', key, () => this.bucket.uploads.delete(id));
    } catch {
      // Discarding never fails.
    }
  }

  async findBase({ keep, target }: AppendRequest & { readonly keep: Extent }): Promise<BaseOutcome> {
    if (keep.sizeBytes < MIN_PART_BYTES) return { status: 'unsupported' };
    const copied = { number: 1, start: 0, end: keep.sizeBytes, isCopied: true };
    const sent =
      target.sizeBytes === keep.sizeBytes ? [] : planParts(target.sizeBytes - keep.sizeBytes, PART_BYTES);
    return { status: 'found', kept: keep, parts: [copied, ...shiftParts(sent, keep.sizeBytes, 1)] };
  }

  async *listOrphans(prefix: string, signal?: AbortSignal): AsyncGenerator<Orphan> {
    const now = this.bucket.nowMs();
    const found = await this.request(
      'list uploads',
      prefix,
      () => [...this.bucket.uploads].filter(([, { key }]) => key.startsWith(prefix)),
      signal,
    );
    if ('status' in found) throw new OutcomeError(found);
    for (const [id, { key, sinceMs }] of found) yield { id, key, ageMs: now - sinceMs };
  }

  async removeOrphan({ id, key }: Omit<Orphan, 'ageMs'>, signal?: AbortSignal): Promise<boolean> {
    const outcome = await this.request('abort', key, () => this.bucket.uploads.delete(id), signal);
    return outcome === true;
  }

  remove({ key, version, signal }: RemoveRequest): Promise<RemoveOutcome> {
    const remove = (): RemoveOutcome => {
      const object = this.bucket.objects.get(key);
      if (object === undefined) return { status: 'removed' };
      if (object.etag !== version.etag) return CONFLICT;
      this.bucket.delete(key);
      return { status: 'removed' };
    };
    return this.request('remove', key, remove, signal);
  }

  async close(): Promise<void> {
    // It holds no resources.
  }

  isBase({ key, base }: ObjectWrite): boolean {
    return (this.bucket.objects.get(key)?.etag ?? null) === (base?.etag ?? null);
  }

  #head(key: string): HeadOutcome {
    const found = this.bucket.objects.get(key);
    if (found === undefined) return { status: 'absent' };
    const { bytes, etag, metadata } = found;
    const { commitId, generation } = fromMetadata(metadata, bytes.length);
    return {
      status: 'found',
      object: { etag, sizeBytes: bytes.length, crc32: crc32(bytes), commitId, generation },
    };
  }

  #page(prefix: string, after: string): ListedObject[] {
    const { isLate, objects } = this.bucket;
    const visibleMs = this.bucket.nowMs() - (isLate ? LATE_MS : 0);
    return [...objects]
      .filter(([key, { sinceMs }]) => key.startsWith(prefix) && key > after && sinceMs <= visibleMs)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, PAGE)
      .map(([key, { bytes, etag }]) => ({ key, etag, sizeBytes: bytes.length }));
  }

  async bytesOf(body: PartBody, { onBytesSent }: ObjectWrite): Promise<Buffer> {
    onBytesSent?.(body.sizeBytes);
    const opened = body.open();
    if (Buffer.isBuffer(opened)) return Buffer.from(opened);
    const pieces: Buffer[] = [];
    for await (const piece of opened as Readable) pieces.push(piece as Buffer);
    return Buffer.concat(pieces);
  }

  /** Makes a request. When the process is killed meanwhile, the request may reach the bucket nevertheless. */
  async request<Result>(
    call: string,
    key: string,
    apply: () => Result,
    signal?: AbortSignal,
  ): Promise<Result | RetryOutcome> {
    signal?.throwIfAborted();
    const { random } = this.process;
    const fate = this.bucket.fateOf(random);
    const arrive = (): void => {
      if (fate !== 'fail' && random.chance(0.5)) apply();
    };
    const isReading = READING.has(call);
    return this.process.machine.scheduler.call(() => {
      if (this.process.isDead && !isReading) arrive();
      this.process.enter(call, `${this.id}/${key}`, isReading ? null : arrive);
      if (fate === 'fail') return unavailable('ServiceUnavailable');
      const result = apply();
      if (!isReading) this.bucket.changes += 1;
      return fate === 'lost' ? unavailable('ECONNRESET') : result;
    });
  }
}

function toPart(number: number, bytes: Buffer): UploadedPart {
  const etag = createHash('md5').update(bytes).digest('hex');
  return { number, etag, sizeBytes: bytes.length, crc32: crc32(bytes) };
}

function unavailable(code: string): RetryOutcome {
  return { status: 'retry', cause: Object.assign(new Error(code), { code }) };
}
