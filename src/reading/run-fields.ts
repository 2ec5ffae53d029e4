/** Reads the record of a run: the fields of its row, from the small files that its writers leave. */

import { parseBoundedJson } from '../base/bounded-json.js';
import { toCleanMap } from '../base/clean-json.js';
import { type CodedError, messageOf, RunFileError } from '../base/errors.js';
import type { JsonValue } from '../base/json-value.js';
import { readGoals } from '../polyaxon/metric-goal.js';
import { isDone } from '../polyaxon/run-record.js';
import {
  isWorkerFile,
  LINEAGE_FILE,
  MAIN_WRITER,
  ORDER_FILE,
  PROCESS_DIRECTORY,
  RUN_FILE,
  toEndMarkerPath,
} from '../run-directory/layout.js';
import { findUuid, mergeWorkers, parseRunFiles } from '../run-directory/run-files.js';
import type { LoadedRunFields } from './run-facts.js';
import type { RunFolder } from './run-source.js';

/** An entry of the lineage of a run: a file or directory, or a series of Polyaxon event files. */
export interface LoadedArtifact {
  readonly name: string;
  readonly kind: string;
  /** Relative to the run directory, an absolute path, or a URL. */
  readonly path: string | null;
  /** Such as size and SHA-256; for a metric, its statistics. */
  readonly summary: Readonly<Record<string, JsonValue>>;
  readonly isInput: boolean;
}

const MAX_BYTES = 16 * 1024 * 1024;

/** Reads the run file, and what workers and the end of the process have added in `.plx/`. What is unreadable becomes a problem. */
export async function readRunFields(
  folder: RunFolder,
  signal: AbortSignal | undefined,
): Promise<LoadedRunFields> {
  const problems: CodedError[] = [];
  const read = (path: string): Promise<unknown> => readJson(folder, path, problems, signal);
  const record = await read(RUN_FILE);
  if (record === undefined && problems.length === 0)
    problems.push(new RunFileError(`${folder.location}/${RUN_FILE}`, 'does not exist'));
  const processFiles = await listProcessFiles(folder, problems, signal);
  const workers: unknown[] = [];
  for (const path of processFiles)
    if (isWorkerFile(path.slice(PROCESS_DIRECTORY.length + 1))) workers.push(await read(path));
  const find = async (path: string): Promise<unknown> =>
    processFiles.includes(path) ? await read(path) : undefined;
  const files = parseRunFiles({
    record,
    workers,
    order: await find(`${PROCESS_DIRECTORY}/${ORDER_FILE}`),
    end: await find(toEndMarkerPath('', MAIN_WRITER)),
  });
  const { tags, inputs, outputs, meta_info } = mergeWorkers(files);
  const { record: found, end } = files;
  const status = found?.status ?? null;
  return {
    uuid: findUuid(record) ?? folder.uuid,
    name: found?.name ?? null,
    description: found?.description ?? null,
    owner: found?.owner ?? null,
    project: found?.project ?? null,
    status: status !== null && isDone(status) ? status : (end?.type ?? status),
    createdAt: toDate(found?.created_at),
    startedAt: toDate(found?.started_at),
    finishedAt: toDate(found?.finished_at ?? end?.last_transition_time),
    durationSeconds: found?.duration ?? null,
    ...{ tags, inputs, outputs, problems },
    goals: readGoals(meta_info),
    location: folder.location,
  };
}

/** Reads the artifacts of a run. */
export async function readArtifacts(
  folder: RunFolder,
  problems: CodedError[],
  signal: AbortSignal | undefined,
): Promise<LoadedArtifact[]> {
  const { lineage } = parseRunFiles({ lineage: await readJson(folder, LINEAGE_FILE, problems, signal) });
  return lineage.map(({ name, kind, path, summary, is_input }) => ({
    ...{ name, kind, path: path ?? null, summary: toCleanMap(summary), isInput: is_input === true },
  }));
}

async function listProcessFiles(
  folder: RunFolder,
  problems: CodedError[],
  signal: AbortSignal | undefined,
): Promise<string[]> {
  try {
    return (await folder.listFiles(PROCESS_DIRECTORY, signal)).map(({ path }) => path);
  } catch (error) {
    if (!(error instanceof RunFileError)) throw error;
    problems.push(error);
    return [];
  }
}

/** Returns undefined for a file that does not exist, or that cannot be read. */
async function readJson(
  folder: RunFolder,
  path: string,
  problems: CodedError[],
  signal: AbortSignal | undefined,
): Promise<unknown> {
  try {
    const bytes = await folder.readFile(path, { maxBytes: MAX_BYTES, signal });
    if (bytes === null) return undefined;
    return parseObject(`${folder.location}/${path}`, bytes);
  } catch (error) {
    if (!(error instanceof RunFileError)) throw error;
    problems.push(error);
    return undefined;
  }
}

/** Parses a JSON object or array. */
function parseObject(path: string, bytes: Uint8Array): unknown {
  let value: unknown;
  try {
    value = parseBoundedJson(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new RunFileError(path, `is not JSON: ${messageOf(error)}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null) throw new RunFileError(path, 'is not a JSON object');
  return value;
}

function toDate(time: string | null | undefined): Date | null {
  return time === null || time === undefined ? null : new Date(time);
}
