/** Reads what the files of a run say beyond its record: metrics, artifacts, environment, git, and the end of its log. */

import { parseBoundedJson } from '../../../src/base/bounded-json.js';
import { toCleanMap } from '../../../src/base/clean-json.js';
import { type CodedError, messageOf, RunFileError } from '../../../src/base/errors.js';
import type { JsonValue } from '../../../src/base/json-value.js';
import type { MetricGoals } from '../../../src/polyaxon/metric-goal.js';
import { findBest, findGoal } from '../../../src/reading/best-metric.js';
import type { LoadedRun } from '../../../src/reading/loaded-run.js';
import type { MetricPoints } from '../../../src/reading/metric-points.js';
import type { LoadedArtifact } from '../../../src/reading/run-fields.js';
import type { RunFolder } from '../../../src/reading/run-source.js';
import { LOGS_DIRECTORY, OUTPUTS_DIRECTORY } from '../../../src/run-directory/layout.js';
import type { FoundRun } from './find-run.js';
import type { BestValue } from './run-row.js';
import { toSparkline } from './sparkline.js';

type JsonMap = Readonly<Record<string, JsonValue>>;

/** A metric in numbers that fit into a line. Non-finite values count for `last` only. */
export interface ShownMetric {
  readonly name: string;
  readonly points: number;
  readonly firstStep: number;
  readonly lastStep: number;
  readonly last: number;
  /** Null if no value is finite. */
  readonly min: number | null;
  readonly max: number | null;
  /** Null without a goal, or if no value is finite. */
  readonly best: BestValue | null;
  readonly sparkline: string;
}

export interface LogLine {
  readonly at: string | null;
  readonly text: string;
}

export interface RunDetails {
  readonly metrics: readonly ShownMetric[];
  readonly artifacts: readonly LoadedArtifact[];
  /** The environment that the run recorded; empty if it recorded none. */
  readonly environment: JsonMap;
  /** `commit`, `branch`, `url` and `is_dirty`; empty without a repository. */
  readonly git: JsonMap;
  readonly log: readonly LogLine[];
  readonly problems: readonly CodedError[];
}

const SPARKLINE_WIDTH = 20;
const MAX_ENVIRONMENT_BYTES = 16 * 1024 * 1024;
const MAX_LOG_BYTES = 64 * 1024;
const ENVIRONMENT_FILE = `${OUTPUTS_DIRECTORY}/env.json`;

/** `logLines`: the number of lines of the log. `goals`: of metrics, by default those of the run. */
export async function readDetails(
  { run, source }: FoundRun,
  options: { readonly signal: AbortSignal; readonly logLines: number; readonly goals?: MetricGoals },
): Promise<RunDetails> {
  const { signal, logLines, goals = run.goals } = options;
  const problems: CodedError[] = [];
  const { metrics, problems: metricProblems } = await run.metrics({ signal });
  const { artifacts, problems: artifactProblems } = await run.artifacts({ signal });
  const folder = await findFolder(run, source, signal);
  const attempt = async <T>(fallback: T, read: (folder: RunFolder) => Promise<T>): Promise<T> => {
    try {
      return folder === null ? fallback : await read(folder);
    } catch (error) {
      if (!(error instanceof RunFileError)) throw error;
      problems.push(error);
      return fallback;
    }
  };
  return {
    metrics: metrics.map((points) => sumUp(points, goals)),
    artifacts,
    environment: await attempt({}, (each) => readEnvironment(each, signal)),
    git: toCleanMap(artifacts.findLast(({ kind }) => kind === 'coderef')?.summary),
    log: await attempt([], (each) => readLogEnd(each, logLines, signal)),
    problems: [...run.problems, ...metricProblems, ...artifactProblems, ...problems],
  };
}

async function findFolder(
  run: LoadedRun,
  source: FoundRun['source'],
  signal: AbortSignal,
): Promise<RunFolder | null> {
  const uuids = run.uuid === null ? undefined : [run.uuid];
  for await (const folder of source.listRuns({ uuids, signal }))
    if (folder.location === run.location) return folder;
  return null;
}

function sumUp(points: MetricPoints, goals: MetricGoals): ShownMetric {
  const { name, logDirectory, steps, values } = points;
  const goal = findGoal(goals, name, logDirectory);
  const best = goal === undefined ? null : findBest(points, goal);
  const finite = values.filter(Number.isFinite);
  const isEmpty = finite.length === 0;
  return {
    name,
    points: values.length,
    firstStep: steps[0] ?? 0,
    lastStep: steps.at(-1) ?? 0,
    last: values.at(-1) ?? Number.NaN,
    min: isEmpty ? null : finite.reduce((least, each) => Math.min(least, each)),
    max: isEmpty ? null : finite.reduce((most, each) => Math.max(most, each)),
    best: best === null ? null : { goal: best.goal, value: best.value, step: best.step },
    sparkline: toSparkline(values, SPARKLINE_WIDTH),
  };
}

async function readEnvironment(folder: RunFolder, signal: AbortSignal): Promise<JsonMap> {
  const bytes = await folder.readFile(ENVIRONMENT_FILE, { maxBytes: MAX_ENVIRONMENT_BYTES, signal });
  if (bytes === null) return {};
  try {
    return toCleanMap(parseBoundedJson(new TextDecoder().decode(bytes)));
  } catch (error) {
    throw new RunFileError(`${folder.location}/${ENVIRONMENT_FILE}`, `is not JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** The last lines of all writers, in the order of their times. */
async function readLogEnd(folder: RunFolder, count: number, signal: AbortSignal): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for (const { path, sizeBytes } of await folder.listFiles(LOGS_DIRECTORY, signal)) {
    if (!path.endsWith('.jsonl')) continue;
    const start = Math.max(0, sizeBytes - MAX_LOG_BYTES);
    const text = await readEnd(folder, path, start, signal);
    // The first line of a part of the file may be incomplete.
    for (const line of text.split('\n').slice(start === 0 ? 0 : 1))
      for (const each of parseLine(line)) lines.push(each);
  }
  lines.sort((a, b) => ((a.at ?? '') < (b.at ?? '') ? -1 : (a.at ?? '') > (b.at ?? '') ? 1 : 0));
  return lines.slice(-count);
}

async function readEnd(folder: RunFolder, path: string, start: number, signal: AbortSignal): Promise<string> {
  const file = await folder.openFile(path, signal);
  try {
    const bytes = new Uint8Array(MAX_LOG_BYTES);
    let filled = 0;
    while (filled < bytes.length) {
      const read = await file.read(bytes.subarray(filled), start + filled);
      if (read === 0) break;
      filled += read;
    }
    return new TextDecoder().decode(bytes.subarray(0, filled));
  } finally {
    await file.close();
  }
}

function parseLine(line: string): LogLine[] {
  if (line.trim() === '') return [];
  try {
    const { timestamp, value } = toCleanMap(parseBoundedJson(line));
    return typeof value === 'string'
      ? [{ at: typeof timestamp === 'string' ? timestamp : null, text: value }]
      : [];
  } catch {
    return []; // an incomplete line at the end of a growing file
  }
}
