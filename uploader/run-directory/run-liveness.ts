/** Determines the liveness of a run: from its writers' files in `.plx/`, else from its status in the run file, else from inactivity. */

import { isDone, type RunRecord } from '../../src/polyaxon/run-record.js';
import { RUN_FILE } from '../../src/run-directory/layout.js';
import { mapInParallel } from '../base/in-parallel.js';
import type { Io } from '../base/io/io.js';
import { joinNames } from '../base/join-path.js';
import { listProcessFiles, readJsonFile } from './run-files.js';
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
const HEARTBEAT = /^heartbeat-(.+)\.json$/;

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
    const states = await mapInParallel(await this.#findWriters(), (writer) => this.#check(writer));
    const known = states.filter((state) => state !== 'unknown');
    if (known.includes('writing')) this.#liveness = 'live';
    else if (known.length > 0) this.#liveness = known.includes('lost') ? 'lost' : 'ended';
    else this.#liveness = (await this.#isDone()) || quietMs >= SILENT_MS ? 'ended' : 'live';
    return this.#liveness;
  }

  async #findWriters(): Promise<string[]> {
    // If the directory cannot be read, no heartbeat is known.
    const names = await listProcessFiles(this.#io.fileSystem, this.#directory).catch(() => []);
    return names.flatMap((name) => HEARTBEAT.exec(name)?.[1] ?? []);
  }

  #check(writer: string): Promise<WriterState> {
    const watch = this.#writers.get(writer) ?? new WriterWatch(this.#directory.toString(), this.#io, writer);
    this.#writers.set(writer, watch);
    return watch.check();
  }

  /** Offline runs of Polyaxon's Python client have no heartbeat, but a status in their run file. */
  async #isDone(): Promise<boolean> {
    try {
      const record = await readJsonFile(this.#io.fileSystem, joinNames(this.#directory, RUN_FILE));
      return isDone((record as Partial<RunRecord> | null | undefined)?.status ?? 'unknown');
    } catch {
      return false; // the file does not exist or is being replaced
    }
  }
}
