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
  /** Absent in files of earlier versions. */
  readonly host_id?: string | null;
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
    const sign = await readWriterSign(this.#io, this.#runDirectory, this.#writer);
    if (sign.state !== 'elsewhere') return sign.state;
    const now = this.#io.clock.monotonicMs();
    if (sign.beat !== this.#lastBeat) {
      this.#lastBeat = sign.beat;
      this.#lastBeatMs = now;
    }
    return now - this.#lastBeatMs > MISSED_BEATS * sign.intervalMs ? 'lost' : 'writing';
  }
}

/** What the files of a writer show at one moment. `elsewhere`: only a change of the beat shows whether its process runs. */
type WriterSign =
  | { readonly state: WriterState }
  | { readonly state: 'elsewhere'; readonly beat: number; readonly intervalMs: number };

export async function readWriterSign(io: Io, runDirectory: string, writer: string): Promise<WriterSign> {
  if ((await read(io, toEndMarkerPath(runDirectory, writer))) !== undefined) return { state: 'ended' };
  const heartbeat = (await read(io, toHeartbeatPath(runDirectory, writer))) as Heartbeat | undefined;
  if (heartbeat === undefined) return { state: 'unknown' };
  const {
    pid,
    space,
    host_id: hostId = null,
    started_ticks: ticks,
    beat,
    interval_ms: intervalMs,
  } = heartbeat;
  const own = await io.processes.current();
  if (space !== own.space) {
    const isFromEarlierBoot =
      hostId !== null && hostId === (await io.hostId?.()) && bootOf(space) !== bootOf(own.space);
    return isFromEarlierBoot ? { state: 'lost' } : { state: 'elsewhere', beat, intervalMs };
  }
  const startedAt = ticks === null ? '' : String(ticks);
  return { state: (await io.processes.isRunning({ pid, space, startedAt })) ? 'writing' : 'lost' };
}

/** The second part of a space: `host boot namespace`. Empty on systems that have no id of it. */
function bootOf(space: string): string {
  return space.split(' ')[1] ?? '';
}

async function read({ fileSystem }: Io, path: string): Promise<unknown> {
  try {
    return JSON.parse((await readWholeFile(fileSystem, path, MAX_BYTES)).toString('utf8'));
  } catch {
    // Absent, or being replaced by a program that does not replace files atomically: check again next time.
    return undefined;
  }
}
