/**
 * Determines the liveness of a run: from its writers' files in `.plx/`, else from the status in its run file, else from inactivity.
 */

import { PROCESS_DIRECTORY, RUN_FILE } from '../../src/run-directory/layout.js';
import type { Io } from '../base/io/io.js';
import { readWholeFile } from '../base/io/whole-file.js';
import { joinPath } from '../base/join-path.js';
import { type WriterState, WriterWatch } from './writer-state.js';

export type Liveness =
  /** A writer is active, or nothing indicates that the run has ended. */
  | 'live'
  /** Its writers have recorded their end, or no file has changed for `SILENT_MS`. */
  | 'ended'
  /** A writer has stopped without an end marker. */
  | 'lost';

/** A run without any record of its writers counts as ended after this time without a change. */
const SILENT_MS = 600_000;
const MAX_RUN_FILE_BYTES = 64 * 1024 * 1024;
const HEARTBEAT = /^heartbeat-(.+)\.json$/;
/** Source: polyaxon 2.16, `LifeCycle.DONE_VALUES`. */
const DONE_STATUSES: readonly unknown[] = ['succeeded', 'failed', 'stopped', 'skipped', 'upstream_failed'];

export class RunLiveness {
  readonly #io: Io;
  readonly #directory: Buffer;
  readonly #writers = new Map<string, WriterWatch>();
  #liveness: Liveness = 'live';

  constructor(io: Io, directory: Buffer) {
    this.#io = io;
    this.#directory = directory;
  }

  /** The result of the last check. */
  get liveness(): Liveness {
    return this.#liveness;
  }

  /** Checks the run. `quietMs`: the time since the last change of a file of the run. */
  async check(quietMs: number): Promise<Liveness> {
    const states = await Promise.all((await this.#findWriters()).map((writer) => this.#check(writer)));
    const known = states.filter((state) => state !== 'unknown');
    if (known.includes('writing')) this.#liveness = 'live';
    else if (known.length > 0) this.#liveness = known.includes('lost') ? 'lost' : 'ended';
    else this.#liveness = (await this.#isDone()) || quietMs >= SILENT_MS ? 'ended' : 'live';
    return this.#liveness;
  }

  async #findWriters(): Promise<string[]> {
    try {
      const path = joinPath(this.#directory, [Buffer.from(PROCESS_DIRECTORY)]);
      const names = await this.#io.fileSystem.readDirectory(path);
      return names.flatMap((name) => HEARTBEAT.exec(name.toString('utf8'))?.[1] ?? []);
    } catch {
      return []; // the directory does not exist: the writer has no heartbeat
    }
  }

  #check(writer: string): Promise<WriterState> {
    const watch = this.#writers.get(writer) ?? new WriterWatch(this.#directory.toString(), this.#io, writer);
    this.#writers.set(writer, watch);
    return watch.check();
  }

  /** Offline runs of Polyaxon's Python client have no heartbeat, but a status in their run file. */
  async #isDone(): Promise<boolean> {
    try {
      const path = joinPath(this.#directory, [Buffer.from(RUN_FILE)]);
      const bytes = await readWholeFile(this.#io.fileSystem, path, MAX_RUN_FILE_BYTES);
      const record: unknown = JSON.parse(bytes.toString('utf8'));
      return (
        typeof record === 'object' &&
        record !== null &&
        'status' in record &&
        DONE_STATUSES.includes(record.status)
      );
    } catch {
      return false; // the file does not exist or is being replaced
    }
  }
}
