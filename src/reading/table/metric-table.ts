/** The metrics of runs as one table, in chunks: long, with a row for each point, or wide, with a column for each metric. */

import type { CodedError } from '../../base/errors.js';
import type { LoadedRun, ReadMetricsOptions } from '../loaded-run.js';
import type { MetricPoints } from '../metric-points.js';

export interface TableColumn {
  readonly name: string;
  readonly type: 'text' | 'integer' | 'number';
}

/** Consecutive rows. Each array has the same length; null is a missing number. */
interface TableChunk {
  readonly count: number;
  /** In the order of the table's columns. */
  readonly data: readonly (readonly string[] | readonly bigint[] | readonly (number | null)[])[];
}

export interface MetricTable {
  readonly columns: readonly TableColumn[];
  readonly chunks: AsyncIterable<TableChunk>;
}

/** What is read of the runs. */
interface TableSource {
  readonly runs: AsyncIterable<LoadedRun>;
  readonly metrics: ReadMetricsOptions;
  /** Called for each problem of a run and its event files. */
  readonly onProblem: (problem: CodedError) => void;
  /** Called with the name of each metric of each run. */
  readonly onMetric: (name: string) => void;
}

/** The rows of a row group in Parquet, and of a record batch in Arrow. */
const CHUNK_ROWS = 65_536;

const RUN_COLUMNS: readonly TableColumn[] = [
  { name: 'run', type: 'text' },
  { name: 'name', type: 'text' },
];

/** `run`, `name`, `tag`, `step`, `wall_time`, `value`: points of a metric in the order of logging. */
export function createLongTable(source: TableSource): MetricTable {
  const columns: readonly TableColumn[] = [
    ...RUN_COLUMNS,
    { name: 'tag', type: 'text' },
    { name: 'step', type: 'integer' },
    { name: 'wall_time', type: 'number' },
    { name: 'value', type: 'number' },
  ];
  return { columns, chunks: toChunks(columns.length, readLongRows(source)) };
}

/** `run`, `name`, `step`, `wall_time`, and a column for each of `names`: one row for each step, with the last value of each metric. */
export function createWideTable(source: TableSource, names: readonly string[]): MetricTable {
  const columns: readonly TableColumn[] = [
    ...RUN_COLUMNS,
    { name: 'step', type: 'integer' },
    { name: 'wall_time', type: 'number' },
    ...names.map((name) => ({ name, type: 'number' }) as const),
  ];
  return { columns, chunks: toChunks(columns.length, readWideRows(source, names)) };
}

/** `run`, `name`, `tag`, `goal`, `step`, `wall_time`, `value`: one row for each metric with a goal, with its best point. */
export function createBestTable(source: TableSource): MetricTable {
  const columns: readonly TableColumn[] = [
    ...RUN_COLUMNS,
    { name: 'tag', type: 'text' },
    { name: 'goal', type: 'text' },
    { name: 'step', type: 'integer' },
    { name: 'wall_time', type: 'number' },
    { name: 'value', type: 'number' },
  ];
  return { columns, chunks: toChunks(columns.length, readBestRows(source)) };
}

/** The names of all metrics of the runs, in the order of their first appearance. */
export async function findNames({
  runs,
  metrics,
  onProblem,
}: Omit<TableSource, 'onMetric'>): Promise<string[]> {
  const names = new Set<string>();
  for await (const run of runs) {
    const found = await run.lastMetrics({ kind: metrics.kind, signal: metrics.signal });
    for (const { name } of found.metrics) names.add(name);
    for (const problem of [...run.problems, ...found.problems]) onProblem(problem);
  }
  return [...names];
}

type Row = readonly (string | bigint | number | null)[];

async function* readLongRows({
  runs,
  metrics,
  onProblem,
  onMetric,
}: TableSource): AsyncGenerator<Row, void, void> {
  for await (const run of runs) {
    const found = await run.metrics(metrics);
    for (const problem of [...run.problems, ...found.problems]) onProblem(problem);
    const [uuid, runName] = toLabels(run);
    for (const metric of found.metrics) {
      const { name, wallTimes, values } = metric;
      onMetric(name);
      for (let row = 0; row < values.length; row++)
        yield [uuid, runName, name, stepOf(metric, row), wallTimes[row]!, values[row]!];
    }
  }
}

async function* readBestRows({
  runs,
  metrics,
  onProblem,
  onMetric,
}: TableSource): AsyncGenerator<Row, void, void> {
  for await (const run of runs) {
    const found = await run.bestMetrics(metrics);
    for (const problem of [...run.problems, ...found.problems]) onProblem(problem);
    for (const { name, goal, step, wallTime, value } of found.metrics) {
      onMetric(name);
      yield [...toLabels(run), name, goal, BigInt(step), wallTime, value];
    }
  }
}

async function* readWideRows(
  { runs, metrics, onProblem, onMetric }: TableSource,
  names: readonly string[],
): AsyncGenerator<Row, void, void> {
  for await (const run of runs) {
    const found = await run.metrics({ ...metrics, names });
    for (const problem of [...run.problems, ...found.problems]) onProblem(problem);
    const rows = new Map<bigint, { wallTime: number; readonly values: (number | null)[] }>();
    for (const metric of found.metrics) {
      const column = names.indexOf(metric.name);
      onMetric(metric.name);
      for (let at = 0; at < metric.values.length; at++) {
        const step = stepOf(metric, at);
        let row = rows.get(step);
        if (row === undefined) {
          row = { wallTime: metric.wallTimes[at]!, values: new Array(names.length).fill(null) };
          rows.set(step, row);
        }
        row.values[column] = metric.values[at]!;
        row.wallTime = Math.max(row.wallTime, metric.wallTimes[at]!);
      }
    }
    const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [step, { wallTime, values }] of sorted) yield [...toLabels(run), step, wallTime, ...values];
  }
}

function toLabels({ uuid, location, name }: LoadedRun): [string, string] {
  return [uuid ?? location, name ?? ''];
}

function stepOf({ steps, exactSteps }: MetricPoints, row: number): bigint {
  return exactSteps?.[row] ?? BigInt(steps[row]!);
}

async function* toChunks(columns: number, rows: AsyncIterable<Row>): AsyncGenerator<TableChunk, void, void> {
  const create = (): Row[number][][] => Array.from({ length: columns }, () => []);
  let data = create();
  let count = 0;
  for await (const row of rows) {
    for (let column = 0; column < columns; column++) data[column]!.push(row[column]!);
    if (++count < CHUNK_ROWS) continue;
    yield { count, data: data as unknown as TableChunk['data'] };
    data = create();
    count = 0;
  }
  if (count > 0) yield { count, data: data as unknown as TableChunk['data'] };
}
