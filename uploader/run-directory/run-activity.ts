/**
 * Shows whether a program writes to a run, by what changes between two checks of this process. For commands that delete or overwrite files:
 * they check once before they begin, and again before each file.
 *
 * A program that starts to write replaces its heartbeat or the run file, so these files are the signs. The clocks of two hosts are never
 * compared: dates count only beside that of a file written just now on the same file system, and only together with a second check.
 */

import { largestOf } from '../../src/base/largest-of.js';
import { isDone, type RunRecord } from '../../src/polyaxon/run-record.js';
import { PROCESS_DIRECTORY, RUN_FILE } from '../../src/run-directory/layout.js';
import type { FileStat, FsPath } from '../base/io/file-system.js';
import type { Io } from '../base/io/io.js';
import { joinNames } from '../base/join-path.js';
import { listProcessFiles, readJsonFile } from './run-files.js';
import { readWriterSign } from './writer-state.js';

const WRITER = /^(?:heartbeat|end)-(.+)\.json$/;
/** A worker writes its formats and data before its heartbeat. */
const SIGN = /^(heartbeat|end|formats|worker)-.+\.json$/;
/** A writer that cannot be checked and whose files are younger than this may be busy between two beats. */
const SILENT_WRITER_MS = 3_600_000;
/** The same for a run without a heartbeat, whose writer may write rarely. */
const SILENT_RUN_MS = 24 * 3_600_000;
/** A writer that beats is seen within this many of its intervals. */
const WATCHED_BEATS = 3;
/** The shortest time between the two activity, and the time for a run without a heartbeat. */
const WATCH_MS = 3_000;
const MAX_WATCH_MS = 600_000;
const INTERVAL_MS = 250;

interface ActivityOptions {
  /** The time now, by the clock that stamps the files of the run; in ms since 1970. */
  readonly nowMs: number;
  /** The latest modification time of the files of the run, in ms since 1970. */
  readonly newestMs: number;
  /** Files whose changes also show that the run is being written, if it has no other signs. */
  readonly files: readonly FsPath[];
  readonly signal?: AbortSignal | undefined;
}

export class RunActivity {
  readonly #io: Io;
  readonly #directory: Buffer;
  #first = '';
  #firstMs = 0;

  private constructor(io: Io, directory: Buffer) {
    this.#io = io;
    this.#directory = directory;
  }

  /** Takes the first check. */
  static async open(io: Io, directory: Buffer): Promise<RunActivity> {
    const activity = new RunActivity(io, directory);
    activity.#first = await activity.#observe();
    activity.#firstMs = io.clock.monotonicMs();
    return activity;
  }

  /** Whether a program has started to write, or has beaten, since the first check. Throws when that cannot be found out. */
  async hasChanged(): Promise<boolean> {
    return (await this.#observe()) !== this.#first;
  }

  /**
   * Returns the sign that the run is being written, or null. Watches the run for a while if only that can show it. Throws when that cannot
   * be found out.
   */
  async findSign({ nowMs, newestMs, files, signal }: ActivityOptions): Promise<string | null> {
    const { fileSystem } = this.#io;
    const directory = this.#directory.toString();
    const names = await this.#findWriters();
    const signs = await Promise.all(names.map((name) => readWriterSign(this.#io, directory, name)));
    const writing = signs.findIndex(({ state }) => state === 'writing');
    if (writing >= 0) return `its writer ${names[writing]} runs on this host`;
    const remote = signs.flatMap((sign) => (sign.state === 'elsewhere' ? [sign] : []));
    const isUnknown = signs.every(({ state }) => state === 'unknown');
    if (remote.length > 0) {
      const beats = await this.#stats(names.map((name) => `heartbeat-${name}.json`));
      const lastMs = Math.max(newestMs, largestOf(beats.map(toMs)));
      if (nowMs - lastMs < SILENT_WRITER_MS)
        return 'its writer on another host was active within the last hour';
    } else if (!isUnknown || files.length === 0 || (await this.#isDone())) return null;
    else if (nowMs - newestMs < SILENT_RUN_MS)
      return 'no end is recorded, and a file has changed within the last day';
    const beatMs = largestOf(remote.map(({ intervalMs }) => WATCHED_BEATS * intervalMs));
    const watchMs = Math.min(MAX_WATCH_MS, Math.max(WATCH_MS, beatMs));
    const before = toText(await fileSystem.lstatAll(files));
    const startMs = this.#io.clock.monotonicMs();
    for (;;) {
      await this.#io.clock.sleep(INTERVAL_MS, signal);
      if ((await this.hasChanged()) || toText(await fileSystem.lstatAll(files)) !== before)
        return 'it has changed while it was watched';
      const atMs = this.#io.clock.monotonicMs();
      if (atMs - this.#firstMs >= watchMs && atMs - startMs >= WATCH_MS) return null;
    }
  }

  async #findWriters(): Promise<string[]> {
    const names = await listProcessFiles(this.#io.fileSystem, this.#directory);
    return [...new Set(names.flatMap((name) => WRITER.exec(name)?.[1] ?? []))];
  }

  async #observe(): Promise<string> {
    const names = (await listProcessFiles(this.#io.fileSystem, this.#directory)).filter((name) =>
      SIGN.test(name),
    );
    const stats = await this.#stats(names);
    const runFile = await this.#io.fileSystem.lstatAll([joinNames(this.#directory, RUN_FILE)]);
    return `${names.join('\n')}\n${toText(stats)}\n${toText(runFile)}`;
  }

  #stats(names: readonly string[]): Promise<(FileStat | Error)[]> {
    return this.#io.fileSystem.lstatAll(
      names.map((name) => joinNames(this.#directory, PROCESS_DIRECTORY, name)),
    );
  }

  /** Offline runs of Polyaxon's Python client have no heartbeat, but a status in their run file. */
  async #isDone(): Promise<boolean> {
    try {
      const record = await readJsonFile(this.#io.fileSystem, joinNames(this.#directory, RUN_FILE));
      return isDone((record as Partial<RunRecord> | null | undefined)?.status ?? 'unknown');
    } catch {
      return false; // being replaced
    }
  }
}

function toText(stats: readonly (FileStat | Error)[]): string {
  return stats
    .map((each) =>
      each instanceof Error ? '-' : `${each.ino} ${each.sizeBytes} ${each.mtimeNs} ${each.ctimeNs}`,
    )
    .join('\n');
}

function toMs(stat: FileStat | Error): number {
  return stat instanceof Error ? 0 : Number(stat.mtimeNs / 1_000_000n);
}
