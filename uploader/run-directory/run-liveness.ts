/**
 * Whether a run is still being written: by what its writers leave in `.plx/`, else by the status in its run file, else by its silence.
 */

import { PROCESS_DIRECTORY, RUN_FILE } from '../../src/run-directory/layout.js';
import type { Io } from '../base/io/io.js';
import { readWholeFile } from '../base/io/whole-file.js';
import { joinPath } from '../base/join-path.js';
import { type WriterState, WriterWatch } from './writer-state.js';

export type Liveness =
  /** Somebody writes it, or nothing says that nobody does. */
  | 'live'
  /** Its writers have said that they are done, or it has been silent for long. */
  | 'ended'
  /** A writer is gone without a word. */
  | 'lost';

/** Without any writer's word, a run whose files did not change for this long is done. */
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

  /** As of the last look. */
  get liveness(): Liveness {
    return this.#liveness;
  }

  /** Looks again. `quietMs`: how long no file of the run has changed. */
  async look(quietMs: number): Promise<Liveness> {
    const states = await Promise.all((await this.#findWriters()).map((writer) => this.#lookAt(writer)));
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
      return []; // no such directory: the writer leaves no signs of life
    }
  }

  #lookAt(writer: string): Promise<WriterState> {
    const watch = this.#writers.get(writer) ?? new WriterWatch(this.#directory.toString(), this.#io, writer);
    this.#writers.set(writer, watch);
    return watch.look();
  }

  /** Polyaxon's own offline runs have no heartbeat, and a status in their run file. */
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
      return false; // there is none, or it is being replaced
    }
  }
}
