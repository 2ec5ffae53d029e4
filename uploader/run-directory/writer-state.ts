/**
 * Checks whether the writer of a run is still alive, from its heartbeat and end marker in `.plx/`.
 *
 * Clocks of different hosts are never compared: this process measures how long a heartbeat is unchanged. Source: docs/lifecycle.md.
 */

import { MAIN_WRITER, toEndMarkerPath, toHeartbeatPath } from '../../src/run-directory/layout.js';
import type { Io } from '../base/io/io.js';
import { readWholeFile } from '../base/io/whole-file.js';

/**
 * `writing`: the writer seems to be alive. `ended`: it has an end marker. `lost`: it has stopped without an end marker. `unknown`: the run
 * has neither heartbeat nor end marker, as runs of Polyaxon's Python client.
 */
export type WriterState = 'writing' | 'ended' | 'lost' | 'unknown';

interface Heartbeat {
  readonly pid: number;
  /** Host, boot and pid namespace, as in `ProcessIdentity`. */
  readonly space: string;
  readonly started_ticks: number | null;
  readonly beat: number;
  readonly interval_ms: number;
}

/** Heartbeats that a writer on another host may miss, because its event loop may be blocked for long. */
const MISSED_BEATS = 60;
const MAX_BYTES = 64 * 1024;

export class WriterWatch {
  readonly #runDirectory: string;
  readonly #io: Io;
  readonly #writer: string;
  #lastBeat: number | undefined;
  #lastBeatMs = 0;

  /** Watches `writer`, the main writer or a worker. */
  constructor(runDirectory: string, io: Io, writer: string = MAIN_WRITER) {
    this.#runDirectory = runDirectory;
    this.#io = io;
    this.#writer = writer;
  }

  async check(): Promise<WriterState> {
    if ((await this.#read(toEndMarkerPath(this.#runDirectory, this.#writer))) !== undefined) return 'ended';
    const heartbeat = (await this.#read(toHeartbeatPath(this.#runDirectory, this.#writer))) as
      | Heartbeat
      | undefined;
    if (heartbeat === undefined) return 'unknown';
    const { pid, space, started_ticks: ticks } = heartbeat;
    if (space === (await this.#io.processes.current()).space) {
      const startedAt = ticks === null ? '' : String(ticks);
      return (await this.#io.processes.isRunning({ pid, space, startedAt })) ? 'writing' : 'lost';
    }
    const now = this.#io.clock.monotonicMs();
    if (heartbeat.beat !== this.#lastBeat) {
      this.#lastBeat = heartbeat.beat;
      this.#lastBeatMs = now;
    }
    return now - this.#lastBeatMs > MISSED_BEATS * heartbeat.interval_ms ? 'lost' : 'writing';
  }

  async #read(path: string): Promise<unknown> {
    try {
      return JSON.parse((await readWholeFile(this.#io.fileSystem, path, MAX_BYTES)).toString('utf8'));
    } catch {
      // Absent, or being replaced by a program that does not replace files atomically: check again next time.
      return undefined;
    }
  }
}
