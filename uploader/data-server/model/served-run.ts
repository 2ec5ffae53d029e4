/**
 * A run as TensorBoard shows it: the points of its event files in the order of their names, whatever the order in which they arrived.
 *
 * A restart hides the points that are logged again, as in src/format/restarts.ts. The exception is a file that another process still writes: if its
 * events are later than the restart, there are two writers, and no point of theirs is hidden.
 */

import type { NumberPoints } from './number-columns.js';
import { SeriesTable, type ServedSeries } from './series-table.js';
import { type Part, ServedFile, type Session } from './served-file.js';
import type { StoredValue } from './stored-value.js';

/** Points that stay in an event file, and the file. */
export interface StoredPoint {
  readonly file: ServedFile;
  readonly value: StoredValue;
}

type Limit = number | bigint | undefined;

export class ServedRun {
  name: string;
  readonly series: SeriesTable;
  /** In the order of their names. */
  readonly files: ServedFile[] = [];
  /** Counts the changes. */
  version = 0;
  #limits: Map<Session, Limit> | undefined;

  /** `late`: that of the series of an earlier reading of the same files. */
  constructor(name: string, late: readonly ServedSeries[] = []) {
    this.name = name;
    this.series = new SeriesTable(late);
  }

  /** The wall time of the first event, by which TensorBoard orders runs. */
  get startTime(): number {
    return this.files.find(({ firstWallTime }) => firstWallTime !== undefined)?.firstWallTime ?? 0;
  }

  /** Adds a file. Those that come after it in the order of names must not be read yet. */
  addFile(name: string, open: ServedFile['open'], capacity: number): ServedFile {
    const file = new ServedFile(name, open, this.series, capacity);
    this.files.push(file);
    return file;
  }

  /** Call after something was added to a file. */
  touch(): void {
    this.version++;
    this.#limits = undefined;
  }

  /** The numbers of a series. */
  numbersOf(tag: string): NumberPoints {
    const parts = this.#partsOf(tag).filter(({ part }) => (part.numbers?.count ?? 0) > 0);
    const [only, ...others] = parts;
    if (only !== undefined && others.length === 0 && only.limit === undefined) return only.part.numbers!;
    return joinNumbers(parts);
  }

  /** The values of a series that stay in the files. */
  storedOf(tag: string): StoredPoint[] {
    return this.#partsOf(tag).flatMap(({ file, part, limit }) =>
      part.stored.filter(({ step }) => limit === undefined || step < limit).map((value) => ({ file, value })),
    );
  }

  /** The parts of a series in the order of reading, each with the step from which on its points are hidden. */
  #partsOf(tag: string): { file: ServedFile; part: Part; limit: Limit }[] {
    const limits = this.#findLimits();
    const found: { file: ServedFile; part: Part; limit: Limit }[] = [];
    let retracted: Limit;
    for (const file of [...this.files].reverse())
      for (const session of [...file.sessions].reverse())
        for (const part of [...(session.parts.get(tag) ?? [])].reverse()) {
          found.push({ file, part, limit: lower(limits.get(session), retracted) });
          retracted = lower(retracted, part.retractedFrom);
        }
    return found.reverse();
  }

  #findLimits(): ReadonlyMap<Session, Limit> {
    if (this.#limits !== undefined) return this.#limits;
    const limits = new Map<Session, Limit>();
    const sessions = this.files.flatMap((file) => file.sessions.map((session) => ({ file, session })));
    const starts = sessions.flatMap(({ file, session }, at) =>
      session.start === undefined ? [] : [{ ...session.start, file, at }],
    );
    for (const [at, { file, session }] of sessions.entries()) {
      let limit: Limit;
      for (const [number, start] of starts.entries()) {
        if (start.at <= at) continue;
        const isOther = start.file !== file;
        // The first one only begins, unless it names a step: then the earlier files are of a writer without STARTs.
        const isRestart = number > 0 || (isOther && start.step > 0);
        if (isRestart && !(isOther && file.lastWallTime > start.wallTime)) limit = lower(limit, start.step);
      }
      if (limit !== undefined) limits.set(session, limit);
    }
    this.#limits = limits;
    return limits;
  }
}

function lower(a: Limit, b: Limit): Limit {
  return a === undefined || (b !== undefined && b < a) ? b : a;
}

function joinNumbers(parts: readonly { readonly part: Part; readonly limit: Limit }[]): NumberPoints {
  const total = parts.reduce((sum, { part }) => sum + part.numbers!.count, 0);
  const steps = new Float64Array(total);
  const wallTimes = new Float64Array(total);
  const values = new Float32Array(total);
  let exactSteps: Map<number, bigint> | undefined;
  let count = 0;
  for (const { part, limit } of parts) {
    const numbers = part.numbers!;
    for (let i = 0; i < numbers.count; i++) {
      const exact = numbers.exactSteps?.get(i);
      if (limit !== undefined && (exact ?? numbers.steps[i]!) >= limit) continue;
      if (exact !== undefined) {
        exactSteps ??= new Map();
        exactSteps.set(count, exact);
      }
      steps[count] = numbers.steps[i]!;
      wallTimes[count] = numbers.wallTimes[i]!;
      values[count] = numbers.values[i]!;
      count++;
    }
  }
  return { count, added: undefined, last: undefined, steps, wallTimes, values, exactSteps };
}
