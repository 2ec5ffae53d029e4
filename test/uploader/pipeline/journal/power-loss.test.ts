/** The journal on a disk that loses unsynced data and names when the power fails. */

import { describe, expect, it } from 'vitest';
import type { Io } from '../../../../uploader/base/io/io.js';
import type { JournalEntry } from '../../../../uploader/pipeline/journal/journal-entry.js';
import { replayFiles } from '../../../../uploader/pipeline/journal/journal-files.js';
import { openJournalWriter } from '../../../../uploader/pipeline/journal/journal-writer.js';
import { toStatePathsIn } from '../../../../uploader/pipeline/journal/state-directory.js';
import { Machine, type Process } from '../../../simulation/machine.js';
import { Random } from '../../../simulation/random.js';
import { Scheduler } from '../../../simulation/scheduler.js';

const DIRECTORY = '/sim/state';
const OWNER = { rootKey: 'root', hostId: 'host' };
const PATHS = toStatePathsIn(DIRECTORY, 'root');
const LIMIT_MS = 3_600_000;
/** So many processes leave so many files that the next one ends with a snapshot. */
const PROCESSES = 7;

class Host {
  readonly #time = new Scheduler();
  readonly machine = new Machine('host', this.#time);

  constructor(seed: number) {
    this.#time.random = new Random(seed);
    this.machine.disk.makeDirectories(DIRECTORY);
    this.machine.disk.settle('/');
  }

  run<Result>(work: Promise<Result>): Promise<Result> {
    return this.#time.run(work, LIMIT_MS);
  }

  /** A process that records one more file. */
  async record(index: number, process: Process, io: Io = process.io): Promise<void> {
    const entries = new Map<string, JournalEntry>();
    const { journalWriter } = await openJournalWriter({
      ...{ io, paths: PATHS, owner: OWNER, liveCount: () => entries.size, onNotice: () => undefined },
      sink: { onEntry: (each) => entries.set(each.key, each), onSegment: () => undefined },
      live: function* () {
        for (const entry of entries.values()) yield { kind: 'done', entry } as const;
      },
    });
    const file = { sizeBytes: 3, mtimeNs: 5n, ctimeNs: 6n, ino: 7n };
    const object = { etag: 'e', sizeBytes: 3 };
    const entry = { key: `${'0'.repeat(32)}/${index}`, file, crc32: 1, object, isRecent: false };
    entries.set(entry.key, entry);
    await journalWriter.append({ kind: 'done', entry });
    await journalWriter.close();
  }

  async countEntries(): Promise<number> {
    const keys = new Set<string>();
    const sink = { onEntry: ({ key }: JournalEntry) => keys.add(key), onSegment: () => undefined };
    const { fileSystem } = this.machine.start('reader').io;
    await this.run(replayFiles(fileSystem, PATHS, OWNER, sink));
    return keys.size;
  }
}

async function openWithFiles(seed: number): Promise<Host> {
  const host = new Host(seed);
  for (let index = 0; index < PROCESSES; index += 1)
    await host.run(host.record(index, host.machine.start(String(index))));
  return host;
}

describe('a journal on a disk that loses unsynced data', () => {
  it('is complete after a failure of the power at any effect of a snapshot', async () => {
    for (let seed = 0; seed < 6; seed += 1)
      for (let effect = 0, isDead = true; isDead; effect += 1) {
        const host = await openWithFiles(seed);
        const process = host.machine.start(`snapshot ${seed} ${effect}`);
        process.onEffect = (each) => (each === effect ? 'power' : null);
        await host.run(host.record(PROCESSES, process)).catch(() => undefined);
        isDead = process.isDead;

        expect(await host.countEntries(), `seed ${seed}, effect ${effect}`).toBeGreaterThanOrEqual(PROCESSES);
      }
  });

  it('keeps the older files when a snapshot differs from what was written', async () => {
    const host = await openWithFiles(0);
    const process = host.machine.start('snapshot');
    const { fileSystem } = process.io;
    const openForWriting: typeof fileSystem.openForWriting = async (path, how, mode) => {
      const file = await fileSystem.openForWriting(path, how, mode);
      if (!String(path).endsWith('.partial')) return file;
      const damage = (bytes: Uint8Array): Buffer =>
        Buffer.from(bytes.map((byte, at) => (at === 40 ? byte ^ 1 : byte)));
      return { ...file, append: (bytes) => file.append(damage(bytes)) };
    };
    const io = { ...process.io, fileSystem: { ...fileSystem, openForWriting } };
    await host.run(host.record(PROCESSES, process, io)).catch(() => undefined);

    expect(await host.countEntries()).toBeGreaterThanOrEqual(PROCESSES);
  });
});
