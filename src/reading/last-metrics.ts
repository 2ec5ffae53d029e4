/**
 * Finds the last value of each metric of a run.
 *
 * The event files are the only complete source. `run.plx.json` and `lineages.plx.json` have last values only of runs that have ended or were
 * exported, without steps or under Polyaxon's names. If the caller names the metrics, the end of the files usually suffices, and the start of the
 * first one, which says that their tags have numbers. Without names, all files are read, because a metric may have been logged only once, at any
 * time. Memory: one value for each metric.
 */

import type { CodedError } from '../base/errors.js';
import { type EndStep, endStepOf, Restarts, type SessionStart } from '../format/restarts.js';
import { toFullName } from '../polyaxon/export/name-space.js';
import { TagTable } from '../polyaxon/export/tag-table.js';
import type { LogDirectory } from './log-directories.js';
import { type NumberSeries, type NumberSink, type ReadingStart, readNumbers } from './number-reader.js';
import type { RunFolder } from './run-source.js';

/** The last point of a metric that no restart supersedes. */
export interface LastMetric {
  /** As in `MetricPoints`. */
  readonly name: string;
  readonly tag: string;
  readonly logDirectory: string;
  readonly value: number;
  /** A bigint beyond 2^53. */
  readonly step: number | bigint;
  /** Seconds since 1970. */
  readonly wallTime: number;
}

export interface FoundMetrics {
  /** In the order in which they were found. */
  readonly metrics: readonly LastMetric[];
  readonly problems: readonly CodedError[];
}

/** The size of the first pieces from the start and the end of the files; the next ones are larger by `GROWTH`. */
const FIRST_PIECE_BYTES = 256 * 1024;
const GROWTH = 8;

/** `names`: the metrics to find; undefined for all. */
export async function findLastMetrics(
  folder: RunFolder,
  directory: LogDirectory,
  names: ReadonlySet<string> | undefined,
  signal: AbortSignal | undefined,
): Promise<FoundMetrics> {
  const wanted = [...(names ?? [])].filter((name) => isPossible(name, directory));
  if (names !== undefined && wanted.length === 0) return { metrics: [], problems: [] };
  for (let sizeBytes = FIRST_PIECE_BYTES; names !== undefined; sizeBytes *= GROWTH) {
    const start = toStart(directory, sizeBytes);
    if (start === null) break;
    const table = new TagTable('');
    const first = { ...directory, files: directory.files.slice(0, 1) };
    await readNumbers(folder, first, NO_SINK, { table, maxBytes: sizeBytes, signal });
    const tail = new LastNumbers(directory.path, names);
    const problems = await readNumbers(folder, directory, tail, { start, table, signal });
    // Whether a session start supersedes values depends on those before it.
    if (tail.starts.length > 0 || problems.length > 0) break;
    const metrics = tail.finish();
    if (metrics.length === wanted.length) return { metrics, problems };
  }
  const all = new LastNumbers(directory.path, names);
  const problems = await readNumbers(folder, directory, all, { signal });
  if (!all.hasRestarts) return { metrics: all.finish(), problems };
  // The last value that is not superseded may be an earlier one: read again, now that all restarts are known.
  const rest = new LastNumbers(directory.path, names, new Restarts(all.starts));
  return { problems: await readNumbers(folder, directory, rest, { signal }), metrics: rest.finish() };
}

/** Whether a metric of this name can be in a log directory. */
function isPossible(name: string, { path }: LogDirectory): boolean {
  const prefix = toFullName({ logDirectory: path, rawName: '' });
  return name.startsWith(prefix);
}

/** Where the last `sizeBytes` of the files begin; null if little or nothing of them is before it. */
function toStart({ files }: LogDirectory, sizeBytes: number): ReadingStart | null {
  let rest = sizeBytes;
  for (let fileIndex = files.length - 1; fileIndex >= 0; fileIndex--) {
    const file = files[fileIndex]!;
    const offset = file.sizeBytes - rest;
    if (offset > (fileIndex === 0 ? sizeBytes : 0)) return { fileIndex, offset };
    rest = Math.max(0, -offset);
  }
  return null;
}

/** Wants no numbers. */
const NO_SINK: NumberSink<NumberSeries> = {
  openSegment: () => {},
  startSession: () => {},
  seriesOf: () => null,
};

class LastNumbers implements NumberSink<LastNumber> {
  readonly starts: SessionStart[] = [];
  readonly #logDirectory: string;
  readonly #names: ReadonlySet<string> | undefined;
  readonly #restarts: Restarts | undefined;
  readonly #series = new Map<string, LastNumber | null>();
  readonly #limit: StepLimit = { endStep: undefined };
  #firstFile: string | undefined;

  /** `restarts`: the known restarts, whose superseded points are left out. */
  constructor(logDirectory: string, names: ReadonlySet<string> | undefined, restarts?: Restarts) {
    this.#logDirectory = logDirectory;
    this.#names = names;
    this.#restarts = restarts;
  }

  /** Whether a session start or a retraction may supersede points. */
  get hasRestarts(): boolean {
    const [first] = this.starts;
    if (first === undefined) return false;
    return (
      this.starts.length > 1 ||
      first.tag !== undefined ||
      (first.step > 0 && first.fileName !== this.#firstFile)
    );
  }

  openSegment(fileName: string, offset: number): void {
    this.#firstFile ??= fileName;
    this.#limit.endStep = this.#restarts?.endStepAt(fileName, offset);
  }

  startSession(start: SessionStart): void {
    this.starts.push(start);
  }

  seriesOf(tag: string): LastNumber | null {
    let series = this.#series.get(tag);
    if (series === undefined) {
      const isWanted = this.#names?.has(this.#nameOf(tag)) ?? true;
      series = isWanted ? new LastNumber(tag, this.#limit) : null;
      this.#series.set(tag, series);
    }
    return series;
  }

  finish(): LastMetric[] {
    const logDirectory = this.#logDirectory;
    return [...this.#series].flatMap(([tag, series]) => {
      const point = series?.point;
      return point === undefined ? [] : [{ name: this.#nameOf(tag), tag, logDirectory, ...point }];
    });
  }

  #nameOf(tag: string): string {
    return toFullName({ logDirectory: this.#logDirectory, rawName: tag });
  }
}

/** The step from which on points of the current segment are superseded. */
interface StepLimit {
  endStep: EndStep;
}

class LastNumber implements NumberSeries {
  readonly #tag: string;
  readonly #limit: StepLimit;
  #hasPoint = false;
  #step: number | bigint = 0;
  #wallTime = 0;
  #value = 0;

  constructor(tag: string, limit: StepLimit) {
    this.#tag = tag;
    this.#limit = limit;
  }

  get point(): Pick<LastMetric, 'step' | 'wallTime' | 'value'> | undefined {
    return this.#hasPoint ? { value: this.#value, step: this.#step, wallTime: this.#wallTime } : undefined;
  }

  push(step: number | bigint, wallTime: number, value: number): void {
    const end = endStepOf(this.#limit.endStep, this.#tag);
    if (end !== undefined && step >= end) return;
    this.#hasPoint = true;
    this.#step = step;
    this.#wallTime = wallTime;
    this.#value = value;
  }
}
