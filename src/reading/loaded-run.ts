/** One run as it is read back: its record, and on request its metrics and artifacts. */

import { describe } from '../base/describe.js';
import { type CodedError, InvalidArgumentError, RunCleanedError } from '../base/errors.js';
import type { JsonValue } from '../base/json-value.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import type { MetricGoals } from '../polyaxon/metric-goal.js';
import type { RunStatus } from '../polyaxon/statuses.js';
import { type BestMetric, findBest, findGoal, toBest } from './best-metric.js';
import { type FoundMetrics, findLastMetrics } from './last-metrics.js';
import { type LogDirectory, listLogDirectories, type MetricKind } from './log-directories.js';
import { MetricCollector, type MetricPoints } from './metric-points.js';
import { readNumbers } from './number-reader.js';
import type { IndexedRun, LastMetric, LoadedRunFields } from './run-facts.js';
import { type LoadedArtifact, readArtifacts } from './run-fields.js';
import type { RunFolder } from './run-source.js';

export interface ReadMetricsOptions {
  /** The names of the metrics to read, such as `loss` or `worker-1/loss`. Default: all. */
  readonly names?: readonly string[] | undefined;
  /** `system`: system metrics instead of those that the program logged. Default `metric`. */
  readonly kind?: MetricKind | undefined;
  readonly signal?: AbortSignal | undefined;
}
const OPTIONS: OptionTable<ReadMetricsOptions> = { names: 'any', kind: 'any', signal: 'object' };

/** The metrics of a run in columns. */
export interface RunMetrics {
  /** In the order of their first points; those of workers and phases last. */
  readonly metrics: readonly MetricPoints[];
  /** What is damaged or unreadable. `metrics` contains all other points. */
  readonly problems: readonly CodedError[];
}

export interface ReadBestMetricsOptions extends ReadMetricsOptions {
  /** The goals. Default: those that the run has declared. */
  readonly goals?: MetricGoals | undefined;
}
const BEST_OPTIONS: OptionTable<ReadBestMetricsOptions> = { ...OPTIONS, goals: 'object' };

/** The best point of each metric that has a goal. */
export interface RunBestMetrics {
  readonly metrics: readonly BestMetric[];
  readonly problems: readonly CodedError[];
}

/** The last value of each metric of a run. */
export interface RunLastMetrics {
  readonly metrics: readonly LastMetric[];
  readonly problems: readonly CodedError[];
}

/** The artifacts of a run. */
export interface RunArtifacts {
  readonly artifacts: readonly LoadedArtifact[];
  readonly problems: readonly CodedError[];
}

export class LoadedRun implements LoadedRunFields {
  /** 32 hex digits; null if neither the run file nor the name of its directory has any. */
  readonly uuid!: string | null;
  readonly name!: string | null;
  readonly description!: string | null;
  readonly owner!: string | null;
  readonly project!: string | null;
  /** The last status that its writer recorded: a run whose process was killed is still `running`. */
  readonly status!: RunStatus | null;
  readonly createdAt!: Date | null;
  readonly startedAt!: Date | null;
  readonly finishedAt!: Date | null;
  /** Null until the run has ended. */
  readonly durationSeconds!: number | null;
  readonly tags!: readonly string[];
  readonly inputs!: Readonly<Record<string, JsonValue>>;
  readonly outputs!: Readonly<Record<string, JsonValue>>;
  /** The goals that the run has declared with `metric`, by the name of the metric. */
  readonly goals!: MetricGoals;
  /** The path of the run directory, or its URL in a store. */
  readonly location!: string;
  /** What of the run could not be read. The fields that are concerned are null or empty. */
  readonly problems!: readonly CodedError[];
  readonly #folder: RunFolder;

  /** @internal Use `loadRuns`. */
  constructor(fields: LoadedRunFields, folder: RunFolder) {
    Object.assign(this, fields);
    this.#folder = folder;
  }

  /** @internal What the index of a store knows of the run; undefined if its files were read. */
  get indexed(): IndexedRun | undefined {
    return this.#folder.indexed;
  }

  /**
   * Reads metrics in columns, without points that a restart supersedes. Memory: 24 bytes for each point. Throws `ERR_OPTION_INVALID`, errors of
   * the store, and the reason of an aborted signal.
   */
  async metrics(options: ReadMetricsOptions = {}): Promise<RunMetrics> {
    const { names, kind, signal } = parseOptions('metrics', options);
    const metrics: MetricPoints[] = [];
    const problems = await this.#forEachDirectory(kind, signal, async (directory) => {
      const sink = new MetricCollector(directory.path, (name) => names?.has(name) ?? true);
      const found = await readNumbers(this.#folder, directory, sink, { signal });
      for (const each of sink.finish()) metrics.push(each);
      return found;
    });
    return { metrics, problems };
  }

  /**
   * Reads the last value of each metric. With `names`, usually reads only the first and the last 256 KiB of the event files; without, all of them. Throws like
   * `metrics`.
   */
  async lastMetrics(options: ReadMetricsOptions = {}): Promise<RunLastMetrics> {
    const { names, kind, signal } = parseOptions('lastMetrics', options);
    const { indexed } = this.#folder;
    if (indexed !== undefined && kind === 'metric')
      return {
        metrics: indexed.metrics
          .filter(({ name }) => names?.has(name) ?? true)
          .map(({ min: _min, max: _max, ...last }) => last),
        problems: [],
      };
    const metrics: LastMetric[] = [];
    const problems = await this.#forEachDirectory(kind, signal, async (directory) => {
      const found: FoundMetrics = await findLastMetrics(this.#folder, directory, names, signal);
      for (const metric of found.metrics) metrics.push(metric);
      return found.problems;
    });
    return { metrics, problems };
  }

  /** Reads the best point of each metric that has a goal. Reads all points of these metrics. Throws like `metrics`. */
  async bestMetrics(options: ReadBestMetricsOptions = {}): Promise<RunBestMetrics> {
    const { names, kind, signal } = parseOptions('bestMetrics', options, BEST_OPTIONS);
    const goals = options.goals ?? this.goals;
    const metrics: BestMetric[] = [];
    if (Object.keys(goals).length === 0) return { metrics, problems: [] };
    const { indexed } = this.#folder;
    if (indexed !== undefined && kind === 'metric')
      return {
        metrics: indexed.metrics.flatMap((range) => {
          const goal = findGoal(goals, range.name, range.logDirectory);
          return goal === undefined || names?.has(range.name) === false ? [] : (toBest(range, goal) ?? []);
        }),
        problems: [],
      };
    const problems = await this.#forEachDirectory(kind, signal, async (directory) => {
      const goalOf = (name: string) =>
        names?.has(name) === false ? undefined : findGoal(goals, name, directory.path);
      const sink = new MetricCollector(directory.path, (name) => goalOf(name) !== undefined);
      const found = await readNumbers(this.#folder, directory, sink, { signal });
      for (const points of sink.finish()) {
        const best = findBest(points, goalOf(points.name)!);
        if (best !== null) metrics.push(best);
      }
      return found;
    });
    return { metrics, problems };
  }

  /** Reads the artifacts that the run has recorded in its lineage. */
  async artifacts(options: Pick<ReadMetricsOptions, 'signal'> = {}): Promise<RunArtifacts> {
    const { signal } = parseOptions('artifacts', options);
    const problems: CodedError[] = [];
    return { artifacts: await readArtifacts(this.#folder, problems, signal), problems };
  }

  async #forEachDirectory(
    kind: MetricKind,
    signal: AbortSignal | undefined,
    read: (directory: LogDirectory) => Promise<readonly CodedError[]>,
  ): Promise<CodedError[]> {
    const problems: CodedError[] = [];
    const store = this.#folder.findCleanedStore();
    if (store !== null)
      problems.push(new RunCleanedError(this.location, 'local files of the run were deleted', store));
    const directories = await listLogDirectories(this.#folder, kind, signal);
    for (const directory of directories) for (const problem of await read(directory)) problems.push(problem);
    return problems;
  }
}

const KINDS: readonly MetricKind[] = ['metric', 'system'];

function parseOptions<Options extends ReadMetricsOptions>(
  method: string,
  options: Options,
  table: OptionTable<Options> = OPTIONS as OptionTable<Options>,
) {
  checkOptions(method, options, table);
  const { names, kind = 'metric', signal } = options;
  if (!KINDS.includes(kind)) throw invalidOption(method, 'kind', kind, 'metric or system');
  const isList = Array.isArray(names) && names.every((name) => typeof name === 'string');
  if (names !== undefined && !isList) throw invalidOption(method, 'names', names, 'an array of names');
  return { names: names === undefined ? undefined : new Set(names), kind, signal };
}

function invalidOption(method: string, name: string, value: unknown, expected: string): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_OPTION_INVALID',
    `${method}: ${name} is ${describe(value)}, expected ${expected}`,
    `Omit ${name}, or pass ${expected}.`,
  );
}
