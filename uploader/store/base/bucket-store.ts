/** What all cloud stores share: they read through a `StoreReader`, and reject a file above their size limit before they read it. */

import { StoreLimitError } from '../../base/errors.js';
import type { FailedOutcome } from '../../base/retry.js';
import type { StoreCapabilities } from './capabilities.js';
import type { CheckOutcome, CommitRequest, HeadOutcome, ListedObject, Store } from './store.js';

export type StoreReader = Pick<Store, 'check' | 'head'> & {
  list(...args: Parameters<Store['list']>): AsyncGenerator<ListedObject>;
  read(...args: Parameters<Store['read']>): AsyncGenerator<Uint8Array>;
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

  list(...args: Parameters<Store['list']>): AsyncGenerator<ListedObject> {
    return this.reader.list(...args);
  }

  read(...args: Parameters<Store['read']>): AsyncGenerator<Uint8Array> {
    return this.reader.read(...args);
  }

  /** F33: the failure for a file that is larger than the store accepts, or null. */
  protected findLimit({ key, target }: CommitRequest): FailedOutcome | null {
    const { maxObjectBytes } = this.capabilities;
    if (target.sizeBytes <= maxObjectBytes) return null;
    const message = `${key} has ${target.sizeBytes} bytes, the store accepts at most ${maxObjectBytes}`;
    return { status: 'failed', error: new StoreLimitError(message) };
  }
}
