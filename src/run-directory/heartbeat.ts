/**
 * Writes the heartbeat of a process that writes to a run, and its end marker.
 *
 * A reader treats the writer as lost if no end marker exists and its process cannot run any more: the same host has no such process, or was
 * started again since; on other hosts, if the heartbeat is stale. The beat is a counter, so no clocks are compared.
 */

import { mkdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { replaceFileSync } from '../base/atomic-file.js';
import type { Diagnostics } from '../base/diagnostics.js';
import { RunWriteError } from '../base/errors.js';
import { readMachineId, toHostId } from '../base/host-id.js';
import { toEndMarkerPath, toHeartbeatPath } from './layout.js';

/** Content of `.plx/heartbeat-<writer>.json`. */
export interface HeartbeatFile {
  readonly pid: number;
  readonly hostname: string;
  /** Host, boot and pid namespace. Only a process in the same space can check whether `pid` is running. */
  readonly space: string;
  /** The host, also after a reboot. Null if it has no machine id, because then other hosts may have the same name. */
  readonly host_id: string | null;
  /** Start time of the process in clock ticks since boot; identifies a reused pid. Null if the system does not provide it. */
  readonly started_ticks: number | null;
  /** A counter that each beat increments. */
  readonly beat: number;
  /** The interval between beats in milliseconds, unless the event loop is blocked. */
  readonly interval_ms: number;
}

/** Content of `.plx/end-<writer>.json`. */
export interface EndMarker {
  readonly status: string;
  /** Null if a signal ended the process, or if the process is still running after the end of the run. */
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly reason: string;
  readonly message: string | null;
  /** ISO time. */
  readonly ended_at: string;
}

export class Heartbeat {
  readonly #path: string;
  readonly #endPath: string;
  readonly #intervalMs: number;
  readonly #diagnostics: Diagnostics;
  readonly #startedTicks = readStartedTicks();
  readonly #space = readSpace();
  readonly #hostId = readHostId();
  #beat = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Starts to beat, and removes the end marker of an earlier process. */
  constructor(
    runDirectory: string,
    writer: string,
    options: { readonly intervalMs: number; readonly diagnostics: Diagnostics },
  ) {
    this.#path = toHeartbeatPath(runDirectory, writer);
    this.#endPath = toEndMarkerPath(runDirectory, writer);
    this.#intervalMs = options.intervalMs;
    this.#diagnostics = options.diagnostics;
    this.#write();
    this.#attempt(this.#endPath, 'remove the end marker', () => rmSync(this.#endPath, { force: true }));
    this.#timer = setInterval(() => this.#write(), this.#intervalMs).unref();
  }

  /** Writes the end marker and stops beating. A later marker replaces an earlier one. */
  end(marker: EndMarker): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#replace(this.#endPath, marker);
  }

  #write(): void {
    this.#beat++;
    const content: HeartbeatFile = {
      pid: process.pid,
      hostname: hostname(),
      space: this.#space,
      host_id: this.#hostId,
      started_ticks: this.#startedTicks,
      beat: this.#beat,
      interval_ms: this.#intervalMs,
    };
    this.#replace(this.#path, content);
  }

  #replace(path: string, content: HeartbeatFile | EndMarker): void {
    this.#attempt(path, 'write the heartbeat', () => {
      mkdirSync(dirname(path), { recursive: true });
      replaceFileSync(path, JSON.stringify(content), { fsync: false });
    });
  }

  #attempt(path: string, operation: string, effect: () => void): void {
    try {
      effect();
    } catch (cause) {
      this.#diagnostics.error(new RunWriteError(path, operation, { cause }));
    }
  }
}

/** Field 22 of `/proc/self/stat`; the second field, the command, may hold spaces and parentheses. Source: proc(5). */
function readStartedTicks(): number | null {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    // Only Linux has this file.
    return null;
  }
}

/** Containers of one pod share the host name but may have separate pid namespaces. Other systems than Linux use the host name only. */
function readSpace(): string {
  return [
    hostname(),
    attemptRead(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    attemptRead(() => readlinkSync('/proc/self/ns/pid')),
  ].join(' ');
}

function readHostId(): string | null {
  const machineId = readMachineId();
  return machineId === '' ? null : toHostId(machineId, hostname());
}

function attemptRead(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
