import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.js';
import type { FileSystem, WritableFile } from '../../../../uploader/base/io/file-system.js';
import { nodeIo } from '../../../../uploader/base/io/io.js';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { Inventory } from '../../../../uploader/pipeline/inventory/inventory.js';
import { encodeJournalLine, JOURNAL_VERSION } from '../../../../uploader/pipeline/journal/journal-codec.js';
import type {
  Intent,
  JournalEntry,
  JournalRecord,
} from '../../../../uploader/pipeline/journal/journal-entry.js';
import { type JournalReplay, replayFiles } from '../../../../uploader/pipeline/journal/journal-files.js';
import {
  type JournalWriter,
  openJournalWriter,
} from '../../../../uploader/pipeline/journal/journal-writer.js';
import { toStatePathsIn } from '../../../../uploader/pipeline/journal/state-directory.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { systemError, wrapFileSystem } from '../../support/wrapped-file-system.js';

const RUN = '0'.repeat(32);
const OWNER = { rootKey: 'root', hostId: 'host' };

function entry(name: string, crc32 = 1): JournalEntry {
  const file = { sizeBytes: 3, mtimeNs: 5n, ctimeNs: 6n, ino: 7n };
  return { key: `${RUN}/${name}`, file, crc32, object: { etag: 'e', sizeBytes: 3 }, isRecent: false };
}

function intent(tx: string, name: string): Intent {
  const { object: _, ...rest } = entry(name);
  return { tx, strategy: 'mpu', base: null, entry: rest, targetBytes: 3 };
}

/** A sink that, like the inventory, keeps all replayed and recorded entries. */
class Memory {
  readonly directory = createTempDir();
  readonly notices: string[] = [];
  entries = new Map<string, JournalEntry>();
  replay: JournalReplay | undefined;

  async open(fileSystem: FileSystem = nodeFileSystem, owner = OWNER): Promise<JournalWriter> {
    this.entries = new Map();
    const { journalWriter, replay } = await openJournalWriter({
      io: { ...nodeIo, fileSystem },
      paths: toStatePathsIn(this.directory, 'root'),
      owner,
      sink: { onEntry: (each) => this.entries.set(each.key, each), onSegment: () => undefined },
      live: () => this.#live(),
      liveCount: () => this.entries.size,
      onNotice: ({ code }) => this.notices.push(code),
    });
    this.replay = replay;
    return journalWriter;
  }

  async record(journalWriter: JournalWriter, name: string, crc32 = 1): Promise<void> {
    const each = entry(name, crc32);
    this.entries.set(each.key, each);
    await journalWriter.append({ kind: 'done', entry: each });
  }

  /** Returns the entries that another process would read. */
  async read(): Promise<Map<string, JournalEntry>> {
    const found = new Map<string, JournalEntry>();
    const sink = { onEntry: (each: JournalEntry) => found.set(each.key, each), onSegment: () => undefined };
    await replayFiles(nodeFileSystem, toStatePathsIn(this.directory, 'root'), OWNER, sink);
    return found;
  }

  files(): string[] {
    return readdirSync(this.directory).filter((name) => name.startsWith('journal'));
  }

  *#live(): Generator<JournalRecord> {
    for (const each of this.entries.values()) yield { kind: 'done', entry: each };
  }
}

/** Returns a file system whose calls of one kind fail while `isFailing` returns true. */
function failing(call: 'append' | 'sync', code: string, isFailing: (path: string) => boolean): FileSystem {
  return wrapFileSystem({
    openForWriting: async (path, how, mode) => {
      const file = await nodeFileSystem.openForWriting(path, how, mode);
      const wrapped: WritableFile = {
        append: (bytes) => file.append(bytes),
        sync: () => file.sync(),
        close: () => file.close(),
      };
      return {
        ...wrapped,
        [call]: (bytes: Uint8Array) =>
          isFailing(path.toString()) ? Promise.reject(systemError(code)) : wrapped[call](bytes),
      };
    },
  });
}

describe('a journal', () => {
  it('keeps the last entry of each key across processes', async () => {
    const memory = new Memory();
    for (let process = 0; process < 12; process += 1) {
      const journalWriter = await memory.open();
      await memory.record(journalWriter, 'same', process);
      await memory.record(journalWriter, `of-${process}`);
      await journalWriter.close();
    }

    await (await memory.open()).close();

    expect(memory.entries.get(`${RUN}/same`)?.crc32).toBe(11);
    expect(memory.entries.size).toBe(13);
    expect(memory.files().length).toBeLessThanOrEqual(10);
    expect(memory.notices).toEqual([]);
  });

  it('keeps open intents with their parts, and the keys of crashed commits', async () => {
    const memory = new Memory();
    const journalWriter = await memory.open();
    const part = { number: 1, sizeBytes: 8, crc32: 9, etag: 'p' };
    await journalWriter.append({ kind: 'intent', intent: intent('a', 'open') });
    await journalWriter.append({ kind: 'mpu', tx: 'a', uploadId: 'upload' }, { kind: 'part', tx: 'a', part });
    await journalWriter.append({ kind: 'intent', intent: intent('b', 'done') });
    await journalWriter.append({ kind: 'done', entry: entry('done'), tx: 'b' });
    await journalWriter.append({ kind: 'intent', intent: intent('c', 'dropped') }, { kind: 'drop', tx: 'c' });
    await journalWriter.append({ kind: 'crashed', key: `${RUN}/open` });
    await journalWriter.close();

    await (await memory.open()).close();

    expect(memory.replay?.openIntents).toEqual([
      { intent: intent('a', 'open'), uploadId: 'upload', parts: [part] },
    ]);
    expect(memory.replay?.crashedKeys).toEqual([`${RUN}/open`]);
  });

  it('writes a snapshot once it is much larger than its live records', async () => {
    const memory = new Memory();
    const journalWriter = await memory.open();
    const long = 'x'.repeat(200);
    for (let round = 0; round < 40; round += 1) {
      const records = Array.from({ length: 1000 }, (_, index): JournalRecord => {
        const each = entry(`${long}-${index}`, round);
        memory.entries.set(each.key, each);
        return { kind: 'done', entry: each };
      });
      await journalWriter.append(...records);
    }
    await journalWriter.close();

    const size = memory
      .files()
      .reduce((sum, name) => sum + readFileSync(join(memory.directory, name)).length, 0);
    expect(size).toBeLessThan(10 * 1024 * 1024);
    expect(await memory.read()).toEqual(memory.entries);
  });

  it('reads the files in the order of their numbers, however the directory lists them', async () => {
    const memory = new Memory();
    for (let crc32 = 1; crc32 <= 4; crc32 += 1) {
      const journalWriter = await memory.open();
      await memory.record(journalWriter, 'a', crc32);
      await journalWriter.close();
    }
    const reversed = wrapFileSystem({
      readDirectory: async (path) => (await nodeFileSystem.readDirectory(path)).reverse(),
    });

    await (await memory.open(reversed)).close();

    expect([...memory.entries.values()].map(({ crc32 }) => crc32)).toEqual([4]);
  });

  it('keeps open intents across any number of killed processes', async () => {
    const directory = createTempDir();
    const open = () => {
      const sink = new Inventory({ clock: systemClock });
      const paths = toStatePathsIn(directory, 'root');
      return openJournalWriter({
        ...{ io: nodeIo, paths, owner: OWNER, sink },
        live: () => sink.live(),
        liveCount: () => sink.table.size,
        onNotice: () => undefined,
      });
    };
    const part = { number: 1, etag: 'p', crc32: 9, sizeBytes: 3 };
    const { journalWriter } = await open();
    await journalWriter.append(
      { kind: 'intent', intent: intent('tx', 'large') },
      { kind: 'mpu', tx: 'tx', uploadId: 'upload' },
      { kind: 'part', tx: 'tx', part },
    );
    await journalWriter.discard();

    for (let kill = 0; kill < 25; kill += 1) {
      const next = await open();
      expect(next.replay.openIntents).toMatchObject([{ uploadId: 'upload', parts: [part] }]);
      await next.journalWriter.discard();
    }
  });

  it('does not trust a snapshot that ends early', async () => {
    const memory = new Memory();
    const lines = [
      encodeJournalLine(0, { kind: 'header', version: JOURNAL_VERSION, ...OWNER, isSnapshot: true }),
      encodeJournalLine(1, { kind: 'done', entry: entry('a') }),
    ];
    writeFileSync(join(memory.directory, 'journal-000001'), Buffer.concat(lines));

    await (await memory.open()).close();

    expect(memory.replay?.damagedAt).toMatchObject({ number: 1 });
  });

  it('F5: is complete after a crash at any step of writing a snapshot', async () => {
    for (let crashAt = 0; crashAt < 14; crashAt += 1) {
      const memory = new Memory();
      for (let process = 0; process < 9; process += 1) {
        const journalWriter = await memory.open();
        await memory.record(journalWriter, `of-${process}`);
        await journalWriter.close();
      }
      // Nine processes leave so many files that the tenth writes a snapshot. It is killed at its n-th change of the disk.
      let steps = 0;
      const step =
        <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
        async (...args: Args): Promise<Result> => {
          if (steps++ >= crashAt) throw systemError('EIO');
          return call(...args);
        };
      const fileSystem = wrapFileSystem({
        rename: step(nodeFileSystem.rename),
        unlink: step(nodeFileSystem.unlink),
        syncDirectory: step(nodeFileSystem.syncDirectory),
        openForWriting: async (path, how, mode) => {
          const file = await step(nodeFileSystem.openForWriting)(path, how, mode);
          return {
            append: step((bytes) => file.append(bytes)),
            sync: step(() => file.sync()),
            close: () => file.close(),
          };
        },
      });
      await memory.open(fileSystem).then(
        (journalWriter) => journalWriter.discard(),
        () => undefined,
      );

      expect((await memory.read()).size, `crash at step ${crashAt}`).toBe(9);
    }
  });

  it.each(['append', 'sync'] as const)(
    'F57: survives a full disk at %s by removing its ballast',
    async (call) => {
      const memory = new Memory();
      const ballast = join(memory.directory, 'ballast');
      let isFull = false;
      const journalWriter = await memory.open(failing(call, 'ENOSPC', () => isFull && existsSync(ballast)));
      await memory.record(journalWriter, 'before');
      await journalWriter.flush();
      isFull = true;
      await memory.record(journalWriter, 'during');
      await journalWriter.close();

      expect((await memory.read()).size).toBe(2);
      expect(memory.notices).toEqual([]);
      expect(existsSync(ballast)).toBe(false);
    },
  );

  it('F57: is disabled while the disk is full, reports that once, and writes everything once space is free again', async () => {
    const memory = new Memory();
    let isFull = false;
    let nowMs = 0;
    const clock = { ...nodeIo.clock, monotonicMs: () => nowMs };
    const fileSystem = failing('append', 'ENOSPC', (path) => isFull && path.includes('journal'));
    const { journalWriter } = await openJournalWriter({
      io: { ...nodeIo, fileSystem, clock },
      paths: toStatePathsIn(memory.directory, 'root'),
      owner: OWNER,
      sink: { onEntry: () => undefined, onSegment: () => undefined },
      live: function* () {
        for (const each of memory.entries.values()) yield { kind: 'done', entry: each } as const;
      },
      liveCount: () => memory.entries.size,
      onNotice: ({ code, message }) => memory.notices.push(`${code} ${message}`),
    });
    expect(journalWriter.isDisabled).toBe(false);
    isFull = true;
    await memory.record(journalWriter, 'first');
    await memory.record(journalWriter, 'second');
    expect(journalWriter.isDisabled).toBe(true);
    isFull = false;
    nowMs += 59_000;
    await memory.record(journalWriter, 'third');
    expect(journalWriter.isDisabled).toBe(true);
    nowMs += 2_000;
    await memory.record(journalWriter, 'fourth');
    expect(journalWriter.isDisabled).toBe(false);
    await journalWriter.close();

    expect(memory.notices).toEqual([
      expect.stringMatching(/^NOTICE_JOURNAL_DISABLED .*cannot be written: ENOSPC.*; uploads continue/),
      expect.stringMatching(/^NOTICE_JOURNAL_WRITTEN .*can be written again$/),
    ]);
    expect((await memory.read()).size).toBe(4);
  });

  it('F58: writes a new file with all records after a failed sync', async () => {
    const memory = new Memory();
    let failures = 1;
    let isFailing = false;
    const journalWriter = await memory.open(failing('sync', 'EIO', () => isFailing && failures-- > 0));
    await memory.record(journalWriter, 'first');
    await journalWriter.flush();
    isFailing = true;
    await memory.record(journalWriter, 'second');
    await journalWriter.close();

    expect(memory.files()).toEqual(['journal-000002']);
    expect((await memory.read()).size).toBe(2);
    expect(memory.notices).toEqual([]);
  });

  it('F58: is disabled when the new file fails too', async () => {
    const memory = new Memory();
    let isFailing = false;
    const journalWriter = await memory.open(failing('sync', 'EIO', () => isFailing));
    isFailing = true;
    await memory.record(journalWriter, 'first');
    await journalWriter.flush();

    expect(memory.notices).toEqual(['NOTICE_JOURNAL_DISABLED']);
    await journalWriter.close();
  });

  it('F58: is disabled when a sync in the background fails, without a commit after it', async () => {
    const memory = new Memory();
    let isFailing = false;
    const journalWriter = await memory.open(failing('sync', 'EIO', () => isFailing));
    isFailing = true;
    await memory.record(journalWriter, 'first');

    await expect.poll(() => memory.notices).toEqual(['NOTICE_JOURNAL_DISABLED']);
    expect(journalWriter.isDisabled).toBe(true);
    await journalWriter.close();
  });

  it('F59: quarantines a damaged file and keeps its valid lines', async () => {
    const memory = new Memory();
    const journalWriter = await memory.open();
    for (const name of ['a', 'b', 'c']) await memory.record(journalWriter, name);
    await journalWriter.close();
    const path = join(memory.directory, 'journal-000001');
    const bytes = readFileSync(path);
    bytes[bytes.lastIndexOf('b"')]! ^= 1;
    writeFileSync(path, bytes);

    await (await memory.open()).close();

    expect(memory.notices).toEqual(['NOTICE_JOURNAL_QUARANTINED']);
    expect([...memory.entries.keys()]).toEqual([`${RUN}/a`]);
    expect(memory.files()).toEqual(['journal-000001.quarantine', 'journal-000002']);
    expect([...(await memory.read()).keys()]).toEqual([`${RUN}/a`]);
  });

  it('F59: never returns an entry that was not recorded, however its bytes are damaged', async () => {
    const memory = new Memory();
    const journalWriter = await memory.open();
    for (let index = 0; index < 20; index += 1) await memory.record(journalWriter, `file-${index}`, index);
    await journalWriter.close();
    const good = readFileSync(join(memory.directory, 'journal-000001'));
    const known = new Map(memory.entries);

    const mutation = fc.oneof(
      fc.record({ kind: fc.constant('cut' as const), at: fc.nat(good.length) }),
      fc.record({ kind: fc.constant('flip' as const), at: fc.nat(good.length - 1), bit: fc.nat(7) }),
      fc.record({
        kind: fc.constant('zero' as const),
        at: fc.nat(good.length - 1),
        length: fc.integer({ min: 1, max: 512 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(mutation, async (change) => {
        const bytes = Buffer.from(change.kind === 'cut' ? good.subarray(0, change.at) : good);
        if (change.kind === 'flip') bytes[change.at]! ^= 1 << change.bit;
        if (change.kind === 'zero')
          bytes.fill(0, change.at, Math.min(bytes.length, change.at + change.length));
        writeFileSync(join(memory.directory, 'journal-000001'), bytes);

        for (const [key, each] of await memory.read()) expect(each).toEqual(known.get(key));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['another root', { ...OWNER, rootKey: 'other' }],
    ['another host', { ...OWNER, hostId: 'other' }],
  ])('F60: quarantines a journal of %s and ignores its records', async (_, owner) => {
    const memory = new Memory();
    const journalWriter = await memory.open();
    await memory.record(journalWriter, 'a');
    await journalWriter.close();

    await (await memory.open(nodeFileSystem, owner)).close();

    expect(memory.entries.size).toBe(0);
    expect(memory.notices).toEqual(['NOTICE_JOURNAL_QUARANTINED']);
  });

  it('accepts an incomplete last line as the result of a crash', async () => {
    const memory = new Memory();
    const journalWriter = await memory.open();
    await memory.record(journalWriter, 'a');
    await journalWriter.close();
    appendFileSync(join(memory.directory, 'journal-000001'), 'deadbeef 12 9 {"kind"');

    await (await memory.open()).close();

    expect(memory.entries.size).toBe(1);
    expect(memory.notices).toEqual([]);
  });

  it('rejects a state directory that cannot be used', async () => {
    const memory = new Memory();
    renameSync(memory.directory, `${memory.directory}-away`);
    writeFileSync(memory.directory, 'a file in its place');

    await expect(memory.open()).rejects.toMatchObject({ code: 'ERR_STATE_DIR' });
    mkdirSync(`${memory.directory}-away`, { recursive: true });
  });
});
