/** One file, sent repeatedly while it changes, the store fails, other writers write and processes end. */

import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../../../uploader/base/errors.js';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { ObjectSource } from '../../../../uploader/pipeline/commit/object-source.js';
import { joinSegments } from '../../../../uploader/pipeline/commit/segments.js';
import { MIN_APPEND_BYTES } from '../../../../uploader/pipeline/plan/upload-strategy.js';
import { CommitEngine } from '../../../../uploader/store/base/commit-engine.js';
import type { CommitOutcome, CommitRequest } from '../../../../uploader/store/base/store.js';
import { Bucket, SimulatedDriver } from '../../../simulation/bucket.js';
import { Machine, type Process } from '../../../simulation/machine.js';
import { Scheduler } from '../../../simulation/scheduler.js';
import { someRecords } from '../../support/event-records.js';
import { Uploader } from '../../support/file-uploader.js';
import { type Fault, MemoryStore } from '../../support/memory-store.js';
import { EVENT_FILE, RUN } from '../../support/run-tree.js';
import { onEachRead } from '../../support/wrapped-file-system.js';

const MIB = 1024 * 1024;
const LOG = 'plxlogs/main.log';
const MODEL = 'outputs/model.bin';

interface Kind {
  readonly path: string;
  /** The bytes that a step adds. */
  readonly toBytes: (step: number, size: number) => Buffer;
}

const KINDS: Readonly<Record<string, Kind>> = {
  'a log': { path: LOG, toBytes: toText },
  'an event file': { path: EVENT_FILE, toBytes: (step) => Buffer.concat(someRecords(3, step * 3)) },
  'an artifact': { path: MODEL, toBytes: toText },
};

/** Records of at least this size in all. */
function toEventBytes(size: number): Buffer {
  const records = someRecords(1000);
  const all = Buffer.concat(records);
  return Buffer.concat(Array.from({ length: Math.ceil(size / all.length) }, () => all));
}

function toText(step: number, size: number): Buffer {
  return Buffer.alloc(size, `line of step ${step}\n`);
}

type Step = readonly [
  what:
    | 'append'
    | 'large'
    | 'half a record'
    | 'rewrite'
    | 'other writer'
    | 'restart'
    | 'lose state'
    | 'wait'
    | 'nothing',
  isLive: boolean,
  fault: 'none' | 'fail' | 'lost' | 'killed',
];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom<Step[0]>('append', 'append', 'large', 'half a record') },
    { weight: 2, arbitrary: fc.constantFrom<Step[0]>('rewrite', 'other writer') },
    { weight: 3, arbitrary: fc.constantFrom<Step[0]>('restart', 'lose state', 'wait', 'nothing') },
  ),
  fc.integer({ min: 0, max: 4 }).map((chance) => chance > 0),
  fc.constantFrom<Step[2]>('none', 'none', 'none', 'fail', 'lost', 'killed'),
);

/** A plain restart of the file, and histories that once sent its tail repeatedly. */
const KNOWN_HISTORIES: readonly Step[][] = [
  [
    ['append', true, 'none'],
    ['rewrite', true, 'none'],
    ['append', false, 'none'],
  ],
  [
    ['large', true, 'none'],
    ['append', true, 'none'],
    ['restart', true, 'none'],
    ['append', true, 'none'],
    ['append', true, 'none'],
  ],
  [
    ['large', true, 'none'],
    ['append', true, 'none'],
    ['lose state', true, 'none'],
    ['append', true, 'none'],
    ['wait', true, 'none'],
    ['append', true, 'none'],
    ['large', true, 'none'],
    ['append', false, 'none'],
  ],
  // The same, after an upload of the whole file has covered the segment.
  [
    ['large', false, 'none'],
    ['append', true, 'none'],
    ['append', false, 'none'],
    ['restart', false, 'none'],
    ['rewrite', false, 'none'],
    ['large', false, 'none'],
  ],
  // The new object ends within a segment of the earlier content.
  [
    ['large', false, 'none'],
    ['append', true, 'none'],
    ['rewrite', false, 'killed'],
    ['large', false, 'none'],
    ['append', false, 'none'],
  ],
];

describe('sendFile', () => {
  it.each(
    Object.keys(KINDS).flatMap((kind) => [
      [kind, true],
      [kind, false],
    ]) as [string, boolean][],
  )('stores %s whatever happens: a store that appends %s', async (kind, appends) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), (history) =>
        play(kind, appends, history),
      ),
      {
        numRuns: Number(process.env.SEND_FILE_RUNS ?? 8),
        examples: KNOWN_HISTORIES.map((history) => [history]),
      },
    );
  });
});

describe('sendFile, once', () => {
  it('takes the next number when another writer has taken that of a previous version', async () => {
    const uploader = new Uploader(LOG);
    writeFileSync(uploader.path, 'second');
    uploader.store.overwrite(uploader.key, Buffer.from('the first content'));
    await uploader.start();
    const taken = `${RUN}/.plx/gen/${LOG}/0`;
    uploader.store.fault = (operation, key) => {
      if (operation === 'commit' && key === taken && !uploader.store.objects.has(taken))
        uploader.store.overwrite(taken, Buffer.from('of another writer'));
      return 'pass';
    };

    expect(await uploader.send()).toMatchObject({ status: 'stored', sizeBytes: 6 });
    expect(uploader.store.text(taken)).toBe('of another writer');
    expect(uploader.store.text(`${RUN}/.plx/gen/${LOG}/1`)).toBe('the first content');
    // It counts the restarts, so that no segment of the first content continues the second.
    expect(uploader.store.objects.get(uploader.key)?.generation).toBe(2);
    await uploader.end();
  });

  it('gives up when another writer replaces the object before each commit, and keeps its content', async () => {
    const uploader = new Uploader(LOG);
    const { store } = uploader;
    writeFileSync(uploader.path, 'ours');
    await uploader.start();
    let count = 0;
    store.fault = (operation, key) => {
      if (operation === 'commit' && key === uploader.key)
        store.overwrite(key, Buffer.from(`theirs ${++count}`));
      return 'pass';
    };

    expect(await uploader.send()).toMatchObject({ status: 'failed', error: { code: 'ERR_STORE_CONFLICT' } });
    expect(store.text(uploader.key)).toBe('theirs 3');
    expect(uploader.versions().map(String)).toEqual(['theirs 3', 'theirs 1', 'theirs 2']);
    await uploader.end();
  });

  it('fails with a code when the directory of the run is gone', async () => {
    const uploader = new Uploader(LOG);
    writeFileSync(uploader.path, 'text');
    await uploader.start();
    uploader.inventory.onRunGone(uploader.inventory.findRun(RUN)!.index);

    expect(await uploader.send()).toMatchObject({
      status: 'failed',
      error: {
        code: 'ERR_FILE_VANISHED',
        message: `${LOG}: its directory no longer has the run`,
        hint: 'Sync again.',
      },
    });
    await uploader.end();
  });

  it('never replaces a longer object that begins like the file, and says what to do', async () => {
    const uploader = new Uploader(LOG);
    writeFileSync(uploader.path, 'the first');
    uploader.store.overwrite(uploader.key, Buffer.from('the first content'));
    await uploader.start();

    expect(await uploader.send()).toMatchObject({
      status: 'failed',
      error: {
        code: 'ERR_FILE_BEHIND',
        message: `${LOG}: it has 9 bytes, which are the beginning of the 17 bytes in the store; older bytes never replace newer ones`,
        hint: 'If this is an older copy of the run, remove it or restore the newer files with polytrack pull. If the file was shortened on purpose, sync once with --take-over.',
      },
    });
    expect(uploader.store.text(uploader.key)).toBe('the first content');
    expect(uploader.versions()).toHaveLength(1);
    uploader.takesOver = true;
    expect(await uploader.send()).toMatchObject({ status: 'stored', sizeBytes: 9 });
    expect(uploader.versions().map(String)).toEqual(['the first', 'the first content']);
    await uploader.end();
  });

  it('sends a file of the size that the store accepts, and rejects a larger one before it is read', async () => {
    const uploader = new Uploader(MODEL);
    const { store } = uploader;
    store.capabilities = { ...store.capabilities, maxObjectBytes: 5 };
    writeFileSync(uploader.path, '12345');
    await uploader.start();

    expect(await uploader.send()).toMatchObject({
      status: 'stored',
      sizeBytes: 5,
      reason: 'new',
      held: null,
    });
    writeFileSync(uploader.path, '123456');
    await uploader.start();
    const calls = store.calls.length;
    expect(await uploader.send()).toMatchObject({
      status: 'failed',
      error: { message: `${uploader.key} has 6 bytes, the store accepts at most 5` },
    });
    expect(store.calls).toHaveLength(calls);
    await uploader.end();
  });

  it('waits for the rest of a record, and then says of how many bytes', async () => {
    const uploader = new Uploader(EVENT_FILE);
    const [first, second] = someRecords(2) as [Buffer, Buffer];
    writeFileSync(uploader.path, Buffer.concat([first, second.subarray(0, 7)]));
    await uploader.start();
    const held = {
      code: 'ERR_FILE_UNFINISHED',
      message: `${EVENT_FILE}: its last 7 bytes are an incomplete record`,
      hint: 'Sync again when its writer has added more; after 30 s without a change the bytes are stored unchanged.',
    };

    expect(await uploader.send()).toMatchObject({ status: 'stored', sizeBytes: first.length, held });
    const waiting = await uploader.send();
    expect(waiting).toMatchObject({ status: 'waiting', error: held });
    expect((waiting as { forMs: number }).forMs).toBeGreaterThan(20_000);
    expect((waiting as { forMs: number }).forMs).toBeLessThanOrEqual(30_000);
    uploader.aheadMs += 31_000;
    expect(await uploader.send()).toMatchObject({
      status: 'stored',
      sizeBytes: first.length + 7,
      reason: 'grown',
      held: null,
    });
    await uploader.end();
  });

  it.each([
    ['gen', true],
    ['seg', true],
    ['seg', false],
  ])(
    'passes on the failure to list what is kept below .plx/%s; the store appends: %s',
    async (kept, appends) => {
      const uploader = new Uploader(LOG);
      const { store } = uploader;
      if (!appends) store.capabilities = { ...store.capabilities, append: null };
      store.overwrite(uploader.key, Buffer.from('the first content'));
      writeFileSync(uploader.path, 'the second content');
      await uploader.start();
      store.fault = (operation, key) =>
        operation === 'list' && key.startsWith(`${RUN}/.plx/${kept}/`) ? 'fail' : 'pass';

      expect(await uploader.send()).toMatchObject({
        status: 'failed',
        error: { code: 'ERR_STORE_UNAVAILABLE' },
      });
      expect(store.text(uploader.key)).toBe('the first content');
      await uploader.end();
    },
  );

  it.each([
    [1, 'stored'],
    [0, 'failed'],
  ])(
    'tries as long as each attempt stores a part, and otherwise for the retry timeout: %d parts',
    async (parts, expected) => {
      const uploader = new Uploader(MODEL);
      writeFileSync(uploader.path, 'content');
      let calls = 0;
      class SlowStore extends MemoryStore {
        override async commit(request: CommitRequest): Promise<CommitOutcome> {
          calls += 1;
          if (calls === 8) return super.commit(request);
          if (calls === 1) request.onUploadOpened?.('upload');
          for (let number = 1; number <= parts; number += 1)
            request.onPartStored?.({ number: calls, etag: `${calls}`, crc32: 0, sizeBytes: 1 });
          uploader.aheadMs += 300_000;
          return { status: 'retry', cause: new Error('slow') };
        }
      }
      const engine = new SlowStore();
      uploader.other = { engine, objects: engine.objects };
      await uploader.start();

      expect(await uploader.send()).toMatchObject({ status: expected });
      if (expected === 'failed') expect(calls).toBeLessThan(5);
      await uploader.end();
    },
  );

  it.each([LOG, MODEL])(
    'is tried again when %s becomes shorter while it is read, and the store keeps what it has',
    async (path) => {
      const uploader = new Uploader(path);
      writeFileSync(uploader.path, toText(0, 1000));
      await uploader.start();
      await uploader.send();
      const before = uploader.store.text(uploader.key);
      writeFileSync(uploader.path, toText(1, 2000));
      uploader.fileSystem = onEachRead(() => truncateSync(uploader.path, 10));

      expect(await uploader.send()).toEqual({ status: 'changed' });
      expect(uploader.store.text(uploader.key)).toBe(before);
      uploader.fileSystem = nodeFileSystem;
      uploader.aheadMs += 40_000;
      expect(await uploader.send()).toMatchObject({ status: 'stored', sizeBytes: 10 });
      await uploader.end();
    },
  );

  it('replaces nothing of a run whose local files were deleted, but extends what it has', async () => {
    const uploader = new Uploader(LOG);
    const error = new FileError('ERR_FILE_BEHIND', LOG, 'was deleted', 'Pull it.');
    let asked = 0;
    uploader.findDeleted = async () => {
      asked += 1;
      return error;
    };
    writeFileSync(uploader.path, 'first');
    await uploader.start();
    expect(await uploader.send()).toMatchObject({ status: 'stored' });
    writeFileSync(uploader.path, ' and more', { flag: 'a' });
    expect(await uploader.send()).toMatchObject({ status: 'stored' });
    expect(asked).toBe(0);

    writeFileSync(uploader.path, 'another');
    expect(await uploader.send()).toEqual({ status: 'failed', error });
    expect(uploader.store.text(uploader.key)).toBe('first and more');
    expect(asked).toBe(1);
    await uploader.end();
  });

  it('says which part of a record is left when it completes the commit of a killed process', async () => {
    const uploader = new Uploader(EVENT_FILE);
    const [first, second] = someRecords(2) as [Buffer, Buffer];
    writeFileSync(uploader.path, Buffer.concat([toEventBytes(6 * MIB), first]));
    await uploader.start();
    await uploader.send();
    writeFileSync(uploader.path, second, { flag: 'a' });
    const abort = new AbortController();
    uploader.signal = abort.signal;
    uploader.store.fault = (operation) => {
      if (operation !== 'append') return 'pass';
      abort.abort();
      return 'fail';
    };
    await uploader.send().catch(() => undefined);
    uploader.signal = undefined;
    uploader.store.fault = () => 'pass';
    writeFileSync(uploader.path, first.subarray(0, 9), { flag: 'a' });
    await uploader.start({ isAfterKill: true });

    const outcomes = [await uploader.send(), await uploader.send()];
    expect(outcomes[0]).toMatchObject({
      status: 'stored',
      held: { code: 'ERR_FILE_UNFINISHED', message: expect.stringContaining('its last 9 bytes') },
    });
    expect(outcomes[1]).toMatchObject({ status: 'waiting' });
    await uploader.end();
  });

  it.each([LOG, MODEL])(
    'counts the restarts of %s by its segments, on a store without metadata',
    async (path) => {
      const uploader = new Uploader(path);
      const { store } = uploader;
      store.capabilities = { ...store.capabilities, append: null };
      const content = Buffer.from('content');
      store.overwrite(uploader.key, content);
      store.overwrite(`${RUN}/.plx/seg/${path}/6/${'6'.padStart(20, '0')}-1`, content.subarray(6));
      writeFileSync(uploader.path, content);
      await uploader.start();

      expect(await uploader.send()).toMatchObject({ status: 'verified' });
      expect(uploader.inventory.entryOf(uploader.inventory.idOf(uploader.key))?.generation).toBe(6);
      await uploader.end();
    },
  );

  describe.each([
    ['the file ends with its object', 'content'],
    ['the file ends within a segment', 'content and'],
  ])('when %s, and segments continue it, as after a failure of the power', (_, lost) => {
    const more = ' and more';
    const isStoredWith = (uploader: Uploader, path: string): void => {
      uploader.store.capabilities = { ...uploader.store.capabilities, append: null };
      uploader.store.overwrite(uploader.key, Buffer.from('content'));
      const name = `${'7'.padStart(20, '0')}-${more.length}`;
      uploader.store.overwrite(`${RUN}/.plx/seg/${path}/0/${name}`, Buffer.from(more));
      writeFileSync(uploader.path, lost);
    };

    it('stores an artifact as a whole, and keeps the whole earlier content', async () => {
      const uploader = new Uploader(MODEL);
      isStoredWith(uploader, MODEL);
      await uploader.start();

      expect(await uploader.send()).toMatchObject({ status: 'stored' });
      expect(uploader.content().toString()).toBe(lost);
      expect(uploader.versions().map(String)).toEqual([lost, `content${more}`]);
      await uploader.end();
    });

    it('does not replace a log whose stored bytes cannot be read', async () => {
      const uploader = new Uploader(LOG);
      isStoredWith(uploader, LOG);
      uploader.store.fault = (operation) => (operation === 'read' ? 'refuse' : 'pass');
      await uploader.start();

      expect(await uploader.send()).toMatchObject({ status: 'failed', error: { code: 'ERR_STORE_ACCESS' } });
      expect(uploader.content().toString()).toBe(`content${more}`);
      await uploader.end();
    });

    it('refuses a log, which is behind', async () => {
      const uploader = new Uploader(LOG);
      isStoredWith(uploader, LOG);
      await uploader.start();

      expect(await uploader.send()).toMatchObject({ status: 'failed', error: { code: 'ERR_FILE_BEHIND' } });
      expect(uploader.content().toString()).toBe(`content${more}`);
      await uploader.end();
    });
  });

  it.each([
    ['a log', LOG, true],
    ['a log that no longer grows', LOG, false],
    ['an artifact', MODEL, true],
  ])(
    'keeps a segment of %s that a killed process has stored, when the file has other bytes there',
    async (_, path, isLive) => {
      const uploader = new Uploader(path);
      uploader.store.capabilities = { ...uploader.store.capabilities, append: null };
      const first = 'x'.repeat(MIN_APPEND_BYTES);
      writeFileSync(uploader.path, first);
      await uploader.start();
      await uploader.send();
      const name = `${String(MIN_APPEND_BYTES).padStart(20, '0')}-3`;
      uploader.store.overwrite(`${RUN}/.plx/seg/${path}/0/${name}`, Buffer.from('one'));
      // Of another file, below a directory that has replaced a file of this name.
      uploader.store.overwrite(`${RUN}/.plx/seg/${path}/inside/0/${name}`, Buffer.from('two'));
      writeFileSync(uploader.path, 'another', { flag: 'a' });
      uploader.isLive = isLive;
      await uploader.start();

      expect(await uploader.send()).toMatchObject({ status: 'stored' });
      expect(uploader.versions().map((bytes) => bytes.subarray(MIN_APPEND_BYTES).toString())).toEqual(
        path === LOG ? ['another', 'one'] : ['another'],
      );
      await uploader.end();
    },
  );

  it.each([LOG, MODEL])(
    'knows the last segment of %s after a restart, and reads nothing of the store',
    async (path) => {
      const uploader = new Uploader(path);
      uploader.store.capabilities = { ...uploader.store.capabilities, append: null };
      writeFileSync(uploader.path, 'x'.repeat(MIN_APPEND_BYTES));
      await uploader.start();
      await uploader.send();
      for (const text of ['one', 'two']) {
        writeFileSync(uploader.path, text, { flag: 'a' });
        await uploader.start();
        await uploader.send();
      }
      await uploader.start();

      const { inventory } = uploader;
      expect(inventory.segments.get(inventory.idOf(uploader.key))).toMatchObject({
        ...{ generation: 0, start: MIN_APPEND_BYTES + 3, end: MIN_APPEND_BYTES + 6 },
      });
      expect(uploader.store.calls.filter((call) => call.startsWith('read'))).toEqual([]);
      await uploader.end();
    },
  );

  it.each([LOG, MODEL])(
    'does not continue a new object of %s with segments of one that is gone',
    async (path) => {
      const uploader = new Uploader(path);
      uploader.store.overwrite(`${RUN}/.plx/seg/${path}/0/${'7'.padStart(20, '0')}-1`, Buffer.from('!'));
      writeFileSync(uploader.path, 'content');
      await uploader.start();

      expect(await uploader.send()).toMatchObject({ status: 'stored' });
      expect(uploader.content().toString()).toBe('content');
      await uploader.end();
    },
  );

  it('keeps no version of an empty object', async () => {
    const uploader = new Uploader(LOG);
    uploader.store.overwrite(uploader.key, Buffer.alloc(0));
    writeFileSync(uploader.path, 'text');
    await uploader.start();

    expect(await uploader.send()).toMatchObject({ status: 'stored' });
    expect([...uploader.store.objects.keys()]).toEqual([uploader.key]);
    expect(uploader.events.filter(({ kind }) => kind === 'notice')).toEqual([]);
    await uploader.end();
  });

  it('keeps no more than 100 versions of a log that is restarted repeatedly, and says so', async () => {
    const uploader = new Uploader(LOG);
    const { store } = uploader;
    for (let number = 0; number < 99; number += 1)
      store.overwrite(`${RUN}/.plx/gen/${LOG}/${number}`, Buffer.from(`restart ${number}`));
    store.overwrite(`${RUN}/.plx/gen/${LOG}/notes`, Buffer.from('of another program'));
    writeFileSync(uploader.path, 'restart 99');
    await uploader.start();
    await uploader.send();
    const notices = () =>
      uploader.events.flatMap((event) => (event.kind === 'notice' ? [`${event.code} ${event.message}`] : []));
    const restart = async (number: number) => {
      writeFileSync(uploader.path, `restart ${number}`);
      uploader.aheadMs += 10_000;
      expect(await uploader.send()).toMatchObject({ status: 'stored' });
    };

    await restart(100);
    expect(store.text(`${RUN}/.plx/gen/${LOG}/99`)).toBe('restart 99');
    expect(notices()).toEqual([]);
    await restart(101);

    expect(store.text(uploader.key)).toBe('restart 101');
    expect(store.objects.has(`${RUN}/.plx/gen/${LOG}/100`)).toBe(false);
    expect(notices()).toEqual([
      `NOTICE_PREVIOUS_VERSIONS ${uploader.key} was restarted more than 100 times; its last content is not kept`,
    ]);
    await uploader.end();
  });

  it('has its intent in the journal before the store gets the first part', async () => {
    const uploader = new Uploader(LOG);
    writeFileSync(uploader.path, toText(0, 6 * MIB));
    await uploader.start();
    await uploader.send();
    writeFileSync(uploader.path, toText(1, MIB), { flag: 'a' });
    const before = uploader.journal();
    let atAppend = before;
    uploader.store.fault = (operation) => {
      if (operation === 'append') atAppend = uploader.journal();
      return 'pass';
    };

    expect(await uploader.send()).toMatchObject({ status: 'stored', strategy: 'append' });
    expect(before).not.toContain('"strategy":"append"');
    expect(atAppend).toContain('"strategy":"append"');
    await uploader.end();
  });

  it('names the object in the error of a store that cannot be reached', async () => {
    const uploader = new Uploader(MODEL);
    writeFileSync(uploader.path, 'content');
    await uploader.start();
    uploader.store.fault = () => 'fail';

    expect(await uploader.send()).toMatchObject({
      error: { message: expect.stringContaining(`store ${uploader.key}`) },
    });
    await uploader.end();
  });

  it.each(['head', 'commit'])(
    'passes on the failure of a %s, and keeps what the store has',
    async (operation) => {
      const uploader = new Uploader(LOG);
      writeFileSync(uploader.path, 'second');
      uploader.store.overwrite(uploader.key, Buffer.from('the first content'));
      await uploader.start();
      uploader.store.fault = (each) => (each === operation ? 'fail' : 'pass');

      expect(await uploader.send()).toMatchObject({
        status: 'failed',
        error: { code: 'ERR_STORE_UNAVAILABLE' },
      });
      expect(uploader.store.text(uploader.key)).toBe('the first content');
      expect(uploader.inventory.intents.size).toBe(0);
      uploader.store.fault = () => 'pass';
      expect(await uploader.send()).toMatchObject({ status: 'stored' });
      expect(uploader.store.text(`${RUN}/.plx/gen/${LOG}/0`)).toBe('the first content');
      await uploader.end();
    },
  );
});

describe('sendFile, in parts', () => {
  it.each(['is unchanged', 'was rewritten', 'was truncated', 'has grown'])(
    'continues after a process that was killed at any request: the file %s',
    async (what) => {
      for (let effect = 0; effect < 16; effect += 1) {
        const scheduler = new Scheduler();
        const bucket = new Bucket({ name: 'bucket', isConditional: true }, () => scheduler.nowMs);
        const machine = new Machine('host', scheduler);
        const uploader = new Uploader(MODEL);
        const open = (): Process => {
          const process = machine.start(`${what} ${effect}`);
          const engine = new CommitEngine(new SimulatedDriver(bucket, process), uploader.clock);
          uploader.other = { engine, objects: bucket.objects };
          return process;
        };
        const send = () => scheduler.run(uploader.send(), Number.POSITIVE_INFINITY);
        writeFileSync(uploader.path, toText(1, 9000));
        const killed = open();
        await uploader.start();
        killed.onEffect = (each) => (each === effect ? 'kill' : null);
        await send().catch((error: unknown) => {
          if (!killed.isDead) throw error;
        });
        if (what === 'was rewritten') writeFileSync(uploader.path, toText(2, 9000));
        if (what === 'was truncated') writeFileSync(uploader.path, toText(1, 6000));
        if (what === 'has grown') writeFileSync(uploader.path, toText(3, 3000), { flag: 'a' });

        open();
        await uploader.start({ isAfterKill: true });
        const [intent] = [...uploader.inventory.intents.values()];
        const hasParts = [...bucket.uploads.values()].some(({ parts }) => parts.size > 1);
        const storedBytes = intent?.parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) ?? 0;
        uploader.events.length = 0;
        const statuses: string[] = [];
        while (!['unchanged', 'verified'].includes(statuses.at(-1) ?? '') && statuses.length < 6)
          statuses.push((await send()).status);

        const trace = `effect ${effect}: ${statuses}`;
        // Nothing is resumed that cannot be completed.
        expect(statuses, trace).not.toContain('changed');
        const file = readFileSync(uploader.path);
        expect(bucket.objects.get(uploader.key)?.bytes.equals(file), trace).toBe(true);
        const sentBytes = uploader.events.reduce(
          (sum, each) => sum + (each.kind === 'sent' ? each.sizeBytes : 0),
          0,
        );
        if (what === 'is unchanged') expect(sentBytes, trace).toBeLessThanOrEqual(file.length - storedBytes);
        // The journal has all parts but those whose answers the killed process has not seen.
        if (what === 'is unchanged' && effect > 6 && killed.isDead && hasParts)
          expect(storedBytes, trace).toBeGreaterThan(0);
        // An upload whose creation was killed is in no journal.
        if (storedBytes > 0) expect([...bucket.uploads.keys()], trace).toEqual([]);
        expect(uploader.inventory.intents.size, trace).toBe(0);
        await uploader.end();
      }
    },
  );
});

describe('ObjectSource', () => {
  const piece = fc.tuple(
    fc.nat(9),
    fc.nat(9),
    fc.string({ minLength: 9, maxLength: 9, unit: 'binary-ascii' }),
  );

  it('returns any range of its pieces, one after the other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 5 }), fc.nat(40), fc.nat(40), async (pieces, a, b) => {
        const store = new MemoryStore();
        const wanted = pieces.map(([from, to, text], index) => {
          store.overwrite(`${index}`, Buffer.from(text));
          return { key: `${index}`, start: Math.min(from, to), end: Math.max(from, to) };
        });
        const all = Buffer.concat(
          wanted.map(({ key, start, end }) => store.objects.get(key)!.bytes.subarray(start, end)),
        );
        const [start, end] = [Math.min(a, b), Math.max(a, b)];

        const found = await new ObjectSource(store, wanted, undefined).read(start, end);

        expect(found.toString()).toBe(all.subarray(start, end).toString());
      }),
    );
  });
});

describe('joinSegments', () => {
  const piece = fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 1 }));

  it('returns all bytes that follow the object without a gap, whatever the order of the segments', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.nat(10),
        fc.constantFrom(null, 0, 1),
        (pieces, from, wanted) => {
          const segments = pieces.map(([start, length, generation]) => {
            const end = start + length;
            return {
              path: LOG,
              generation,
              start,
              end,
              object: { key: `${start}-${end}`, etag: '', sizeBytes: length },
            };
          });
          const generation = wanted ?? Math.max(0, ...segments.map((each) => each.generation));
          const covered = new Set(
            segments
              .filter((each) => each.generation === generation)
              .flatMap(({ start, end }) => Array.from({ length: end - start }, (_, index) => start + index)),
          );
          let end = from;
          while (covered.has(end)) end += 1;

          const joined = joinSegments(segments, from, wanted);

          const bytes = joined.flatMap(({ object: { key }, skip }) => {
            const [start, stop] = key.split('-').map(Number) as [number, number];
            return Array.from({ length: stop - start - skip }, (_, index) => start + skip + index);
          });
          expect(bytes).toEqual(Array.from({ length: end - from }, (_, index) => from + index));
          expect(joined.at(-1)?.end ?? from).toBe(end);
        },
      ),
    );
  });
});

async function play(kind: string, appends: boolean, history: readonly Step[]): Promise<void> {
  const uploader = new Uploader(KINDS[kind]!.path);
  try {
    await playSteps(uploader, kind, appends, history);
  } finally {
    await uploader.end();
  }
}

async function playSteps(
  uploader: Uploader,
  kind: string,
  appends: boolean,
  history: readonly Step[],
): Promise<void> {
  const { toBytes } = KINDS[kind]!;
  const { store } = uploader;
  if (!appends) store.capabilities = { ...store.capabilities, append: null };
  const acknowledged: Buffer[] = [];
  let rest = Buffer.alloc(0);
  const append = (bytes: Buffer): void => {
    writeFileSync(uploader.path, Buffer.concat([rest, bytes]), { flag: 'a' });
    rest = Buffer.alloc(0);
  };
  append(toBytes(0, 100));
  await uploader.start();
  for (const [index, [what, isLive, fault]] of history.entries()) {
    const before = existsSync(uploader.path) ? readFileSync(uploader.path) : Buffer.alloc(0);
    uploader.isLive = isLive;
    uploader.aheadMs += 10_000;
    if (what === 'append') append(toBytes(index + 1, 100));
    else if (what === 'large')
      append(toBytes(index + 1, before.length < MIN_APPEND_BYTES ? 5 * MIB : 1.5 * MIB));
    else if (what === 'half a record' && rest.length === 0) {
      const bytes = toBytes(index + 1, 100);
      writeFileSync(uploader.path, bytes.subarray(0, 20), { flag: 'a' });
      rest = Buffer.from(bytes.subarray(20));
    } else if (what === 'rewrite') {
      rest = Buffer.alloc(0);
      writeFileSync(uploader.path, toBytes(index + 1, 150));
    } else if (what === 'other writer') {
      const bytes = Buffer.from(`other ${index}`);
      store.overwrite(uploader.key, bytes);
      // Without a listing, only the condition of a commit shows it. A segment has none.
      if (index % 2 === 0 || !appends) uploader.list();
      else append(toBytes(index + 1, 100));
      acknowledged.length = 0;
      acknowledged.push(bytes);
    } else if (what === 'restart') expect(await uploader.start()).toBe(0);
    else if (what === 'lose state') await uploader.start({ losesState: true });
    else if (what === 'wait') uploader.aheadMs += 700_000;

    const abort = new AbortController();
    let calls = 0;
    store.fault = (operation): Fault => {
      const strikes = ['commit', 'append'].includes(operation) && calls++ === 0;
      if (!strikes || fault === 'none') return 'pass';
      if (fault !== 'killed') return fault;
      abort.abort();
      return 'lost';
    };
    uploader.signal = abort.signal;
    const sentBefore = store.sentBytes;
    let outcome = await uploader.send().catch((error: unknown) => {
      if (!abort.signal.aborted) throw error;
      return null;
    });
    store.fault = () => 'pass';
    uploader.signal = undefined;
    if (outcome === null) {
      await uploader.start();
      outcome = await uploader.send();
    }

    const file = readFileSync(uploader.path);
    const content = uploader.content();
    const trace = `${index} ${what}: ${outcome.status}`;
    const isPartial = outcome.status === 'waiting' || (outcome.status === 'stored' && outcome.held !== null);
    if (outcome.status === 'failed') throw outcome.error;
    // Bytes of an event file after its last whole record may follow later.
    const expected = isPartial && kind === 'an event file' ? file.subarray(0, content.length) : file;
    expect(content.equals(expected), `${trace}, ${content.length} of ${file.length} bytes`).toBe(true);
    if (outcome.status === 'stored') expect(outcome.sizeBytes, trace).toBe(content.length);
    if (outcome.status === 'stored' && outcome.strategy !== 'segment')
      expect(uploader.stored.at(-1), trace).toEqual({
        runUuid: RUN,
        relPath: uploader.relPath,
        sizeBytes: content.length,
        crc32: crc32(content),
      });
    for (const each of acknowledged)
      expect(
        uploader.versions().some((version) => version.subarray(0, each.length).equals(each)),
        trace,
      ).toBe(true);
    // An artifact is replaced by what the training writes.
    if (kind !== 'an artifact') acknowledged.push(content);
    const isGrown = file.length >= before.length && file.subarray(0, before.length).equals(before);
    if (
      isGrown &&
      fault === 'none' &&
      appends &&
      before.length >= MIN_APPEND_BYTES &&
      what !== 'other writer'
    )
      expect(store.sentBytes - sentBefore, trace).toBeLessThanOrEqual(file.length - before.length);
    // Nothing is left to do.
    const sent = store.sentBytes;
    const again = await uploader.send();
    expect(['unchanged', 'verified', 'waiting'], trace).toContain(again.status);
    expect(store.sentBytes, trace).toBe(sent);
    expect(uploader.inventory.intents.size, trace).toBe(0);
  }
  const isAlone = history.every(([what, , fault]) => !/other|lose/.test(what) && fault !== 'killed');
  const codes = uploader.events.flatMap((event) => (event.kind === 'notice' ? [event.code] : []));
  if (isAlone) expect(codes).not.toContain('NOTICE_REPLACED_OTHER');
}
