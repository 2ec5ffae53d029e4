/** Watches in the test's process: files that appear, disappear, grow and fail during a watch. */

import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../../src/format/record/record-codec.js';
import { StoreAccessError, StoreBucketError, StoreCredentialsError } from '../../../uploader/base/errors.js';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import type { Status } from '../../../uploader/engine/monitor/status-file.js';
import type { SyncEvent } from '../../../uploader/index.js';
import { noObserver } from '../../../uploader/pipeline/report/run-observer.js';
import { someRecords } from '../support/event-records.js';
import { EVENT_FILE, makeRun, OTHER_RUN, RUN, writeFiles } from '../support/run-tree.js';
import { createHarness, type Harness, readStore, readTree } from '../support/sync-harness.js';
import { systemError, wrapFileSystem } from '../support/wrapped-file-system.js';

const MIB = 1024 * 1024;
const ENDED = { '.plx/heartbeat-main.json': '{}', '.plx/end-main.json': '{}' };
const record = Buffer.from(encodeRecord(Buffer.from('an event')));

function isEqual({ store, run }: Harness): boolean {
  return JSON.stringify(sorted(readStore(store))) === JSON.stringify(sorted(readTree(run)));
}

function sorted(files: Record<string, string>): [string, string][] {
  return Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
}

function readStatusFile({ stateDirectory }: Harness): Status {
  const [directory] = readdirSync(stateDirectory).filter((name) => /^[0-9a-f]{32}$/.test(name));
  return JSON.parse(readFileSync(join(stateDirectory, directory!, 'status.json'), 'utf8'));
}

function kinds(harness: Harness): SyncEvent['kind'][] {
  return harness.events.map(({ kind }) => kind);
}

/** The paths of all stored files, without those that polytrack keeps below `.plx/`. */
function filesIn({ store }: Harness): string[] {
  const paths = [...store.objects.keys()].map((key) => key.slice(33));
  return paths.filter((path) => !path.startsWith('.plx/')).sort();
}

describe('watch: finding files', () => {
  it('starts on a root that does not exist yet, and finds runs at any depth', async () => {
    const harness = createHarness();
    const path = join(harness.root, 'later', 'root');
    const running = harness.startWatch({ config: { path } });
    await sleep(300);
    makeRun(join(path, 'team/project/experiments'), { 'outputs/a': 'a' });
    writeFiles(join(path, 'elsewhere'), { 'run.plx.json': JSON.stringify({ uuid: OTHER_RUN }), b: 'b' });

    await running.until('both runs are stored', () => filesIn(harness).length === 5);
    expect(await running.stop()).toMatchObject({ isComplete: true });
    expect(readStore(harness.store, OTHER_RUN)).toMatchObject({ b: 'b' });
  });

  it('imports each log directory of a third-party writer as one run, always under the same uuid', async () => {
    const harness = createHarness();
    const path = join(harness.root, 'logs');
    writeFiles(path, {
      'first/events.out.tfevents.1.host': record,
      'first/loss_a/events.out.tfevents.2.host': Buffer.concat(someRecords(2)),
      'nested/second/events.out.tfevents.3.host': record,
      'notes.txt': 'no run',
    });
    const config = { path, uuidSeed: 'the root' };
    const running = harness.startWatch({ config });
    await running.until(
      'both runs are found',
      () => kinds(harness).filter((kind) => kind === 'run').length === 2,
    );
    await running.until('everything is stored', () => filesIn(harness).length === 3);
    const report = await running.stop();
    const again = await harness.sync({ config });

    expect(new Set(again.runs)).toEqual(new Set(report.runs));
    expect(again.bytes.sent).toBe(0);
    const keys = filesIn(harness);
    expect(keys).toEqual([
      'outputs/tensorboard/events.out.tfevents.1.host',
      'outputs/tensorboard/events.out.tfevents.3.host',
      'outputs/tensorboard/loss_a/events.out.tfevents.2.host',
    ]);
  });

  it('treats a path as one run with --as-run, under the given uuid', async () => {
    const harness = createHarness();
    const path = join(harness.root, 'logs');
    writeFiles(path, { 'a/b/file': 'x', 'events.out.tfevents.1': record });

    const report = await harness.sync({ config: { path, asRun: OTHER_RUN } });

    expect(report.runs).toEqual([OTHER_RUN]);
    expect(Object.keys(readStore(harness.store, OTHER_RUN)).sort()).toEqual([
      'outputs/tensorboard/a/b/file',
      'outputs/tensorboard/events.out.tfevents.1',
    ]);
  });

  it("keeps the paths of a run directory regardless of the directory's name", async () => {
    const harness = createHarness();
    const path = join(harness.root, 'elsewhere');
    writeFiles(path, { 'outputs/model': 'x', 'plxlogs/main.jsonl': '' });

    await harness.sync({ config: { path, asRun: OTHER_RUN } });

    expect(Object.keys(readStore(harness.store, OTHER_RUN)).sort()).toEqual([
      'outputs/model',
      'plxlogs/main.jsonl',
    ]);
  });

  it('F22: finds files in a new directory that already contains them', async () => {
    const harness = createHarness();
    const running = harness.startWatch();
    await running.until('the run is stored', () => isEqual(harness));
    writeFiles(harness.run, { 'outputs/new/deep/er/file': 'x' });

    await running.until('the file is stored', () => isEqual(harness));
    await running.stop();
  });

  it('F20: continues by polling when the file watcher runs out of watches, and reports it once', async () => {
    const harness = createHarness();
    const openFileWatcher = async ({ onFailure }: { onFailure: (cause: unknown) => void }) => ({
      watch: () => onFailure(systemError('ENOSPC')),
      unwatch: () => undefined,
      close: async () => undefined,
    });
    const running = harness.startWatch({ config: { poll: false }, io: { openFileWatcher } });
    await running.until('the run is stored', () => isEqual(harness));
    writeFiles(harness.run, { 'outputs/file': 'x' });

    await running.until('the file is stored', () => isEqual(harness));
    await running.stop();
    expect(harness.events.filter((event) => event.kind === 'notice')).toMatchObject([
      { code: 'NOTICE_WATCHER_OFF' },
    ]);
  });

  it('F21: stores the same files when the file watcher reports nothing or wrong paths', async () => {
    const harness = createHarness();
    const openFileWatcher = async ({ onChange }: { onChange: (path: string) => void }) => ({
      watch: (path: string) => onChange(`${path}/nowhere`),
      unwatch: () => undefined,
      close: async () => undefined,
    });
    const running = harness.startWatch({ config: { poll: false }, io: { openFileWatcher } });
    await running.until('the run is stored', () => isEqual(harness));
    writeFiles(harness.run, { 'outputs/file': 'x' });

    await running.until('the file is stored', () => isEqual(harness));
    await running.stop();
  });

  it('reacts to file-watcher events of the host', async () => {
    const harness = createHarness({ 'outputs/file': 'x' });
    const running = harness.startWatch({ config: { poll: false } });
    await running.until('the run is stored', () => isEqual(harness));
    appendFileSync(join(harness.run, 'outputs/file'), 'y');

    await running.until('the file is stored', () => isEqual(harness));
    await running.stop();
  });
});

describe('watch: uploads', () => {
  it('appends whole records to a growing event file and sends only new bytes', async () => {
    const harness = createHarness({ [EVENT_FILE]: Buffer.alloc(0) });
    const many = Buffer.concat(Array.from({ length: 300_000 }, () => record));
    writeFileSync(join(harness.run, EVENT_FILE), many);
    const running = harness.startWatch();
    await running.until('the file is stored', () => isEqual(harness));
    const sent = harness.store.sentBytes;
    for (let step = 0; step < 5; step += 1) {
      appendFileSync(join(harness.run, EVENT_FILE), Buffer.concat([record, record.subarray(0, 9)]));
      await sleep(300);
      appendFileSync(join(harness.run, EVENT_FILE), record.subarray(9));
      await sleep(300);
    }

    await running.until('everything is stored', () => isEqual(harness));
    await running.stop();
    expect(harness.store.sentBytes - sent).toBe(10 * record.length);
    for (const bytes of harness.store.history.get(`${RUN}/${EVENT_FILE}`) ?? [])
      expect(bytes.length % record.length).toBe(0);
  });

  it('stores all of an event file before a later one of its directory, because readers never return to it', async () => {
    const [first, second, third] = [1, 2, 3].map((number) => EVENT_FILE.replace(/\d$/, String(number)));
    const harness = createHarness({ [first!]: record });
    const { store, run } = harness;
    const lacking: string[] = [];
    store.fault = (operation, key) => {
      const stored = store.objects.get(`${RUN}/${first}`)?.bytes.length;
      if (operation === 'commit' && key.endsWith(second!) && stored !== 5 * record.length)
        lacking.push(`${second}: of the first file, ${stored} bytes are stored`);
      if (operation === 'commit' && key.endsWith(third!) && !store.objects.has(`${RUN}/${second}`))
        lacking.push(`${third}: the second file is not stored`);
      return 'pass';
    };
    // Without a later file, what it gains would wait for this interval.
    const running = harness.startWatch({ config: { intervalMs: 3_600_000 } });
    await running.until('the run is stored', () => isEqual(harness));
    appendFileSync(join(run, first!), Buffer.concat(Array.from({ length: 4 }, () => record)));
    writeFiles(run, {
      [third!]: record,
      [second!]: Buffer.concat(Array.from({ length: 1000 }, () => record)),
    });

    await running.until('the third file is stored', () => store.objects.has(`${RUN}/${third}`));
    await running.stop();
    expect(lacking).toEqual([]);
    expect(isEqual(harness)).toBe(true);
  });

  it('stores segments where the store cannot append, and one whole object at the end', async () => {
    const harness = createHarness({ 'plxlogs/main.log': Buffer.alloc(6 * MIB, 'a') });
    harness.store.capabilities = { ...harness.store.capabilities, append: null };
    const running = harness.startWatch();
    await running.until('the file is stored', () => isEqual(harness));
    for (const letter of ['b', 'c']) {
      const before = harness.store.objects.size;
      appendFileSync(join(harness.run, 'plxlogs/main.log'), letter.repeat(1000));
      await running.until('a segment is stored', () => harness.store.objects.size > before);
    }
    const segments = [...harness.store.objects].filter(([key]) => key.includes('/.plx/seg/'));
    writeFileSync(join(harness.run, 'run.plx.json'), JSON.stringify({ uuid: RUN, status: 'succeeded' }));

    await running.until('the run is complete', () => kinds(harness).includes('run-complete'));
    await running.stop();
    expect(segments.map(([key]) => key.slice(RUN.length))).toEqual([
      `/.plx/seg/plxlogs/main.log/0/${String(6 * MIB).padStart(20, '0')}-1000`,
      `/.plx/seg/plxlogs/main.log/0/${String(6 * MIB + 1000).padStart(20, '0')}-1000`,
    ]);
    expect(segments.map(([, { bytes }]) => bytes.toString())).toEqual(['b'.repeat(1000), 'c'.repeat(1000)]);
    expect(isEqual(harness)).toBe(true);
  });

  it('ends automatically when all runs have ended and are stored', async () => {
    const harness = createHarness({ 'run.plx.json': JSON.stringify({ uuid: RUN, status: 'running' }) });
    const running = harness.startWatch({ endsWithRuns: true });
    await running.until('the run is stored', () => isEqual(harness));
    writeFiles(harness.run, {
      '.plx/heartbeat-main.json': JSON.stringify({
        pid: 1,
        space: 'elsewhere',
        beat: 1,
        interval_ms: 60_000,
      }),
      '.plx/end-main.json': JSON.stringify({ status: 'succeeded' }),
      'outputs/last': 'written at the very end',
    });

    expect(await running.report).toMatchObject({ isComplete: true, isAborted: false });
    expect(isEqual(harness)).toBe(true);
  });

  it('always keeps the run file whole, and stores it after the files that it names', async () => {
    const harness = createHarness();
    const running = harness.startWatch();
    for (let step = 0; step < 20; step += 1) {
      writeFiles(harness.run, { [`outputs/artifact-${step}`]: 'x'.repeat(10_000) });
      const content = JSON.stringify({ uuid: RUN, artifacts: step + 1 });
      writeFileSync(join(harness.run, 'run.plx.json.partial'), content);
      renameSync(join(harness.run, 'run.plx.json.partial'), join(harness.run, 'run.plx.json'));
      await sleep(50);
    }
    await running.until('everything is stored', () => isEqual(harness));
    await running.stop();

    const stored = [...(harness.store.history.get(`${RUN}/run.plx.json`) ?? [])];
    for (const bytes of stored) expect(() => JSON.parse(bytes.toString())).not.toThrow();
  });
});

describe('watch: timestamps ahead of the clock', () => {
  it('F91: reads a file with a modification time in the future no more often than any other file', async () => {
    const harness = createHarness({ 'outputs/ahead': 'a' });
    const tomorrow = Date.now() / 1000 + 86_400;
    utimesSync(join(harness.run, 'outputs/ahead'), tomorrow, tomorrow);
    const running = harness.startWatch();
    await running.until('it is stored', () => harness.stored('outputs/ahead') === 'a');
    writeFiles(harness.run, { 'outputs/later': 'b' });
    await running.until('a later file is stored', () => harness.stored('outputs/later') === 'b');
    await running.stop();

    const reads = harness.events.filter((event) => event.kind === 'verified' && event.key.endsWith('ahead'));
    expect(reads.length).toBeLessThanOrEqual(1);
  });
});

describe('watch: files that disappear', () => {
  it('F12: keeps a deleted file in the store and reports bytes that were not stored as lost', async () => {
    const harness = createHarness({ 'outputs/kept': 'stored', 'outputs/lost.bin': 'x'.repeat(1000) });
    harness.store.fault = (_, key) => (key.endsWith('lost.bin') ? 'fail' : 'pass');
    const running = harness.startWatch();
    await running.until('one file is stored and the other was tried', () => {
      const isTried = harness.events.some(
        ({ kind, ...event }) => kind === 'started' && 'key' in event && event.key.endsWith('lost.bin'),
      );
      return isTried && harness.stored('outputs/kept') !== undefined;
    });
    unlinkSync(join(harness.run, 'outputs/kept'));
    unlinkSync(join(harness.run, 'outputs/lost.bin'));

    const report = await running.stop();

    expect(report).toMatchObject({
      isComplete: false,
      bytes: { lost: 1000 },
      onlyInStore: [`${RUN}/outputs/kept`],
    });
    expect(harness.stored('outputs/kept')).toBe('stored');
    expect(harness.events).toContainEqual({ kind: 'lost', key: `${RUN}/outputs/lost.bin`, sizeBytes: 1000 });
  });

  it('F92: forgets a run that was removed, while other runs are still written', async () => {
    const harness = createHarness({ 'outputs/a': 'a', ...ENDED });
    const other = makeRun(harness.root, { 'outputs/b': 'b' }, OTHER_RUN);
    const notified: string[] = [];
    const observer = { ...noObserver, onRunGone: (uuid: string) => notified.push(uuid) };
    const running = harness.startWatch({ endsWithRuns: true, observer });
    await running.until('the first run is complete', () =>
      harness.events.some((event) => event.kind === 'run-complete' && event.runUuid === RUN),
    );
    rmSync(harness.run, { recursive: true });
    await running.until('it is gone', () => notified.includes(RUN));
    writeFiles(other, ENDED);

    expect(await running.report).toMatchObject({ isComplete: true, runs: [OTHER_RUN], bytes: { lost: 0 } });
    expect(readStatusFile(harness).runs.map(({ uuid }) => uuid)).toEqual([OTHER_RUN]);
  });

  it('F92: reports bytes as lost that were removed with their run before they were stored', async () => {
    const harness = createHarness({ 'outputs/a': 'a' });
    makeRun(harness.root, {}, OTHER_RUN);
    const notified: string[] = [];
    const observer = { ...noObserver, onRunGone: (uuid: string) => notified.push(uuid) };
    const fileSystem = wrapFileSystem({
      openForReading: (path) =>
        path.toString().endsWith('outputs/c')
          ? Promise.reject(systemError('EIO'))
          : nodeFileSystem.openForReading(path),
    });
    const running = harness.startWatch({ observer, io: { fileSystem } });
    await running.until('it is stored', () => harness.stored('outputs/a') === 'a');
    writeFiles(harness.run, { 'outputs/c': 'ccc' });
    await running.until('it is known', () => harness.events.some((event) => event.kind === 'unsent'));
    rmSync(harness.run, { recursive: true });
    await running.until('the run is gone', () => notified.includes(RUN));

    expect(await running.stop()).toMatchObject({ isComplete: false, bytes: { lost: 3 } });
  });

  it('F11: stores the tail of a log that was rotated before it was uploaded', async () => {
    const harness = createHarness({ 'plxlogs/main.log': 'first' });
    const running = harness.startWatch({ config: { intervalMs: 3_000 } });
    await running.until('the log is stored', () => harness.stored('plxlogs/main.log') === 'first');
    appendFileSync(join(harness.run, 'plxlogs/main.log'), ' and the tail');
    await sleep(1300);
    renameSync(join(harness.run, 'plxlogs/main.log'), join(harness.run, 'plxlogs/main.log.1'));
    writeFileSync(join(harness.run, 'plxlogs/main.log'), 'second');

    await running.until('both files are stored', () => isEqual(harness));
    expect(await running.stop()).toMatchObject({ isComplete: true, bytes: { lost: 0 } });
  });

  it.each(['missing', 'empty'])(
    'F13: pauses everything and deletes nothing when the root is suddenly %s',
    async (how) => {
      const harness = createHarness({ 'outputs/file': 'x', 'plxlogs/main.log': 'log' });
      const running = harness.startWatch();
      await running.until('the run is stored', () => isEqual(harness));
      const stored = readStore(harness.store);
      const away = `${harness.root}-away`;
      renameSync(harness.root, away);
      if (how === 'empty') mkdirSync(harness.root);
      await running.until('the problem is reported', () => kinds(harness).includes('paused'));
      await sleep(1000);
      expect(readStore(harness.store)).toEqual(stored);
      const calls = harness.store.calls.length;
      await sleep(1000);
      expect(harness.store.calls.length).toBe(calls);

      rmSync(harness.root, { recursive: true, force: true });
      renameSync(away, harness.root);
      appendFileSync(join(harness.run, 'plxlogs/main.log'), ' continues');

      await running.until(
        'the watch continues',
        () => kinds(harness).includes('resumed') && isEqual(harness),
      );
      expect(await running.stop()).toMatchObject({ isComplete: true, bytes: { lost: 0 }, onlyInStore: [] });
    },
  );

  it('F13: leaves a run unchanged when its directory is suddenly empty', async () => {
    const harness = createHarness({ 'outputs/file': 'x' });
    const running = harness.startWatch();
    await running.until('the run is stored', () => isEqual(harness));
    renameSync(harness.run, `${harness.root}/away`);
    mkdirSync(harness.run);
    await sleep(2500);
    rmSync(harness.run, { recursive: true });
    renameSync(`${harness.root}/away`, harness.run);
    writeFiles(harness.run, { 'outputs/next': 'y' });

    await running.until('the watch continues', () => isEqual(harness));
    expect(await running.stop()).toMatchObject({ onlyInStore: [], bytes: { lost: 0 } });
  });
});

describe('watch: failures', () => {
  it('reports and retries an unreadable file while other files are stored', async () => {
    const harness = createHarness({ 'outputs/bad': 'bad', 'outputs/good': 'good' });
    let isFailing = true;
    const fileSystem = wrapFileSystem({
      openForReading: (path) =>
        isFailing && path.toString().endsWith('outputs/bad')
          ? Promise.reject(systemError('EIO'))
          : nodeFileSystem.openForReading(path),
    });
    const running = harness.startWatch({ io: { fileSystem } });
    await running.until(
      'the error is reported',
      () => kinds(harness).includes('unsent') && harness.stored('outputs/good') === 'good',
    );
    isFailing = false;

    await running.until('the file is stored', () => isEqual(harness));
    expect(await running.stop()).toMatchObject({ isComplete: true });
  });

  it('F38: sends one request at a time during an outage, and stores everything after it', async () => {
    const harness = createHarness(
      Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`outputs/${index}`, `content ${index}`])),
    );
    const running = harness.startWatch();
    await running.until('the run is listed', () => harness.store.countCalls('list') > 0);
    harness.store.fault = () => 'fail';
    const before = harness.store.calls.length;
    await sleep(5_000);
    const during = harness.store.calls.length - before;
    harness.store.fault = () => 'pass';

    await running.until('everything is stored', () => isEqual(harness));
    expect(during).toBeLessThan(25);
    expect(await running.stop()).toMatchObject({ isComplete: true });
  });

  it.each([
    ['44', new StoreAccessError('put: 403 AccessDenied')],
    ['43', new StoreCredentialsError('put: 403 ExpiredToken')],
    ['45', new StoreBucketError('put: 404 NoSuchBucket')],
  ])('F%s: retries later when the store starts to reject everything, and loses no data', async (_, error) => {
    const harness = createHarness({ 'outputs/file': 'x' });
    const { store } = harness;
    const commit = store.commit.bind(store);
    let isRefusing = false;
    store.commit = (request) => (isRefusing ? Promise.resolve({ status: 'failed', error }) : commit(request));
    const running = harness.startWatch();
    await running.until('the run is stored', () => isEqual(harness));
    isRefusing = true;
    appendFileSync(join(harness.run, 'outputs/file'), 'y');
    await running.until('the problem is reported', () =>
      harness.events.some(
        (event) =>
          event.kind === 'unsent' || (event.kind === 'notice' && event.code === 'NOTICE_STORE_REJECTS'),
      ),
    );

    const report = await running.stop();
    isRefusing = false;
    expect(report).toMatchObject({ isComplete: false });
    expect(await harness.sync()).toMatchObject({ isComplete: true });
  });

  it('ends with an error that no listing was expected to throw, also when it happens during the shutdown', async () => {
    const harness = createHarness();
    const running = harness.startWatch();
    await running.until('the store was checked', () => kinds(harness).includes('scanned'));
    let listings = 0;
    harness.store.list = () => {
      listings += 1;
      throw new Error('broken');
    };
    makeRun(harness.root, { 'outputs/file': 'x' }, OTHER_RUN);

    await expect(running.stop()).rejects.toThrow('broken');
    expect(listings).toBe(1);
  });

  it('F45: fails at once when the store rejects the first request', async () => {
    const harness = createHarness();
    harness.store.check = () =>
      Promise.resolve({ status: 'failed', error: new StoreBucketError('no such bucket') });

    await expect(harness.startWatch().report).rejects.toMatchObject({ code: 'ERR_STORE_BUCKET' });
    expect(readdirSync(join(harness.stateDirectory, readdirSync(harness.stateDirectory)[0]!))).not.toContain(
      'lock',
    );
  });

  it('F64: stores event file tails and logs within the shutdown timeout, and skips large files', async () => {
    const harness = createHarness({ 'outputs/huge.bin': Buffer.alloc(20 * MIB) });
    const { store } = harness;
    const commit = store.commit.bind(store);
    store.commit = async (request) => {
      if (!request.key.endsWith('huge.bin')) return commit(request);
      return new Promise((_, reject) => {
        request.signal?.addEventListener('abort', () => reject(request.signal?.reason), { once: true });
      });
    };
    const running = harness.startWatch({ config: { intervalMs: 60_000, shutdownTimeoutMs: 3_600_000 } });
    await running.until('the large file is in flight', () =>
      harness.events.some((event) => event.kind === 'started' && event.key.endsWith('huge.bin')),
    );
    writeFiles(harness.run, { [EVENT_FILE]: record, 'plxlogs/main.log': 'the last words' });

    // Waiting for the shutdown timeout would fail this test.
    const report = await running.stop();

    expect(report.unsent.map(({ path }) => path)).toEqual([`${RUN}/outputs/huge.bin`]);
    expect(harness.stored('plxlogs/main.log')).toBe('the last words');
    expect(harness.store.objects.get(`${RUN}/${EVENT_FILE}`)?.bytes).toEqual(record);
  });

  it('resumes from its journal after a restart', async () => {
    const harness = createHarness({ 'outputs/file': 'x' });
    const first = harness.startWatch();
    await first.until('the run is stored', () => isEqual(harness));
    await sleep(2500); // until it is verified with conclusive timestamps
    await first.stop();
    const sent = harness.store.sentBytes;

    const second = harness.startWatch();
    await second.until('the store is listed', () => harness.store.countCalls('list') > 1);
    await sleep(500);
    expect(await second.stop()).toMatchObject({ isComplete: true });
    expect(harness.store.sentBytes).toBe(sent);
    expect(existsSync(harness.stateDirectory)).toBe(true);
  });
});

describe('watch: status', () => {
  it('writes a status file with counts by run and in total', async () => {
    const harness = createHarness({ 'outputs/file': 'x'.repeat(100) });
    const running = harness.startWatch({ config: { project: 'team/vision' } });
    await running.until('the run is stored', () => isEqual(harness));
    await running.stop();

    expect(readStatusFile(harness)).toMatchObject({
      root: harness.root,
      state: 'ended',
      storeOutageMs: null,
      runs: [{ uuid: RUN, project: 'team/vision', storedFiles: 3, pendingFiles: 0, lastError: null }],
      total: { pendingBytes: 0, lagMs: 0, lostBytes: 0 },
    });
  });
});
