/** What all cloud stores share: they read through a `StoreReader`, and reject what they cannot store before they read the source. */

import { StoreLimitError } from '../../base/errors.js';
import type { FailedOutcome } from '../../base/retry-table.js';
import { boundRead } from './bounds.js';
import { canAppend, type StoreCapabilities } from './capabilities.js';
import type {
  AppendOutcome,
  AppendRequest,
  CheckOutcome,
  CommitRequest,
  HeadOutcome,
  ListedObject,
  ListOptions,
  ReadOptions,
  Store,
} from './store.js';

export type StoreReader = Pick<Store, 'check' | 'head'> & {
  list(prefix: string, options?: ListOptions): AsyncGenerator<ListedObject>;
  read(key: string, options: ReadOptions): AsyncGenerator<Uint8Array>;
};

export abstract class BucketStore implements StoreReader {
  abstract readonly capabilities: StoreCapabilities;
  protected abstract readonly reader: StoreReader;

  check(signal?: AbortSignal): Promise<CheckOutcome> {
    return this.reader.check(signal);
  }

  head(key: string, signal?: AbortSignal): Promise<HeadOutcome> {
    return this.reader.head(key, signal);
  }

  list(prefix: string, options?: ListOptions): AsyncGenerator<ListedObject> {
    return this.reader.list(prefix, options);
  }

  read(key: string, options: ReadOptions): AsyncGenerator<Uint8Array> {
    return boundRead(key, this.reader.read(key, options), options);
  }

  /** F33: the failure for a file that is larger than the store accepts, or null. */
  protected refuse({ key, target }: CommitRequest): FailedOutcome | null {
    const { maxObjectBytes } = this.capabilities;
    if (target.sizeBytes <= maxObjectBytes) return null;
    const message = `${key} has ${target.sizeBytes} bytes, the store accepts at most ${maxObjectBytes}`;
    return { status: 'failed', error: new StoreLimitError(message) };
  }

  /** As `refuse`, or `unsupported` when the store cannot extend the object. Throws `RangeError` for a request that contradicts itself. */
  protected refuseAppend(request: AppendRequest): AppendOutcome | null {
    const { key, base, target, keep = base } = request;
    if (target.sizeBytes < keep.sizeBytes || keep.sizeBytes > base.sizeBytes)
      throw new RangeError(
        `${key}: keep ${keep.sizeBytes} exceeds base ${base.sizeBytes} or target ${target.sizeBytes}`,
      );
    const refused = this.refuse(request);
    if (refused !== null) return refused;
    return canAppend(this.capabilities, base.sizeBytes, keep.sizeBytes) ? null : { status: 'unsupported' };
  }
}
