/** A directory as a store, on a disk that loses unsynced data and names when the power fails. */

import { describe, expect, it } from 'vitest';
import type { Store } from '../../../../uploader/store/base/store.js';
import { createFileStore } from '../../../../uploader/store/file/file-store.js';
import { Machine } from '../../../simulation/machine.js';
import { Random } from '../../../simulation/random.js';
import { Scheduler } from '../../../simulation/scheduler.js';
import { commit } from '../base/contract.js';

const ROOT = '/sim/store';
const KEY = 'run/outputs/a';
const BYTES = Buffer.from('content');
const LIMIT_MS = 3_600_000;

describe('an object whose commit has failed after it had got its name', () => {
  it.each<[string, (store: Store) => Promise<{ readonly status: string }>, string]>([
    ['committed again', (store) => commit(store, KEY, BYTES), 'stored'],
    ['found there', (store) => store.persist!(KEY), 'persisted'],
  ])('survives a failure of the power once it was %s', async (_, call, expected) => {
    const time = new Scheduler();
    time.random = new Random(1);
    const machine = new Machine('host', time);
    const { io } = machine.start('uploader');
    const store = createFileStore(ROOT, io.fileSystem, io);
    const isDurable = (): boolean => machine.disk.isDurable(`${ROOT}/${KEY}`);
    // Before it gets its name, the file is synced; then the directory cannot be.
    machine.disk.fault = (kind) => (kind === 'sync' && machine.disk.exists(`${ROOT}/${KEY}`) ? 'EIO' : null);

    expect(await time.run(commit(store, KEY, BYTES), LIMIT_MS)).toMatchObject({ status: 'failed' });
    expect([machine.disk.exists(`${ROOT}/${KEY}`), isDurable()]).toEqual([true, false]);
    expect(await time.run(call(store), LIMIT_MS)).toMatchObject({ status: 'failed' });
    machine.disk.fault = () => null;

    expect(await time.run(call(store), LIMIT_MS)).toMatchObject({ status: expected });
    expect(isDurable()).toBe(true);
  });
});
