import { describe, expect, it } from 'vitest';
import { OutcomeError } from '../../../../uploader/base/retry-table.js';
import { observeStore, type StoreCall } from '../../../../uploader/engine/context/observe-store.js';
import type { Store } from '../../../../uploader/store/base/store.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { MemoryStore } from '../../support/memory-store.js';

function observe(store: Store) {
  const calls: StoreCall[] = [];
  return { calls, store: observeStore(store, new FakeClock(), (call) => calls.push(call)) };
}

describe('observeStore', () => {
  it('reports the operation and result of each call, and gives the same answers', async () => {
    const { calls, store } = observe(new MemoryStore());

    expect(await store.check()).toEqual({ status: 'ready' });
    expect(await store.head('absent')).toEqual({ status: 'absent' });
    expect(store.id).toBe(new MemoryStore().id);
    expect(store).toBeInstanceOf(MemoryStore);

    expect(calls.map(({ operation, result }) => [operation, result])).toEqual([
      ['check', 'ok'],
      ['head', 'ok'],
    ]);
  });

  it('reports calls to repeat, and calls that their caller has aborted', async () => {
    const faulty = new MemoryStore();
    faulty.head = async () => ({ status: 'retry', cause: new Error('busy') });
    faulty.check = async () => Promise.reject(new Error('aborted'));
    const { calls, store } = observe(faulty);

    await store.head('key');
    await expect(store.check()).rejects.toThrow('aborted');

    expect(calls.map(({ result }) => result)).toEqual(['retry', 'aborted']);
  });

  it('reports a stream once, when it ends, fails or is left', async () => {
    const listed = { key: 'a', etag: 'e', sizeBytes: 1 };
    const base = new MemoryStore();
    base.list = async function* () {
      yield listed;
      throw new OutcomeError({ status: 'retry', cause: new Error('cut off') });
    };
    const { calls, store } = observe(base);

    for await (const item of store.list('')) {
      expect(item).toEqual(listed);
      break;
    }
    const readAll = async (): Promise<void> => {
      for await (const item of store.list('')) expect(item).toEqual(listed);
    };
    await expect(readAll()).rejects.toThrow(OutcomeError);

    expect(calls.map(({ operation, result }) => [operation, result])).toEqual([
      ['list', 'ok'],
      ['list', 'retry'],
    ]);
  });
});
