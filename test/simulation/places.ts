/** Run directories, their writers, and what the writers have logged. */

import { isEventFileName } from '../../src/format/event-file-name.js';
import { decodeRecord } from '../../src/format/record/record-codec.js';
import { decodeEvent } from '../../src/format/wire/decode-event.js';
import { Run, type RunOptions } from '../../src/index.js';
import type { History } from './evidence.js';
import type { Machine, Process } from './machine.js';
import { NEVER_MS } from './mount.js';

export const LOG = 'outputs/train.log';
export const EVENTS = 'outputs/tensorboard/events.out.tfevents.1700000000.host.1.000000';
export const ARTIFACT = 'outputs/model.bin';
export const RUN_FILE = 'run.plx.json';
const TENSORBOARD = 'outputs/tensorboard';

const TAG = 'loss';
/** So small that a writer rotates. */
const MAX_FILE_BYTES = 3000;

/** A run directory. */
export interface Place {
  readonly uuid: string;
  readonly machine: Machine;
  directory: string;
  readonly history: History;
  /** What it held after the last step. */
  files: ReadonlyMap<string, string>;
  /** What it has held since the last command began, oldest first. */
  recent: ReadonlyMap<string, string>[];
  writer: Writer | null;
  /** Whether the writer that was started last uses `fsync`. Without it, a new run file can lose the content of the one that it replaces. */
  isSynced: boolean;
  /** The steps that `flush()` has acknowledged, and whether they survive a failure of the power. */
  acknowledged: Map<number, boolean>;
}

const toValue = (step: number): number => step / 2;
export const toStep = (value: unknown): number => Number(value) * 2;

/** A process that logs to a run with polytrack's own library. */
export class Writer {
  readonly process: Process;
  readonly #run: Run;
  readonly #isSynced: boolean;
  readonly #waiting: number[] = [];

  /** Starts or resumes the run. Throws the coded error of `Run`. */
  constructor(process: Process, options: RunOptions & { readonly fsync: boolean }) {
    this.process = process;
    this.#isSynced = options.fsync;
    this.#run = process.run(
      () =>
        new Run({
          ...{ ...options, clock: process.machine.clock, maxFileBytes: MAX_FILE_BYTES },
          ...{ trackCode: false, trackEnv: false, trackLogs: false, collectResources: false },
          // Timers of the host never fire during a simulation.
          ...{ flushIntervalMs: NEVER_MS, heartbeatIntervalMs: NEVER_MS },
          ...{ onError: () => undefined, onWarning: () => undefined },
        }),
    );
  }

  log(step: number): void {
    this.process.run(() => this.#run.logMetric(TAG, toValue(step), { step }));
    this.#waiting.push(step);
  }

  /** Resolves to the acknowledged steps: none when `flush()` rejects. */
  async flush(): Promise<Map<number, boolean>> {
    return this.#settle(() => this.#run.flush());
  }

  /** From now on, nothing is expected of the events so far that no `flush()` has acknowledged. */
  forgetWaiting(): void {
    this.#waiting.length = 0;
  }

  async end(): Promise<Map<number, boolean>> {
    const acknowledged = await this.#settle(() => this.#run.end());
    this.process.end();
    return acknowledged;
  }

  /** Frees what a killed process held in this one: listeners and timers. */
  async forget(): Promise<void> {
    this.process.die();
    await this.process.run(() => this.#run.end()).catch(() => undefined); // every effect fails
  }

  async #settle(work: () => Promise<unknown>): Promise<Map<number, boolean>> {
    try {
      await this.process.run(work);
    } catch {
      return new Map(); // the events stay in memory
    }
    if (this.process.isDead) return new Map();
    return new Map(this.#waiting.splice(0).map((step) => [step, this.#isSynced]));
  }
}

/** The steps that a reader finds in the event files of a run, up to the first damaged record of each file. */
export function findSteps(files: ReadonlyMap<string, string>): Set<number> {
  const steps = new Set<number>();
  for (const [path, content] of files) {
    if (!path.startsWith(`${TENSORBOARD}/`) || !isEventFileName(path.slice(TENSORBOARD.length + 1))) continue;
    if (path === EVENTS) continue; // of another writer
    for (const data of recordsOf(Buffer.from(content, 'latin1')).records) {
      const { step, what } = decodeEvent(data);
      if (what.kind === 'summary' && what.values.some(({ tag }) => tag === TAG)) steps.add(Number(step));
    }
  }
  return steps;
}

/** Whether an event file is damaged. Uploaders continue behind the damage, and `findSteps` does not. */
export function hasDamage(files: ReadonlyMap<string, string>): boolean {
  return [...files].some(
    ([path, content]) =>
      path.includes('tfevents') && recordsOf(Buffer.from(content, 'latin1')).rest === 'damaged',
  );
}

/** The whole records of an event file up to the first damage, and what follows them. */
export function recordsOf(bytes: Buffer): { records: Uint8Array[]; rest: 'none' | 'incomplete' | 'damaged' } {
  const records: Uint8Array[] = [];
  try {
    for (let at = 0; at < bytes.length; ) {
      const decoded = decodeRecord(bytes, at);
      if (decoded.kind === 'incomplete') return { records, rest: 'incomplete' };
      records.push(decoded.data);
      at = decoded.end;
    }
  } catch {
    return { records, rest: 'damaged' };
  }
  return { records, rest: 'none' };
}
