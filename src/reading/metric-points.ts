/** Collects the numbers of a log directory in typed columns, without those that a restart supersedes (src/format/restarts.ts). */

import { endStepOf, Restarts, type SessionStart } from '../format/restarts.js';
import { toFullName } from '../polyaxon/export/name-space.js';
import { ColumnMemory } from './column-memory.js';
import type { NumberSeries, NumberSink } from './number-reader.js';

/** The points of one metric in the order in which they were logged, without superseded ones. */
export interface MetricPoints {
  /** The tag, after the path of its log directory and `/` if it has one: `loss`, `worker-1/loss`. */
  readonly name: string;
  readonly tag: string;
  /** '' for the run's own log directory; the name of a worker or phase for that of one. */
  readonly logDirectory: string;
  readonly steps: Float64Array;
  readonly values: Float64Array;
  /** Seconds since 1970. */
  readonly wallTimes: Float64Array;
  /** The steps as integers. Present only if a step is beyond 2^53, and so not exact in `steps`. */
  readonly exactSteps?: BigInt64Array;
}

export class MetricCollector implements NumberSink<ColumnBuffer> {
  readonly #logDirectory: string;
  readonly #isWanted: (name: string) => boolean;
  readonly #buffers = new Map<string, ColumnBuffer | null>();
  readonly #starts: SessionStart[] = [];
  readonly #segments: { readonly fileName: string; readonly offset: number }[] = [];
  readonly #position: Position = { segment: -1 };

  constructor(logDirectory: string, isWanted: (name: string) => boolean) {
    this.#logDirectory = logDirectory;
    this.#isWanted = isWanted;
  }

  openSegment(fileName: string, offset: number): void {
    this.#position.segment = this.#segments.push({ fileName, offset }) - 1;
  }

  startSession(start: SessionStart): void {
    this.#starts.push(start);
  }

  seriesOf(tag: string): ColumnBuffer | null {
    let buffer = this.#buffers.get(tag);
    if (buffer === undefined) {
      buffer = this.#isWanted(this.#nameOf(tag)) ? new ColumnBuffer(this.#position) : null;
      this.#buffers.set(tag, buffer);
    }
    return buffer;
  }

  /** The columns of all tags with points, in the order of their first points. */
  finish(): MetricPoints[] {
    const restarts = new Restarts(this.#starts);
    const endSteps = this.#segments.map(({ fileName, offset }) => restarts.endStepAt(fileName, offset));
    return [...this.#buffers].flatMap(([tag, buffer]) => {
      const points = buffer?.finish((segment) => endStepOf(endSteps[segment], tag));
      if (points === undefined || points.values.length === 0) return [];
      return [{ name: this.#nameOf(tag), tag, logDirectory: this.#logDirectory, ...points }];
    });
  }

  #nameOf(tag: string): string {
    return toFullName({ logDirectory: this.#logDirectory, rawName: tag });
  }
}

/** The number of the current segment. */
interface Position {
  segment: number;
}

type Points = Pick<MetricPoints, 'steps' | 'values' | 'wallTimes' | 'exactSteps'>;

class ColumnBuffer implements NumberSeries {
  readonly #position: Position;
  #memory = ColumnMemory.take(0);
  #steps = this.#memory.steps;
  #values = this.#memory.values;
  #wallTimes = this.#memory.wallTimes;
  #count = 0;
  /** Steps that are not exact as a number, by row. */
  #bigSteps: Map<number, bigint> | undefined;
  #segment = -1;
  /** The segments with points, and the row at which each begins. */
  readonly #marks: { readonly segment: number; readonly row: number }[] = [];

  constructor(position: Position) {
    this.#position = position;
  }

  push(step: number | bigint, wallTime: number, value: number): void {
    const row = this.#count;
    if (row === this.#values.length) this.#grow();
    if (this.#segment !== this.#position.segment) {
      this.#segment = this.#position.segment;
      this.#marks.push({ segment: this.#segment, row });
    }
    if (typeof step === 'bigint') {
      this.#bigSteps ??= new Map();
      this.#bigSteps.set(row, step);
    }
    this.#steps[row] = Number(step);
    this.#values[row] = value;
    this.#wallTimes[row] = wallTime;
    this.#count = row + 1;
  }

  /** The points, without those whose step is not below the end step of their segment. Call once, after the last point. */
  finish(findEndStep: (segment: number) => number | bigint | undefined): Points {
    let count = 0;
    for (const [index, { segment, row }] of this.#marks.entries()) {
      const end = this.#marks[index + 1]?.row ?? this.#count;
      count = this.#keepBelow(findEndStep(segment), row, end, count);
    }
    this.#count = count;
    const points = {
      steps: this.#steps.slice(0, count),
      values: this.#values.slice(0, count),
      wallTimes: this.#wallTimes.slice(0, count),
      ...this.#exactSteps(),
    };
    this.#memory.release();
    return points;
  }

  /** Moves the rows of a segment that are kept to `target`. Returns the row after them. */
  #keepBelow(endStep: number | bigint | undefined, start: number, end: number, target: number): number {
    if (endStep === undefined && target === start) return end;
    let kept = target;
    for (let row = start; row < end; row++) {
      const big = this.#bigSteps?.get(row);
      const step = big ?? this.#steps[row]!;
      if (endStep !== undefined && step >= endStep) continue;
      this.#steps[kept] = this.#steps[row]!;
      this.#values[kept] = this.#values[row]!;
      this.#wallTimes[kept] = this.#wallTimes[row]!;
      this.#bigSteps?.delete(row);
      if (big !== undefined) this.#bigSteps?.set(kept, big);
      kept++;
    }
    return kept;
  }

  #exactSteps(): Pick<MetricPoints, 'exactSteps'> {
    const big = [...(this.#bigSteps ?? [])].filter(([row]) => row < this.#count);
    if (big.length === 0) return {};
    const exactSteps = BigInt64Array.from(this.#steps.subarray(0, this.#count), (step) => BigInt(step));
    for (const [row, step] of big) exactSteps[row] = step;
    return { exactSteps };
  }

  #grow(): void {
    const grown = ColumnMemory.take(this.#values.length + 1);
    grown.steps.set(this.#steps);
    grown.values.set(this.#values);
    grown.wallTimes.set(this.#wallTimes);
    this.#memory.release();
    this.#memory = grown;
    this.#steps = grown.steps;
    this.#values = grown.values;
    this.#wallTimes = grown.wallTimes;
  }
}
