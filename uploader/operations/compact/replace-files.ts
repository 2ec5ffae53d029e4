/**
 * Replaces the event files of a log directory by one file, so that a viewer shows the same before, after, and at any time in between.
 *
 * The new file sorts after the others and supersedes all that they show. It is published first. Then the others are deleted, the last one first:
 * the earlier files fix the metadata of each tag, and points that a later file has removed are superseded by the new file too. So a crash at any
 * time leaves a directory that shows the same, and the next `compact` continues. A store that keeps the deleted files shows the same as well.
 *
 * Nothing is replaced while a program writes. In a run directory the heartbeats tell, and the run is locked. Elsewhere the files must not have
 * changed for a day, or for as long as the caller says.
 */

import { join } from 'node:path';
import { PARTIAL_SUFFIX } from '../../../src/base/atomic-file.js';
import { largestOf } from '../../../src/base/largest-of.js';
import { isEventFileName } from '../../../src/format/event-file-name.js';
import { RUN_FILE } from '../../../src/run-directory/layout.js';
import { RunLiveError } from '../../base/errors.js';
import type { FileStat } from '../../base/io/file-system.js';
import { isSameVersion } from '../../base/io/file-version.js';
import type { Io } from '../../base/io/io.js';
import { type Lock, takeLock } from '../../base/io/lock-file.js';
import { findStat } from '../../base/io/resolve-existing.js';
import { removeFile } from '../../base/io/whole-file.js';
import { RunActivity } from '../../run-directory/run-activity.js';
import { lockRun } from '../../run-directory/run-lock.js';
import { CompactRefusedError } from './compact-errors.js';

/** Files of programs without a heartbeat may be written rarely. */
const SILENT_MS = 24 * 3_600_000;
const LOCK_FILE = 'compact.lock';
const LOCK_OPTIONS = { refreshMs: 5_000, watchMs: 20_000 };
/** Without `tfevents`, so that no viewer reads it. */
const PARTIAL_NAME = `compact${PARTIAL_SUFFIX}`;
/** Sorts after the name that it is added to, and before all later ones. */
const SUFFIX = '.compact';

interface ReplacementOptions {
  readonly olderThanMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface OldFile {
  readonly name: string;
  readonly stat: FileStat;
}

export class Replacement {
  readonly partialPath: string;
  readonly #io: Io;
  readonly #directory: string;
  readonly #files: readonly OldFile[];
  readonly #lock: Pick<Lock, 'isHeld' | 'release'>;
  readonly #activity: RunActivity;
  #hasPublished = false;

  private constructor(
    io: Io,
    directory: string,
    files: readonly OldFile[],
    hold: { lock: Pick<Lock, 'isHeld' | 'release'>; activity: RunActivity },
  ) {
    this.#io = io;
    this.#directory = directory;
    this.#files = files;
    this.#lock = hold.lock;
    this.#activity = hold.activity;
    this.partialPath = join(directory, PARTIAL_NAME);
  }

  /**
   * Locks the directory. `names`: its event files, in the order of reading. Throws `RunLiveError` if a program may be writing, `RunLockedError` or
   * `LockedError` if another command holds it, and `CompactRefusedError` for links. The caller closes the replacement.
   */
  static async open(
    io: Io,
    directory: string,
    names: readonly string[],
    { olderThanMs = SILENT_MS, signal }: ReplacementOptions,
  ): Promise<Replacement> {
    const { fileSystem } = io;
    const real = (await fileSystem.realPath(directory)).toString();
    const runDirectory = await findRunDirectory(io, real);
    const lock =
      runDirectory === null
        ? await takeLock(join(real, LOCK_FILE), io, LOCK_OPTIONS)
        : await lockRun(io, Buffer.from(runDirectory));
    try {
      const lockPath = runDirectory === null ? join(real, LOCK_FILE) : null;
      // By the clock that stamps the files.
      const nowMs =
        lockPath === null
          ? (lock as Awaited<ReturnType<typeof lockRun>>).takenMs
          : toMs(await fileSystem.lstat(lockPath));
      const activity = await RunActivity.open(io, Buffer.from(runDirectory ?? real));
      const files: OldFile[] = [];
      for (const name of names) {
        const stat = await fileSystem.lstat(join(real, name));
        if (stat.kind !== 'file')
          throw new CompactRefusedError(
            real,
            `${name} is a link, so other directories may have the same file`,
            'Compact into another directory, without --in-place.',
          );
        files.push({ name, stat });
      }
      const newestMs = largestOf(files.map(({ stat }) => toMs(stat)));
      const sign =
        runDirectory === null
          ? nowMs - newestMs < olderThanMs
            ? `no end is recorded, and a file has changed within the last ${toText(olderThanMs)}`
            : null
          : await activity.findSign({
              nowMs,
              newestMs,
              files: files.map(({ name }) => join(real, name)),
              signal,
            });
      if (sign !== null) throw new RunLiveError(real, sign);
      return new Replacement(io, real, files, { lock, activity });
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /**
   * Publishes the partial file, and deletes the others. Returns its path. Throws `RunLiveError` and changes nothing if a program has begun to write.
   */
  async replace(): Promise<string> {
    const { fileSystem } = this.#io;
    const path = join(this.#directory, await this.#chooseName());
    await this.#checkUnchanged();
    await fileSystem.rename(this.partialPath, path);
    this.#hasPublished = true;
    await fileSystem.syncDirectory(this.#directory);
    // A program that has begun to write meanwhile keeps writing to a file that would be superseded.
    const hasChanged = await this.#checkUnchanged().then(
      () => null,
      (error: unknown) => error,
    );
    if (hasChanged !== null) {
      await removeFile(fileSystem, path);
      throw hasChanged;
    }
    for (const file of this.#files.toReversed()) {
      await this.#checkFile(file);
      await fileSystem.unlink(join(this.#directory, file.name));
    }
    await fileSystem.syncDirectory(this.#directory);
    return path;
  }

  async close(): Promise<void> {
    if (!this.#hasPublished) await removeFile(this.#io.fileSystem, this.partialPath).catch(() => {}); // the next call removes it
    await this.#lock.release();
  }

  /** A name that sorts after those of all files. */
  async #chooseName(): Promise<string> {
    let name = `${this.#files.at(-1)!.name}${SUFFIX}`;
    while ((await findStat(this.#io.fileSystem, join(this.#directory, name))) !== null) name += SUFFIX;
    return name;
  }

  async #checkUnchanged(): Promise<void> {
    if (await this.#activity.hasChanged())
      throw new RunLiveError(this.#directory, 'a program has begun to write');
    if (!(await this.#lock.isHeld()))
      throw new RunLiveError(this.#directory, 'another command has taken the directory over');
    for (const file of this.#files) await this.#checkFile(file);
    const known = new Set(this.#files.map(({ name }) => name));
    const names = (await this.#io.fileSystem.readDirectory(this.#directory)).map(String);
    const added = names.find((name) => isEventFileName(name) && !known.has(name) && !name.endsWith(SUFFIX));
    if (added !== undefined) throw new RunLiveError(this.#directory, `${added} is new`);
  }

  async #checkFile({ name, stat }: OldFile): Promise<void> {
    const found = await findStat(this.#io.fileSystem, join(this.#directory, name));
    if (found === null || !isSameVersion(found, stat))
      throw new RunLiveError(this.#directory, `${name} has changed while it was read`);
  }
}

/** The run directory that a directory is in; null if it is in none. */
async function findRunDirectory(io: Io, directory: string): Promise<string | null> {
  for (let at = directory; ; ) {
    if ((await findStat(io.fileSystem, join(at, RUN_FILE))) !== null) return at;
    const parent = join(at, '..');
    if (parent === at) return null;
    at = parent;
  }
}

function toMs({ mtimeNs }: FileStat): number {
  return Number(mtimeNs / 1_000_000n);
}

function toText(ms: number): string {
  return ms === SILENT_MS ? 'day' : `${Math.round(ms / 1000)} s`;
}
