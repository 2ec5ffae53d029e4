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
import type { LastMetric, MetricRange } from './run-facts.js';
import type { RunFolder } from './run-source.js';

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
  const { numbers, problems } = await readAll(folder, directory, names, signal);
  return { metrics: numbers.finish(), problems };
}

/** Reads all event files of a directory, for the last and the extreme values of each metric. */
export async function findMetricRanges(
  folder: RunFolder,
  directory: LogDirectory,
  signal: AbortSignal | undefined,
): Promise<{ readonly metrics: readonly MetricRange[]; readonly problems: readonly CodedError[] }> {
  const { numbers, problems } = await readAll(folder, directory, undefined, signal);
  return { metrics: numbers.finishRanges(), problems };
}

async function readAll(
  folder: RunFolder,
  directory: LogDirectory,
  names: ReadonlySet<string> | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly numbers: LastNumbers; readonly problems: readonly CodedError[] }> {
  const all = new LastNumbers(directory.path, names);
  const problems = await readNumbers(folder, directory, all, { signal });
  if (!all.hasRestarts) return { numbers: all, problems };
  // The last value that is not superseded may be an earlier one: read again, now that all restarts are known.
  const rest = new LastNumbers(directory.path, names, new Restarts(all.starts));
  return { problems: await readNumbers(folder, directory, rest, { signal }), numbers: rest };
}

/** The name of a metric: its tag, after the path of its log directory if that is not the run's own. */
export function toMetricName({ tag, logDirectory }: Pick<LastMetric, 'tag' | 'logDirectory'>): string {
  return toFullName({ logDirectory, rawName: tag });
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
    return this.finishRanges().map(({ min: _min, max: _max, ...last }) => last);
  }

  /** Meaningful only if all files were read. */
  finishRanges(): MetricRange[] {
    const logDirectory = this.#logDirectory;
    return [...this.#series].flatMap(([tag, series]) => {
      const range = series?.range;
      return range === undefined ? [] : [{ name: this.#nameOf(tag), tag, logDirectory, ...range }];
    });
  }

  #nameOf(tag: string): string {
    return toMetricName({ tag, logDirectory: this.#logDirectory });
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
  #min = Number.POSITIVE_INFINITY;
  #minAt: Pick<LastMetric, 'step' | 'wallTime'> = { step: 0, wallTime: 0 };
  #max = Number.NEGATIVE_INFINITY;
  #maxAt = this.#minAt;

  constructor(tag: string, limit: StepLimit) {
    this.#tag = tag;
    this.#limit = limit;
  }

  get range(): Pick<MetricRange, 'step' | 'wallTime' | 'value' | 'min' | 'max'> | undefined {
    if (!this.#hasPoint) return undefined;
    const hasFinite = this.#min <= this.#max;
    return {
      ...{ value: this.#value, step: this.#step, wallTime: this.#wallTime },
      min: hasFinite ? { value: this.#min, ...this.#minAt } : null,
      max: hasFinite ? { value: this.#max, ...this.#maxAt } : null,
    };
  }

  push(step: number | bigint, wallTime: number, value: number): void {
    const end = endStepOf(this.#limit.endStep, this.#tag);
    if (end !== undefined && step >= end) return;
    this.#hasPoint = true;
    this.#step = step;
    this.#wallTime = wallTime;
    this.#value = value;
    if (!Number.isFinite(value)) return;
    if (value < this.#min) {
      this.#min = value;
      this.#minAt = { step, wallTime };
    }
    if (value > this.#max) {
      this.#max = value;
      this.#maxAt = { step, wallTime };
    }
  }
}
