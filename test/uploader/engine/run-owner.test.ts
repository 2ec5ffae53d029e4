/** Which directory may upload a run: a uuid alone proves nothing. */

import { appendFileSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FileSystem } from '../../../uploader/base/io/file-system.js';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { findStatus } from '../../../uploader/engine/monitor/find-status.js';
import { nodeIo, verify } from '../../../uploader/index.js';
import { createTempDir } from '../../support/temp-dir.js';
import { someRecords } from '../support/event-records.js';
import { makeRun, OTHER_RUN, RUN, writeFiles } from '../support/run-tree.js';
import { toConfig } from '../support/stores.js';
import { createHarness, type Harness, readStore } from '../support/sync-harness.js';
import { systemError, wrapFileSystem } from '../support/wrapped-file-system.js';

const LOG = 'plxlogs/main.log';
const FILES = { [LOG]: 'epoch 1\n', 'outputs/model.bin': 'weights 1' };

describe('two directories of one root that claim a run', () => {
  it.each([
    ['backup', (root: string) => join(root, 'backup', RUN)],
    ['another name', (root: string) => join(root, 'aaa')],
    ['a copy of the root', (root: string) => join(root, 'a copy', 'runs', RUN)],
  ])(
    'F100: the run is uploaded and its copy (%s) is reported, also when the state is lost',
    async (_, toCopy) => {
      const harness = createHarness(FILES);
      await harness.sync();
      cpSync(harness.run, toCopy(harness.root), { recursive: true, preserveTimestamps: true });
      appendFileSync(join(harness.run, LOG), 'epoch 2\n');

      for (let syncs = 0; syncs < 3; syncs += 1) {
        const report = await harness.sync();

        expect(report.isComplete).toBe(false);
        expect(report.unsent.map(({ error }) => error.code)).toEqual(['ERR_RUN_DUPLICATE']);
        expect(report.unsent[0]?.error.message).toContain(harness.run);
        expect(harness.stored(LOG)).toBe('epoch 1\nepoch 2\n');
        if (syncs === 0) loseState(harness);
      }
    },
  );

  it('F100: the directory that the journal knows keeps the run, whatever the other one is called', async () => {
    const harness = createHarness();
    rmSync(harness.run, { recursive: true });
    const original = join(harness.root, 'my training');
    writeFiles(original, { 'run.plx.json': JSON.stringify({ uuid: RUN }), ...FILES });
    await harness.sync();
    cpSync(original, join(harness.root, 'runs', RUN), { recursive: true });
    writeFileSync(join(original, LOG), 'epoch 1\nepoch 2\n');

    const report = await harness.sync();

    expect(report.unsent).toMatchObject([{ path: `runs/${RUN}`, error: { code: 'ERR_RUN_DUPLICATE' } }]);
    expect(harness.stored(LOG)).toBe('epoch 1\nepoch 2\n');
  });

  it('F100: neither is uploaded when nothing shows which is the run, and both are named', async () => {
    const harness = createHarness();
    rmSync(harness.run, { recursive: true });
    makeRun(harness.root, {}, OTHER_RUN);
    for (const name of ['one', 'two'])
      writeFiles(join(harness.root, name), { 'run.plx.json': JSON.stringify({ uuid: RUN }), ...FILES });

    const report = await harness.sync();

    expect(report.isComplete).toBe(false);
    expect(report.unsent.map(({ path }) => path).sort()).toEqual(['one', 'two']);
    expect(report.unsent.map(({ error }) => error.code)).toEqual(['ERR_RUN_DUPLICATE', 'ERR_RUN_DUPLICATE']);
    expect(readStore(harness.store)).toEqual({});
    expect(Object.keys(readStore(harness.store, OTHER_RUN))).not.toEqual([]);

    rmSync(join(harness.root, 'one'), { recursive: true });
    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expect(harness.stored(LOG)).toBe('epoch 1\n');
  });

  it('F100: a copy that appears while the run is watched does not get the run', async () => {
    const harness = createHarness(FILES);
    const running = harness.startWatch();
    await running.until('the log is stored', () => harness.stored(LOG) === 'epoch 1\n');
    cpSync(harness.run, join(harness.root, 'backup', RUN), { recursive: true });
    appendFileSync(join(harness.run, LOG), 'epoch 2\n');
    await running.until('the log has grown in the store', () => harness.stored(LOG) === 'epoch 1\nepoch 2\n');

    const report = await running.stop();

    expect(report.isComplete).toBe(false);
    expect(report.unsent.map(({ error }) => error.code)).toEqual(['ERR_RUN_DUPLICATE']);
  });
});

describe('a run that the store has from another directory', () => {
  it('F101: is a conflict that names both directories, and nothing of it is uploaded', async () => {
    const [first, second] = twoRoots();
    await first.sync();
    const stored = readStore(first.store);
    writeFileSync(join(second.run, LOG), 'another run\n');
    makeRun(second.root, { 'outputs/x': 'x' }, OTHER_RUN);

    for (let syncs = 0; syncs < 2; syncs += 1) {
      const report = await second.sync({ store: first.store });

      expect(report.isComplete).toBe(false);
      const conflicts = report.unsent.filter(({ path }) => path.startsWith(RUN));
      expect(conflicts.map(({ error }) => error.code)).toContain('ERR_RUN_CONFLICT');
      expect(conflicts[0]?.error.message).toContain(first.run);
      expect(conflicts[0]?.error.message).toContain(second.run);
      expect(readStore(first.store)).toEqual(stored);
      expect(readStore(first.store, OTHER_RUN)['outputs/x']).toBe('x');
    }
    expect(await first.sync()).toMatchObject({ isComplete: true });
  });

  it('F101: is a conflict for `watch`, which uploads the other runs', async () => {
    const [first, second] = twoRoots();
    await first.sync();
    const stored = readStore(first.store);
    writeFileSync(join(second.run, LOG), 'another run\n');
    makeRun(second.root, { 'outputs/x': 'x' }, OTHER_RUN);

    const running = second.startWatch({ store: first.store });
    await running.until(
      'the other run is stored',
      () => readStore(first.store, OTHER_RUN)['outputs/x'] === 'x',
    );
    await running.until('the conflict', () => second.events.some(isConflict));
    const report = await running.stop();

    expect(report.isComplete).toBe(false);
    expect(report.unsent.every(({ error }) => error.code === 'ERR_RUN_CONFLICT')).toBe(true);
    expect(readStore(first.store)).toEqual(stored);
  });

  it('F101: is reported by `status` and `verify`', async () => {
    const url = `file://${createTempDir()}`;
    const [first, second] = twoRoots();
    const store = { url, env: {}, file: String, flip() {}, shorten() {}, remove() {}, has: () => true };
    const [ours, theirs] = [toConfig(first.root, store), toConfig(second.root, store)];
    const { sync } = await import('../../../uploader/index.js');
    await sync(ours);
    expect(await sync(theirs)).toMatchObject({ isComplete: false });

    const status = await findStatus(theirs, nodeIo);
    const verified = await verify(theirs);

    expect(status.runs[0]?.lastError?.code).toBe('ERR_RUN_CONFLICT');
    expect(status.total.pendingFiles).toBeGreaterThan(0);
    expect(verified.isVerified).toBe(false);
    expect(verified.runs[0]?.problems.map(({ error }) => error?.code)).toContain('ERR_RUN_CONFLICT');
    expect((await findStatus(ours, nodeIo)).total.pendingFiles).toBe(0);
    expect(await verify(ours)).toMatchObject({ isVerified: true });
    cpSync(first.run, join(first.root, 'copy'), { recursive: true });
    expect((await findStatus(ours, nodeIo)).problems?.map(({ code }) => code)).toEqual(['ERR_RUN_DUPLICATE']);
    expect(await verify(ours)).toMatchObject({ isVerified: false });
  });

  it('F101: costs no request while nothing has changed, and one read when the state is lost', async () => {
    const harness = createHarness(FILES);
    await harness.sync();
    harness.store.calls.length = 0;
    await harness.sync();
    expect(harness.store.calls.filter((call) => call.endsWith('owner.json'))).toEqual([]);
    loseState(harness);

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    const asked = harness.store.calls.filter((call) => call.endsWith('owner.json'));
    expect(asked.map((call) => call.split(' ')[0])).toEqual(['head', 'read']);
  });

  it('F101: is not a conflict after the directory was moved', async () => {
    const harness = createHarness(FILES);
    await harness.sync();
    mkdirSync(join(harness.root, 'archive'));
    renameSync(harness.run, join(harness.root, 'archive', RUN));

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    loseState(harness);
    expect(await harness.sync()).toMatchObject({ isComplete: true });
  });

  it('F101: is not a conflict after the directory was copied to another disk and removed', async () => {
    const harness = createHarness(FILES);
    await harness.sync();
    const copy = createHarness();
    rmSync(copy.run, { recursive: true });
    cpSync(harness.run, copy.run, { recursive: true });
    rmSync(harness.run, { recursive: true });
    appendFileSync(join(copy.run, LOG), 'epoch 2\n');

    expect(await copy.sync({ store: harness.store })).toMatchObject({ isComplete: true });
    expect(harness.stored(LOG)).toBe('epoch 1\nepoch 2\n');
  });

  it.each(['EACCES', 'EIO', 'ESTALE'])(
    'F101: is a conflict for a copy while %s hides whether the earlier directory exists',
    async (code) => {
      const harness = createHarness(FILES);
      await harness.sync();
      const copy = createHarness();
      rmSync(copy.run, { recursive: true });
      cpSync(harness.run, copy.run, { recursive: true });
      const fileSystem = wrapFileSystem({
        lstat: (path) =>
          path.toString() === harness.run ? Promise.reject(systemError(code)) : nodeFileSystem.lstat(path),
      });

      const report = await copy.sync({ store: harness.store, io: { fileSystem } });

      expect(report.unsent.map(({ error }) => error.code)).toContain('ERR_RUN_CONFLICT');
    },
  );

  it('F101: sends nothing of a run whose directory cannot be examined', async () => {
    const harness = createHarness(FILES);
    const fileSystem = wrapFileSystem({
      lstat: (path) =>
        path.toString() === harness.run ? Promise.reject(systemError('EIO')) : nodeFileSystem.lstat(path),
    });

    const report = await harness.sync({ io: { fileSystem } });

    expect(new Set(report.unsent.map(({ error }) => error.code))).toEqual(new Set(['ERR_RUN_CONFLICT']));
    expect(readStore(harness.store)).toEqual({});
    expect(await harness.sync()).toMatchObject({ isComplete: true });
  });

  it('F101: is not a conflict on another host that has mounted the same directory', async () => {
    const harness = createHarness(FILES);
    await harness.sync({ io: { hostId: async () => 'one' } });
    loseState(harness);
    appendFileSync(join(harness.run, LOG), 'epoch 2\n');

    expect(await harness.sync({ io: { hostId: async () => 'two' } })).toMatchObject({ isComplete: true });
  });

  it('F101: is a conflict on another host that has a copy, even at the same path', async () => {
    const harness = createHarness(FILES);
    await harness.sync({ io: { hostId: async () => 'one' } });
    loseState(harness);
    cpSync(harness.run, `${harness.run}.copy`, { recursive: true });
    rmSync(harness.run, { recursive: true });
    renameSync(`${harness.run}.copy`, harness.run);
    appendFileSync(join(harness.run, LOG), 'epoch 2\n');

    const report = await harness.sync({ io: { hostId: async () => 'two' } });

    expect(report.unsent.map(({ error }) => error.code)).toContain('ERR_RUN_CONFLICT');
    expect(harness.stored(LOG)).toBe('epoch 1\n');
  });

  it('F101: is a conflict when the directory was replaced by another run with the same uuid', async () => {
    const harness = createHarness(FILES);
    writeRunFile(harness.run, '2026-01-01T00:00:00+00:00');
    await harness.sync();
    rmSync(harness.run, { recursive: true });
    makeRun(harness.root, { [LOG]: 'another run\n' });
    writeRunFile(harness.run, '2026-02-02T00:00:00+00:00');

    const report = await harness.sync();

    expect(report.unsent.map(({ error }) => error.code)).toContain('ERR_RUN_CONFLICT');
    expect(report.unsent[0]?.error.message).toContain('2026-01-01');
    expect(harness.stored(LOG)).toBe('epoch 1\n');
  });

  it('F101: is uploaded with --take-over, and everything that it replaces is kept', async () => {
    const [first, second] = twoRoots();
    await first.sync();
    writeFileSync(join(second.run, LOG), 'epoch');
    writeFileSync(join(second.run, 'outputs/model.bin'), 'weights 2');

    const report = await second.sync({ store: first.store, config: { takeOver: true } });

    expect(report.isComplete).toBe(true);
    expect(first.stored(LOG)).toBe('epoch');
    expect(first.stored(`.plx/gen/${LOG}/0`)).toBe('epoch 1\n');
    expect(first.stored('.plx/gen/outputs/model.bin/0')).toBe('weights 1');
    expect((await first.sync()).unsent.map(({ error }) => error.code)).toContain('ERR_RUN_CONFLICT');
    expect(await second.sync({ store: first.store })).toMatchObject({ isComplete: true });
  });

  it('F101: does not trust journal entries of another directory in the same place', async () => {
    const harness = createHarness(FILES);
    await harness.sync();
    const copy = `${harness.run}.copy`;
    cpSync(harness.run, copy, { recursive: true });
    appendFileSync(join(harness.run, LOG), 'epoch 2\n');
    await harness.sync({ config: { exclude: ['*.copy'] } });
    // The run is restored from an older backup.
    rmSync(harness.run, { recursive: true });
    renameSync(copy, harness.run);

    const report = await harness.sync();

    expect(report.unsent.map(({ error }) => error.code)).toEqual(['ERR_FILE_BEHIND']);
    expect(harness.stored(LOG)).toBe('epoch 1\nepoch 2\n');
  });
});

describe('a log directory that is used for another experiment', () => {
  const FIRST = 'events.out.tfevents.1700000000.host.1.000000';
  const SECOND = 'events.out.tfevents.1800000000.host.2.000000';

  it.each([
    ['with', false],
    ['without', true],
  ])('F102: gets a separate uuid, %s the state directory, and keeps it', async (_, isLost) => {
    const harness = createHarness();
    rmSync(harness.run, { recursive: true });
    train(harness, FIRST, 'weights 1');
    const { runs } = await harness.sync();
    const first = readStore(harness.store, runs[0]);
    rmSync(join(harness.root, 'exp'), { recursive: true });
    train(harness, SECOND, 'weights 2');
    if (isLost) loseState(harness);

    const report = await harness.sync();

    expect(report).toMatchObject({ isComplete: true, runs: [expect.not.stringContaining(runs[0]!)] });
    expect(report.notices.map(({ code }) => code)).toEqual(['NOTICE_LOG_DIRECTORY_REUSED']);
    expect(readStore(harness.store, runs[0])).toEqual(first);
    expect(readStore(harness.store, report.runs[0])['outputs/tensorboard/model.bin']).toBe('weights 2');
    for (const loses of [false, true]) {
      if (loses) loseState(harness);
      train(harness, `${SECOND}.later`, 'weights 3');
      expect((await harness.sync()).runs).toEqual(report.runs);
    }
    expect(readStore(harness.store, runs[0])).toEqual(first);
  });

  it.each([
    ['only at the second sync', [undefined, 7n]],
    ['only at the first sync', [7n, undefined]],
    ['at neither', [undefined, undefined]],
  ])(
    'F102: gets a separate uuid if its inode number is reused and the time of creation is known %s',
    async (_, births) => {
      const harness = createHarness();
      rmSync(harness.run, { recursive: true });
      const syncWith = (birthNs: bigint | undefined) => {
        const lstat: FileSystem['lstat'] = async (path) => {
          const stat = await nodeFileSystem.lstat(path);
          return path.toString() === join(harness.root, 'exp') ? { ...stat, ino: 4711n, birthNs } : stat;
        };
        return harness.sync({ io: { fileSystem: wrapFileSystem({ lstat }) } });
      };
      train(harness, FIRST, 'weights 1');
      const { runs } = await syncWith(births[0]);
      const first = readStore(harness.store, runs[0]);
      rmSync(join(harness.root, 'exp'), { recursive: true });
      train(harness, SECOND, 'weights 2');

      const report = await syncWith(births[1]);

      expect(report).toMatchObject({ isComplete: true, runs: [expect.not.stringContaining(runs[0]!)] });
      expect(readStore(harness.store, runs[0])).toEqual(first);
    },
  );

  it('F102: gets a separate uuid while it is watched', async () => {
    const harness = createHarness();
    rmSync(harness.run, { recursive: true });
    train(harness, FIRST, 'weights 1');
    const running = harness.startWatch();
    const contents = (): (string | undefined)[] =>
      [...harness.store.objects].flatMap(([key, { bytes }]) =>
        key.endsWith('/outputs/tensorboard/model.bin') ? bytes.toString() : [],
      );
    await running.until('the first experiment is stored', () => contents().includes('weights 1'));
    rmSync(join(harness.root, 'exp'), { recursive: true });
    train(harness, SECOND, 'weights 2');
    await running.until('the second experiment is stored', () => contents().includes('weights 2'));
    await running.stop();

    expect(contents().sort()).toEqual(['weights 1', 'weights 2']);
  });

  it('F102: keeps its uuid when the experiment is resumed, or copied to a new disk at the same path', async () => {
    const harness = createHarness();
    rmSync(harness.run, { recursive: true });
    train(harness, FIRST, 'weights 1');
    const { runs } = await harness.sync();
    train(harness, SECOND, 'weights 2');
    expect(await harness.sync()).toMatchObject({ isComplete: true, runs });
    const [directory, copy] = [join(harness.root, 'exp'), join(createTempDir(), 'exp')];
    cpSync(directory, copy, { recursive: true });
    rmSync(directory, { recursive: true });
    cpSync(copy, directory, { recursive: true });

    expect(await harness.sync()).toMatchObject({ isComplete: true, runs });
  });

  function train({ root }: Harness, name: string, weights: string): void {
    const records = Buffer.concat(someRecords(2));
    writeFiles(join(root, 'exp'), { [name]: records, 'model.bin': weights });
  }
});

function isConflict(event: Harness['events'][number]): boolean {
  return event.kind === 'unsent' && event.key === RUN && event.error.code === 'ERR_RUN_CONFLICT';
}

/** Two roots, each with its own state directory, and a copy of one run in each. */
function twoRoots(): [Harness, Harness] {
  const first = createHarness(FILES);
  const second = createHarness();
  rmSync(second.run, { recursive: true });
  cpSync(first.run, second.run, { recursive: true, preserveTimestamps: true });
  return [first, second];
}

function writeRunFile(directory: string, createdAt: string): void {
  const record = JSON.parse(readFileSync(join(directory, 'run.plx.json'), 'utf8')) as object;
  writeFileSync(join(directory, 'run.plx.json'), JSON.stringify({ ...record, created_at: createdAt }));
}

function loseState({ stateDirectory }: Harness): void {
  rmSync(stateDirectory, { recursive: true, force: true });
  mkdirSync(stateDirectory);
}
