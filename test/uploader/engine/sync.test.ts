/** A single sync against a store that loses responses, and with files that change meanwhile. F numbers: docs/failures.md. */

import {
  appendFileSync,
  copyFileSync,
  cpSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { encodeRecord } from '../../../src/format/record/record-codec.js';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { Scanner } from '../../../uploader/pipeline/scan/scanner.js';
import { createTempDir } from '../../support/temp-dir.js';
import { EVENT_FILE, makeRun, OTHER_RUN, RUN, writeFiles } from '../support/run-tree.js';
import { createHarness, type Harness, readStore, readTree } from '../support/sync-harness.js';
import { failingWrites, onEachRead } from '../support/wrapped-file-system.js';

const MIB = 1024 * 1024;
const KEY = `${RUN}/outputs/file`;

function expectEqual({ store, run }: Harness): void {
  expect(readStore(store)).toEqual(readTree(run));
}

/** Makes all timestamps old enough to be conclusive, so that a later sync has nothing to verify. */
function age(directory: string, ...paths: string[]): void {
  const then = new Date(Date.now() - 60_000);
  for (const path of paths) utimesSync(join(directory, path), then, then);
}

/** A process that can be killed; after that, nothing reaches its journal. */
function createKillable() {
  const kill = new AbortController();
  const fileSystem = failingWrites((path) => kill.signal.aborted && path.includes('journal-'), 'EIO');
  return { io: { fileSystem }, kill };
}

/** A file of 7 MiB, of which the store has 6: the sync was killed while it appended the rest. */
async function killDuringAppend(): Promise<Harness> {
  const harness = createHarness({ 'outputs/file': Buffer.alloc(6 * MIB, 'a') });
  await harness.sync();
  appendFileSync(join(harness.run, 'outputs/file'), Buffer.alloc(MIB, 'b'));
  const { io, kill } = createKillable();
  harness.store.fault = (operation) => {
    if (operation !== 'append') return 'pass';
    setTimeout(() => kill.abort(), 50); // by then the journal contains the upload
    return 'fail';
  };
  await harness.sync({ signal: kill.signal, io });
  harness.store.fault = () => 'pass';
  return harness;
}

describe('sync', () => {
  it('F84: collects the problems of the scan a fixed number of times, however many runs there are', async () => {
    const problems = vi.spyOn(Scanner.prototype, 'problems', 'get');
    onTestFinished(() => void vi.restoreAllMocks());
    const counts = [];
    for (const runs of [3, 30]) {
      const harness = createHarness();
      for (let run = 0; run < runs; run += 1)
        makeRun(harness.root, { 'run.plx.json': '{"status":"succeeded"}' }, String(run).padStart(32, '0'));
      problems.mockClear();
      await harness.sync();
      counts.push(problems.mock.calls.length);
    }
    expect(counts[1]).toBe(counts[0]);
  });

  it('stores everything once and nothing the second time', async () => {
    const harness = createHarness({ 'outputs/a': 'a', [EVENT_FILE]: encodeRecord(Buffer.from('x')) });
    const first = await harness.sync();
    const sent = harness.store.sentBytes;

    const second = await harness.sync();

    expect(first).toMatchObject({ isComplete: true, files: { total: 4, stored: 4 } });
    expect(second).toMatchObject({ isComplete: true, files: { total: 4, stored: 0 }, bytes: { sent: 0 } });
    expect(harness.store.sentBytes).toBe(sent);
    expectEqual(harness);
  });

  it('F30: stores empty files, including event files', async () => {
    const harness = createHarness({ 'outputs/empty': '', [EVENT_FILE]: '' });

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expectEqual(harness);
  });

  it('ends, and reports all files as unsent, when it is aborted before the first upload', async () => {
    const { sync, store } = createHarness({ 'outputs/a.log': 'a\n', 'outputs/b.bin': 'b' });
    const stop = new AbortController();
    vi.spyOn(store, 'collect').mockImplementation(async () => {
      stop.abort();
      return { status: 'collected', removed: 0, left: 0 };
    });

    const report = await sync({ signal: stop.signal });

    expect(report).toMatchObject({ isAborted: true, isComplete: false, files: { stored: 0 } });
    expect(report.unsent.map(({ error }) => error.code)).toEqual(report.unsent.map(() => 'ERR_ABORTED'));
    expect(report.unsent.length).toBeGreaterThanOrEqual(2);
  });

  it('reports the runs that have ended at the end', async () => {
    const harness = createHarness({ 'run.plx.json': JSON.stringify({ uuid: RUN, status: 'succeeded' }) });
    makeRun(harness.root, {}, OTHER_RUN);

    await harness.sync();

    expect(harness.events.filter(({ kind }) => kind === 'run-complete')).toEqual([
      { kind: 'run-complete', runUuid: RUN },
    ]);
  });
});

describe('the journal and the store', () => {
  it.each(['put', 'append'])(
    'F4: a lost response to a %s costs one HEAD request, not a second upload',
    async (kind) => {
      const harness = createHarness({ 'outputs/file.log': Buffer.alloc(6 * MIB, 'a') });
      if (kind === 'append') await harness.sync();
      if (kind === 'append') appendFileSync(join(harness.run, 'outputs/file.log'), 'more');
      let isLost = false;
      harness.store.fault = (operation, key) => {
        const isWrite = operation === (kind === 'put' ? 'commit' : 'append');
        if (isLost || !isWrite || !key.endsWith('file.log')) return 'pass';
        isLost = true;
        return 'lost';
      };

      const report = await harness.sync();

      expect(isLost).toBe(true);
      expect(report.isComplete).toBe(true);
      expect(harness.store.history.get(`${RUN}/outputs/file.log`)).toHaveLength(kind === 'put' ? 1 : 2);
      expectEqual(harness);
    },
  );

  it('F1: finds a commit that a killed process did not record by its id, without reading it again', async () => {
    const harness = createHarness({ 'outputs/file': 'content' });
    age(harness.run, 'outputs/file');
    const { io, kill } = createKillable();
    harness.store.fault = (operation, key) => {
      if (operation !== 'commit' || key !== KEY) return 'pass';
      kill.abort(); // the process ends after the store's commit and before the journal entry
      return 'lost';
    };
    await harness.sync({ signal: kill.signal, io });
    harness.store.fault = () => 'pass';
    expect(harness.stored('outputs/file')).toBe('content');
    let reads = 0;
    const fileSystem = onEachRead((read) => {
      if (read.endsWith('outputs/file')) reads += 1;
    });

    const report = await harness.sync({ io: { fileSystem } });

    expect(report.isComplete).toBe(true);
    expect(harness.store.history.get(KEY)).toHaveLength(1);
    expect(reads).toBe(0);
  });

  it('F2: drops an intent that never reached the store, and stores the file', async () => {
    const harness = createHarness({ 'outputs/file': 'content' });
    const { io, kill } = createKillable();
    harness.store.fault = (operation, key) => {
      if (operation !== 'commit' || key !== KEY) return 'pass';
      kill.abort();
      return 'fail';
    };
    await harness.sync({ signal: kill.signal, io });
    harness.store.fault = () => 'pass';

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expect(harness.store.calls).toContain(`collect ${KEY}`);
    expectEqual(harness);
  });

  it('F3: resumes an append of a killed process before any other request to the store', async () => {
    const harness = await killDuringAppend();
    const calls = harness.store.calls.length;

    expect(await harness.sync()).toMatchObject({ isComplete: true });

    const since = harness.store.calls.slice(calls).filter((call) => call.endsWith(KEY));
    // Finally, remove parts that may have arrived late.
    expect(since).toEqual([`head ${KEY}`, `append ${KEY}`, `collect ${KEY}`]);
    expect(new Set(harness.store.uploads).size).toBe(1);
    expectEqual(harness);
  });

  it('F3: also sends what a file has gained since a killed process began to upload it', async () => {
    const harness = await killDuringAppend();
    appendFileSync(join(harness.run, 'outputs/file'), 'more');
    const calls = harness.store.calls.length;

    expect(await harness.sync()).toMatchObject({ isComplete: true });

    const since = harness.store.calls.slice(calls).filter((call) => call.endsWith(KEY));
    expect(since.filter((call) => call.startsWith('append'))).toHaveLength(2);
    expectEqual(harness);
  });

  it('recognises an object that holds the beginning of a file without a journal', async () => {
    const harness = createHarness({ 'outputs/file.log': Buffer.alloc(6 * MIB, 'a') });
    await harness.sync();
    rmSync(harness.stateDirectory, { recursive: true });
    appendFileSync(join(harness.run, 'outputs/file.log'), 'more');
    const sent = harness.store.sentBytes;

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expect(harness.store.sentBytes - sent).toBe(4);
    expectEqual(harness);
  });

  it('appends to an object that is longer than an outdated journal says', async () => {
    const harness = createHarness({ 'outputs/file.log': Buffer.alloc(6 * MIB, 'a') });
    await harness.sync();
    const remembered = createTempDir();
    cpSync(harness.stateDirectory, remembered, { recursive: true });
    appendFileSync(join(harness.run, 'outputs/file.log'), Buffer.alloc(MIB, 'b'));
    await harness.sync();
    // Simulate a crash that lost the last lines of the journal.
    rmSync(harness.stateDirectory, { recursive: true });
    cpSync(remembered, harness.stateDirectory, { recursive: true });
    appendFileSync(join(harness.run, 'outputs/file.log'), 'more');
    const sent = harness.store.sentBytes;

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expect(harness.store.sentBytes - sent).toBe(4);
    expectEqual(harness);
  });

  it('replaces an object that another writer has overwritten', async () => {
    const harness = createHarness({ 'outputs/file': 'content' });
    await harness.sync();
    harness.store.overwrite(KEY, Buffer.from('another content'));

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expectEqual(harness);
  });
});

describe('runs that are gone', () => {
  /** The text of all files of the journal. */
  function readJournal({ stateDirectory }: Harness): string {
    const paths = readdirSync(stateDirectory, { recursive: true, encoding: 'utf8' });
    const files = paths.filter((path) => /journal-\d+$/.test(path));
    return files.map((path) => readFileSync(join(stateDirectory, path), 'latin1')).join('');
  }

  it('F92: leave the journal after some syncs, and are verified, not sent again, if they return', async () => {
    const harness = createHarness({ 'outputs/file': 'content' });
    const away = join(createTempDir(), 'away');
    makeRun(harness.root, {}, OTHER_RUN);
    await harness.sync();
    renameSync(harness.run, away);
    for (let pass = 0; pass < 8; pass += 1) await harness.sync();
    expect(readJournal(harness)).not.toContain(RUN);
    expect(readJournal(harness)).toContain(OTHER_RUN);
    renameSync(away, harness.run);

    expect(await harness.sync()).toMatchObject({
      isComplete: true,
      bytes: { sent: 0 },
    });
  });

  it('F92: stay in the journal while only another run of their root is synced', async () => {
    const harness = createHarness({ 'outputs/file': 'content' });
    const other = makeRun(harness.root, {}, OTHER_RUN);
    await harness.sync();
    for (let pass = 0; pass < 8; pass += 1) await harness.sync({ config: { path: other } });

    expect(readJournal(harness)).toContain(RUN);
  });
});

describe('growing files', () => {
  it('F34: are uploaded whole below 5 MiB and appended to from exactly 5 MiB', async () => {
    for (const base of [5 * MIB - 1, 5 * MIB]) {
      const harness = createHarness({ 'outputs/train.log': Buffer.alloc(base, 'a') });
      await harness.sync();
      appendFileSync(join(harness.run, 'outputs/train.log'), 'more');

      await harness.sync();

      expect(harness.store.countCalls('append')).toBe(base < 5 * MIB ? 0 : 1);
      expectEqual(harness);
    }
  });

  it('are appended to regardless of their name, once their beginning is verified', async () => {
    const harness = createHarness({ 'outputs/data.bin': Buffer.alloc(6 * MIB, 'a') });
    await harness.sync();
    appendFileSync(join(harness.run, 'outputs/data.bin'), 'more');

    const report = await harness.sync();

    expect(report.bytes.sent).toBe(4);
    expectEqual(harness);
  });

  it('F9: replace the object when truncated and rewritten, and keep the previous version', async () => {
    const harness = createHarness({ 'plxlogs/main.log': 'the first life of a log' });
    await harness.sync();
    writeFileSync(join(harness.run, 'plxlogs/main.log'), 'the second');
    await harness.sync();
    writeFileSync(join(harness.run, 'plxlogs/main.log'), 'third');

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expect(harness.stored('plxlogs/main.log')).toBe('third');
    expect(harness.stored('.plx/gen/plxlogs/main.log/0')).toBe('the first life of a log');
    expect(harness.stored('.plx/gen/plxlogs/main.log/1')).toBe('the second');
  });

  it('F9: are detected as rewritten after copytruncate even if longer than the old content', async () => {
    const harness = createHarness({ 'plxlogs/main.log': 'old' });
    await harness.sync();
    copyFileSync(join(harness.run, 'plxlogs/main.log'), join(harness.run, 'plxlogs/main.log.1'));
    truncateSync(join(harness.run, 'plxlogs/main.log'));
    appendFileSync(join(harness.run, 'plxlogs/main.log'), 'and a much longer new one');

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expectEqual(harness);
    expect(harness.stored('.plx/gen/plxlogs/main.log/0')).toBe('old');
  });

  it('F11: are stored under both names after rotation', async () => {
    const harness = createHarness({ 'plxlogs/main.log': 'first' });
    await harness.sync();
    renameSync(join(harness.run, 'plxlogs/main.log'), join(harness.run, 'plxlogs/main.log.1'));
    writeFileSync(join(harness.run, 'plxlogs/main.log'), 'second');

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expectEqual(harness);
  });

  it('F15: are not appended to when another file has reused their inode', async () => {
    const harness = createHarness({ 'outputs/train.log': Buffer.alloc(6 * MIB, 'a') });
    await harness.sync();
    // Write in place, so that the inode stays and only the content differs.
    writeFileSync(join(harness.run, 'outputs/train.log'), Buffer.alloc(7 * MIB, 'b'), { flag: 'r+' });

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expect(harness.store.countCalls('append')).toBe(0);
    expectEqual(harness);
  });
});

describe('rewritten files', () => {
  it('F10: are stored again when rewritten in place at the same size with the old mtime', async () => {
    const harness = createHarness({ 'outputs/file': 'before' });
    age(harness.run, 'outputs/file');
    await harness.sync();
    await sleep(20);
    writeFileSync(join(harness.run, 'outputs/file'), 'behind');
    age(harness.run, 'outputs/file');

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expect(harness.stored('outputs/file')).toBe('behind');
  });

  it('F17: are stored in the new version when replaced while they are read', async () => {
    const harness = createHarness({ 'outputs/file': 'old' });
    const path = join(harness.run, 'outputs/file');
    let isDone = false;
    const fileSystem = onEachRead((read) => {
      if (isDone || !read.endsWith('outputs/file')) return;
      isDone = true;
      writeFileSync(`${path}.next`, 'new');
      renameSync(`${path}.next`, path);
    });

    expect(await harness.sync({ io: { fileSystem } })).toMatchObject({ isComplete: true });
    expect(harness.stored('outputs/file')).toBe('new');
  });

  it('F17: are stored in the new version when rewritten in place while they are read, also if it is longer', async () => {
    const harness = createHarness({ 'outputs/model.bin': 'old' });
    const path = join(harness.run, 'outputs/model.bin');
    let isDone = false;
    const fileSystem = onEachRead((read) => {
      if (isDone || !read.endsWith('model.bin')) return;
      isDone = true;
      writeFileSync(path, 'the new model');
    });

    expect(await harness.sync({ io: { fileSystem } })).toMatchObject({ isComplete: true });
    expect(harness.stored('outputs/model.bin')).toBe('the new model');
  });

  it('F19: are reported as unstable when they change during each read, and never stored as a mixture of states', async () => {
    const states = Array.from({ length: 60 }, (_, index) =>
      Buffer.alloc(2 * MIB, String.fromCharCode(65 + index)),
    );
    const harness = createHarness({ 'outputs/file': states[0]!, 'outputs/other': 'x' });
    let next = 1;
    const fileSystem = onEachRead((read) => {
      if (read.endsWith('outputs/file'))
        writeFileSync(join(harness.run, 'outputs/file'), states[next++ % 60]!);
    });

    const report = await harness.sync({ io: { fileSystem } });

    expect(report.unsent.map(({ error }) => error.code)).toEqual(['ERR_FILE_UNSTABLE']);
    expect(harness.stored('outputs/other')).toBe('x');
    for (const bytes of harness.store.history.get(KEY) ?? [])
      expect(states.some((state) => state.equals(bytes))).toBe(true);
  });

  it('F18: are stored at their size at opening when they grow during the upload', async () => {
    const harness = createHarness({ 'outputs/train.log': 'first' });
    let growth = 0;
    const fileSystem = onEachRead((read) => {
      if (read.endsWith('train.log')) appendFileSync(join(harness.run, 'outputs/train.log'), `+${growth++}`);
    });

    const report = await harness.sync({ io: { fileSystem } });

    expect(report.isComplete).toBe(true);
    expect(
      readFileSync(join(harness.run, 'outputs/train.log'), 'utf8').startsWith(
        harness.stored('outputs/train.log')!,
      ),
    ).toBe(true);
  });
});

describe('event files', () => {
  const record = Buffer.from(encodeRecord(Buffer.from('an event')));

  it('F6: are stored up to the last whole record, for a file truncated at any byte', async () => {
    const harness = createHarness();
    const path = join(harness.run, EVENT_FILE);
    writeFiles(harness.run, { [EVENT_FILE]: record });
    for (let cut = 1; cut < record.length; cut += 5) {
      writeFileSync(path, Buffer.concat([record, record.subarray(0, cut)]));

      const report = await harness.sync();

      expect(report.unsent.map(({ error }) => error.code)).toEqual(['ERR_FILE_UNFINISHED']);
      expect(harness.store.objects.get(`${RUN}/${EVENT_FILE}`)?.bytes).toEqual(record);
    }
    writeFileSync(path, Buffer.concat([record, record]));
    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expectEqual(harness);
  });

  it('F6: are stored with a partial last record after 30 seconds without a write', async () => {
    const harness = createHarness({ [EVENT_FILE]: Buffer.concat([record, record.subarray(0, 7)]) });
    age(harness.run, EVENT_FILE);

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expectEqual(harness);
  });

  it('F8: are stored unchanged when damaged in the middle, with one notice that gives the offset', async () => {
    const damaged = Buffer.concat([record, record, record]);
    damaged[record.length + 3]! ^= 1;
    const harness = createHarness({ [EVENT_FILE]: damaged });
    age(harness.run, EVENT_FILE);

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expectEqual(harness);
    const notices = harness.events.filter(({ kind }) => kind === 'notice');
    expect(notices).toMatchObject([{ code: 'NOTICE_EVENT_FILE_DAMAGED' }]);
    expect(JSON.stringify(notices)).toContain(`at byte ${record.length};`);
  });

  it('F7: are stored up to a page of zeros, and completely once the page has arrived', async () => {
    const whole = Buffer.concat([record, record, record]);
    const stale = Buffer.concat([record, Buffer.alloc(record.length), record]);
    const harness = createHarness({ [EVENT_FILE]: stale });

    await harness.sync();
    expect(harness.store.objects.get(`${RUN}/${EVENT_FILE}`)?.bytes).toEqual(record);
    writeFileSync(join(harness.run, EVENT_FILE), whole);

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expectEqual(harness);
    expect([...harness.store.objects.keys()].filter((key) => key.includes('/.plx/gen/'))).toEqual([]);
  });
});

describe('excluded and rejected files', () => {
  it('F25: are not read when replaced by a link out of the run after the scan', async () => {
    const harness = createHarness({ 'outputs/a/file': 'mine', 'outputs/file': 'mine' });
    const outside = makeRun(createHarness().root, { 'a/file': 'secret', secret: 'secret' }, OTHER_RUN);
    let isSwapped = false;
    const fileSystem = {
      ...nodeFileSystem,
      openForReading: (path: string | Buffer) => {
        if (!isSwapped && path.toString().includes('outputs/')) {
          isSwapped = true;
          rmSync(join(harness.run, 'outputs/a'), { recursive: true });
          symlinkSync(join(outside, 'a'), join(harness.run, 'outputs/a'));
          unlinkSync(join(harness.run, 'outputs/file'));
          symlinkSync(join(outside, 'secret'), join(harness.run, 'outputs/file'));
        }
        return nodeFileSystem.openForReading(path);
      },
    };

    const report = await harness.sync({ io: { fileSystem } });

    expect(report.unsent.map(({ error }) => error.code)).toEqual(['ERR_FILE_OUTSIDE', 'ERR_FILE_OUTSIDE']);
    expect(
      JSON.stringify([...harness.store.objects.values()].map(({ bytes }) => bytes.toString())),
    ).not.toContain('secret');
  });

  it('F26: are skipped when they have several names and hard links are not allowed', async () => {
    const harness = createHarness({ 'outputs/file': 'x' });
    linkSync(join(harness.run, 'outputs/file'), join(harness.run, 'outputs/second'));

    const report = await harness.sync({ config: { hardlinks: false } });

    expect(report.skipped).toEqual([
      { path: `${RUN}/outputs/file`, reason: 'hard-link' },
      { path: `${RUN}/outputs/second`, reason: 'hard-link' },
    ]);
    expect(harness.stored('outputs/file')).toBeUndefined();
  });

  it('F28: are reported when their name collides with another name in the store', async () => {
    const harness = createHarness({
      'outputs/e\u0301': 'apart',
      'outputs/\u00e9': 'composed',
      'outputs/Data': '1',
      'outputs/data': '2',
    });
    harness.store.capabilities = { ...harness.store.capabilities, foldsNames: true };

    const report = await harness.sync();

    expect(report.unsent.map(({ error }) => error.code)).toEqual(['ERR_NAME_TWIN', 'ERR_NAME_TWIN']);
    expect(Object.keys(readStore(harness.store)).filter((path) => path.startsWith('outputs/'))).toHaveLength(
      2,
    );
  });

  it("F33: are rejected before a byte is read when they exceed the store's size limit", async () => {
    const harness = createHarness({ 'outputs/file': 'ten bytes.' });
    harness.store.capabilities = { ...harness.store.capabilities, maxObjectBytes: 9 };
    let reads = 0;
    const fileSystem = onEachRead((read) => {
      if (read.endsWith('outputs/file')) reads += 1;
    });

    const report = await harness.sync({ io: { fileSystem }, config: { path: harness.root } });

    expect(report.unsent.filter(({ path }) => path === KEY).map(({ error }) => error.code)).toEqual([
      'ERR_STORE_LIMIT',
    ]);
    expect(reads).toBe(0);
  });

  it('F31: are uploaded with zeros in their holes, with a notice', async () => {
    const harness = createHarness({ 'outputs/file': 'x' });
    truncateSync(join(harness.run, 'outputs/file'), 80 * MIB);

    const report = await harness.sync();

    expect(report.isComplete).toBe(true);
    expect(report.notices.map(({ code }) => code)).toEqual(['NOTICE_SPARSE']);
    expect(harness.store.objects.get(KEY)?.bytes.length).toBe(80 * MIB);
  });
});
