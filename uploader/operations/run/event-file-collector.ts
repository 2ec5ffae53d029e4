/**
 * Adds the TensorBoard event files that the program creates to its run, while it writes them.
 *
 * A file gets a second name in the run directory (a hard link): it needs no space, is never behind, and stays complete if this process is
 * killed. On another file system it is copied, as it grows.
 */

import { link, lstat, mkdir, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../src/base/clock.js';
import { messageOf } from '../../../src/base/errors.js';
import { EVENT_FILE_MARK } from '../../../src/format/event-file-name.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import { findWriters, hasOtherRuns, type Writers } from './file-writers.js';
import { findEventFiles } from './find-event-files.js';
import { type GrowingCopy, openGrowingCopy } from './growing-copy.js';
import { LogDirectoryNames } from './log-directory-names.js';

interface CollectionOptions {
  /** The directory in which the program creates event files. */
  readonly top: string;
  /** The root of runs, in which nothing is searched. */
  readonly root: string;
  readonly runDirectory: string;
  /** The directory of the run's event files. */
  readonly target: string;
  /** Reports a problem. */
  readonly notice: (message: string) => void;
}

interface Candidate {
  readonly path: string;
  readonly directory: string;
  readonly name: string;
  readonly linkCount: number;
}

/** Coarse clocks of file systems, and of servers that keep the files. */
const CLOCK_TOLERANCE_MS = 2_000;
const UNLINKABLE: readonly unknown[] = [
  'EXDEV',
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EMLINK',
  'EACCES',
];

export class EventFileCollector {
  readonly #options: CollectionOptions;
  readonly #names: LogDirectoryNames;
  readonly #startedMs: number;
  /** The files that existed before, those in the run, and those of other programs. */
  readonly #settled: Set<string>;
  readonly #copies: GrowingCopy[] = [];
  readonly #reported = new Set<string>();

  private constructor(options: CollectionOptions, startedMs: number, earlier: readonly string[]) {
    this.#options = options;
    this.#names = new LogDirectoryNames(options.top);
    this.#startedMs = startedMs;
    this.#settled = new Set(earlier);
  }

  /** Notes the files that exist before the program starts. */
  static async open(options: CollectionOptions): Promise<EventFileCollector> {
    const resolved = { ...options, top: await realpath(options.top).catch(() => options.top) };
    const { files } = await findEventFiles(resolved.top, options.root);
    return new EventFileCollector(
      resolved,
      systemClock.wallTime() * 1000,
      files.map(({ directory, name }) => join(directory, name)),
    );
  }

  /** The number of files that are in the run. */
  collected = 0;

  /**
   * Adds new files, and continues copies. Before the last check, a file that no process has open waits: it may belong to a program of
   * another run, which has ended.
   */
  async check(isLast: boolean): Promise<void> {
    const { runDirectory } = this.#options;
    const candidates = await this.#findCandidates();
    const writers = await findWriters(
      candidates.map(({ path }) => path),
      runDirectory,
    );
    const unowned = candidates.filter(({ path }) => writers.get(path) === 'none');
    const isAlone = !isLast || unowned.length === 0 || !(await hasOtherRuns(runDirectory));
    for (const candidate of candidates) {
      const { path } = candidate;
      const decision = this.#decide(candidate, writers.get(path) ?? 'none', isLast);
      if (decision === 'reject') this.#settled.add(path);
      if (decision !== 'collect') continue;
      if (isAlone || writers.get(path) !== 'none') await this.#collect(candidate);
      else
        this.#report(
          path,
          'is not in the run: it may belong to another tracked program; use --logdir for each',
        );
    }
    for (const copy of this.#copies) await this.#attempt(copy.path, () => copy.update());
  }

  async #findCandidates(): Promise<Candidate[]> {
    const { top, root } = this.#options;
    const { files, isCut } = await findEventFiles(top, root);
    if (isCut) this.#report(top, 'has too many files to find all event files; pass --logdir');
    const candidates: (Candidate & { readonly createdMs: number })[] = [];
    for (const { directory, name } of files) {
      const path = join(directory, name);
      if (this.#settled.has(path)) continue;
      const stat = await lstat(path).catch(() => undefined);
      if (stat === undefined) continue;
      const isOlder = stat.mtimeMs < this.#startedMs - CLOCK_TOLERANCE_MS;
      if (isOlder) continue; // It was moved here, or its clock is wrong: it counts once it grows.
      candidates.push({ path, directory, name, linkCount: stat.nlink, createdMs: stat.birthtimeMs });
    }
    // The first file decides which log directory is that of the run.
    return candidates.sort((a, b) => a.createdMs - b.createdMs || (a.path < b.path ? -1 : 1));
  }

  #decide({ linkCount }: Candidate, writers: Writers, isLast: boolean): 'collect' | 'reject' | 'wait' {
    if (writers === 'own' || writers === 'unknown') return 'collect';
    if (writers === 'other') return 'reject';
    if (!isLast) return 'wait';
    return linkCount > 1 ? 'reject' : 'collect'; // Another run has it already.
  }

  async #collect({ path, directory, name }: Candidate): Promise<void> {
    await this.#attempt(path, async () => {
      const target = join(this.#options.target, this.#names.nameOf(directory));
      await mkdir(target, { recursive: true });
      const newPath = join(target, await toFollowingName(target, name));
      try {
        await link(path, newPath);
      } catch (error) {
        const code = systemErrorCode(error);
        if (code === 'ENOENT') return; // The program has removed it.
        if (code !== 'EEXIST') {
          if (!UNLINKABLE.includes(code)) throw error;
          this.#copies.push(await openGrowingCopy(path, newPath));
        }
      }
      this.#settled.add(path);
      this.collected++;
    });
  }

  async #attempt(path: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#report(path, `is not in the run: ${messageOf(error)}`);
    }
  }

  #report(path: string, found: string): void {
    if (this.#reported.has(path)) return;
    this.#reported.add(path);
    this.#options.notice(`${path}: ${found}`);
  }
}

/**
 * Returns the name of a file, with a later time if it would sort before a file that was there first: TensorBoard's Python reader continues
 * only with the last file of a directory.
 *
 * Source: tensorboard 2.21, `backend/event_processing/directory_watcher.py`.
 */
async function toFollowingName(directory: string, name: string): Promise<string> {
  const others = (await readdir(directory)).filter((other) => other.includes(EVENT_FILE_MARK));
  const last = others.sort().at(-1) ?? '';
  const [, start = '', seconds = '', rest = ''] = /^(.*?tfevents\.)(\d{10})(\..*)$/s.exec(name) ?? [];
  const lastSeconds = Number(/tfevents\.(\d{10})\./.exec(last)?.[1] ?? 0);
  if (name > last || start === '' || lastSeconds - Number(seconds) > 60) return name;
  return `${start}${String(lastSeconds + 1).padStart(10, '0')}${rest}`;
}
