/** What the stores of clouds share: they read through a reader, and refuse what is too large for them before anything of it is read. */

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

  /** F33. */
  protected findLimit({ key, target }: CommitRequest): FailedOutcome | null {
    const { maxObjectBytes } = this.capabilities;
    if (target.sizeBytes <= maxObjectBytes) return null;
    const message = `${key} has ${target.sizeBytes} bytes, the store takes at most ${maxObjectBytes}`;
    return { status: 'failed', error: new StoreLimitError(message) };
  }
}
