/** A store in memory. A test can make any call fail: before it takes effect, or afterwards with the response lost. */

import { crc32 } from 'node:zlib';
import { StoreAccessError } from '../../../uploader/base/errors.js';
import { type FailedOutcome, OutcomeError, type RetryOutcome } from '../../../uploader/base/retry-table.js';
import { type StoreCapabilities, UNPROBED_S3 } from '../../../uploader/store/base/capabilities.js';
import type {
  AppendOutcome,
  AppendRequest,
  CheckOutcome,
  CollectOutcome,
  CollectRequest,
  CommitOutcome,
  CommitRequest,
  HeadOutcome,
  ListedObject,
  RemoveOutcome,
  RemoveRequest,
  Store,
} from '../../../uploader/store/base/store.js';

export interface MemoryObject {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly commitId: string;
  readonly generation: number | null;
}

/** The fate of a call. `lost`: the call takes effect, but its response is lost. `refuse`: the store rejects it for good. */
export type Fault = 'pass' | 'fail' | 'lost' | 'refuse';

const CAPABLE: StoreCapabilities = {
  ...UNPROBED_S3,
  rejectsWrongChecksum: true,
  append: { minBaseBytes: 5 * 1024 * 1024, maxBaseBytes: 5 * 1024 ** 3 },
};

export class MemoryStore implements Store {
  readonly id = 'memory://store';
  readonly objects = new Map<string, MemoryObject>();
  /** Each call that reached the store, as `<operation> <key>`. */
  readonly calls: string[] = [];
  /** The commit ids of all appends, one for each call. */
  readonly uploads: string[] = [];
  /** All contents that each key has ever had. */
  readonly history = new Map<string, Buffer[]>();
  capabilities: StoreCapabilities = CAPABLE;
  /** Whether `head` tells no checksums, so that objects must be read back. */
  hidesChecksums = false;
  sentBytes = 0;
  /** Decides the fate of each call. */
  fault: (operation: string, key: string) => Fault = () => 'pass';
  #versions = 0;

  async check(): Promise<CheckOutcome> {
    const fault = this.#enter('check', '');
    return fault === 'pass' ? { status: 'ready' } : toFailure(fault);
  }

  async commit(request: CommitRequest): Promise<CommitOutcome> {
    const { target, source } = request;
    return this.#write('commit', request, () => source.read(0, target.sizeBytes));
  }

  async append(request: AppendRequest): Promise<AppendOutcome> {
    const { base, target, source, key } = request;
    if (this.capabilities.append === null) return { status: 'unsupported' };
    request.onUploadOpened?.(`upload of ${key}`);
    this.uploads.push(request.commitId);
    const object = this.objects.get(key);
    if (object?.etag === base.etag && crc32(object.bytes) !== base.crc32) return { status: 'conflict' };
    return this.#write('append', request, async () =>
      Buffer.concat([
        (object?.bytes ?? Buffer.alloc(0)).subarray(0, base.sizeBytes),
        await source.read(base.sizeBytes, target.sizeBytes),
      ]),
    );
  }

  async abandon(): Promise<void> {
    // A call is never half done.
  }

  async collect({ prefixes }: CollectRequest): Promise<CollectOutcome> {
    for (const prefix of prefixes) this.calls.push(`collect ${prefix}`);
    return { status: 'collected', removed: 0, left: 0 };
  }

  async remove({ key, version }: RemoveRequest): Promise<RemoveOutcome> {
    const fault = this.#enter('remove', key);
    if (fault === 'fail' || fault === 'refuse') return toFailure(fault);
    const object = this.objects.get(key);
    if (object !== undefined && object.etag !== version.etag) return { status: 'conflict' };
    this.objects.delete(key);
    return fault === 'lost' ? toFailure(fault) : { status: 'removed' };
  }

  async head(key: string): Promise<HeadOutcome> {
    const fault = this.#enter('head', key);
    if (fault !== 'pass') return toFailure(fault);
    const object = this.objects.get(key);
    if (object === undefined) return { status: 'absent' };
    const { bytes, etag, commitId, generation } = object;
    const sizeBytes = bytes.length;
    const known = this.hidesChecksums ? null : crc32(bytes);
    return { status: 'found', object: { etag, sizeBytes, crc32: known, commitId, generation } };
  }

  async *list(
    prefix: string,
    { after = '' }: { after?: string | undefined } = {},
  ): AsyncGenerator<ListedObject> {
    const fault = this.#enter('list', prefix);
    if (fault !== 'pass') throw new OutcomeError(toFailure(fault));
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    for (const key of keys) {
      const { bytes, etag } = this.objects.get(key)!;
      yield { key, sizeBytes: bytes.length, etag };
    }
  }

  async *read(
    key: string,
    { range }: { range?: { start: number; end: number } | undefined } = {},
  ): AsyncGenerator<Uint8Array> {
    const fault = this.#enter('read', key);
    if (fault !== 'pass') throw new OutcomeError(toFailure(fault));
    const bytes = this.objects.get(key)?.bytes ?? Buffer.alloc(0);
    yield bytes.subarray(range?.start ?? 0, range?.end ?? bytes.length);
  }

  async close(): Promise<void> {
    // The store holds no resources.
  }

  /** Returns the content of a key as text. */
  text(key: string): string | undefined {
    return this.objects.get(key)?.bytes.toString();
  }

  /** Replaces an object as another writer would. */
  overwrite(key: string, bytes: Buffer): void {
    this.#versions += 1;
    this.objects.set(key, { bytes, etag: `other-${this.#versions}`, commitId: 'other', generation: null });
  }

  countCalls(operation: string): number {
    return this.calls.filter((call) => call.startsWith(operation)).length;
  }

  async #write(
    operation: string,
    request: CommitRequest,
    read: () => Promise<Buffer>,
  ): Promise<CommitOutcome> {
    const { key, target, base, commitId, generation = null } = request;
    const fault = this.#enter(operation, key);
    if (fault === 'fail' || fault === 'refuse') return toFailure(fault);
    const bytes = await read();
    const baseBytes = operation === 'append' ? (base?.sizeBytes ?? 0) : 0;
    this.sentBytes += bytes.length - baseBytes;
    request.onBytesSent?.(bytes.length - baseBytes);
    const found = this.objects.get(key);
    if (found?.commitId === commitId)
      return fault === 'lost' ? toFailure(fault) : { status: 'stored', etag: found.etag };
    if ((found?.etag ?? null) !== (base?.etag ?? null)) {
      const isTarget = found?.bytes.equals(bytes) === true;
      return isTarget ? { status: 'stored', etag: found.etag } : { status: 'conflict' };
    }
    if (bytes.length !== target.sizeBytes || crc32(bytes) !== target.crc32) return { status: 'changed' };
    this.#versions += 1;
    const etag = `v${this.#versions}`;
    this.objects.set(key, { bytes: Buffer.from(bytes), etag, commitId, generation });
    this.history.set(key, [...(this.history.get(key) ?? []), Buffer.from(bytes)]);
    return fault === 'lost' ? toFailure(fault) : { status: 'stored', etag };
  }

  #enter(operation: string, key: string): Fault {
    this.calls.push(`${operation} ${key}`);
    return this.fault(operation, key);
  }
}

function toFailure(fault: Fault): RetryOutcome | FailedOutcome {
  return fault === 'refuse'
    ? { status: 'failed', error: new StoreAccessError('the store rejects the request') }
    : { status: 'retry', cause: new Error('the store is unavailable') };
}
