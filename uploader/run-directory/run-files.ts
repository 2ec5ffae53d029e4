/**
 * Reads the JSON files that the writers of a run leave on disk: `run.plx.json`, `lineages.plx.json`, and in `.plx/` the files of the workers
 * and the end marker of the main writer. Accepts files of polytrack and of Polyaxon's Python client; drops values of an unexpected type.
 */

import type { RunArtifact, StatusCondition } from '../../src/polyaxon/api-types.js';
import { type MetadataOrder, parseMetadataOrder } from '../../src/polyaxon/metadata-order.js';
import { RUN_STATUSES, type RunStatus } from '../../src/polyaxon/statuses.js';
import {
  isWorkerFile,
  LINEAGE_FILE,
  MAIN_WRITER,
  ORDER_FILE,
  PROCESS_DIRECTORY,
  RUN_FILE,
  toEndMarkerPath,
} from '../../src/run-directory/layout.js';
import { parseBoundedJson } from '../base/bounded-json.js';
import { type JsonMap, toCleanMap } from '../base/canonical-json.js';
import { FileError } from '../base/errors.js';
import { mapInParallel } from '../base/in-parallel.js';
import type { FileSystem } from '../base/io/file-system.js';
import { isAbsent } from '../base/io/system-error.js';
import { readWholeFile } from '../base/io/whole-file.js';
import { joinNames } from '../base/join-path.js';

export interface RunFiles {
  /** Null if the run has no run file. */
  readonly record: RunRecordFile | null;
  readonly lineage: readonly RunArtifact[];
  /** When the main writer wrote or merged the names of the record and the lineage. */
  readonly order: MetadataOrder;
  /** Sorted by name. */
  readonly workers: readonly WorkerFile[];
  /** The end status of the main writer; null while it has no end marker. */
  readonly end: StatusCondition | null;
}

export interface Metadata {
  readonly tags: readonly string[];
  readonly meta_info: JsonMap;
  readonly inputs: JsonMap;
  readonly outputs: JsonMap;
}

export interface WorkerFile extends Metadata {
  readonly lineage: readonly RunArtifact[];
  readonly order: MetadataOrder;
}

export interface RunRecordFile extends Metadata {
  readonly name: string | null;
  readonly description: string | null;
  readonly readme: string | null;
  readonly owner: string | null;
  readonly project: string | null;
  readonly kind: string | null;
  readonly runtime: string | null;
  readonly is_managed: boolean;
  readonly created_at: string | null;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly wait_time: number | null;
  readonly duration: number | null;
  readonly status: RunStatus | null;
  readonly status_conditions: readonly StatusCondition[];
}

const MAX_BYTES = 64 * 1024 * 1024;

export const NO_FILES: RunFiles = { record: null, lineage: [], order: {}, workers: [], end: null };

/**
 * Reads the files. Returns null if a file exists but cannot be read now, for example while it is replaced on some file systems. Throws
 * `FileError` if a file is too large.
 */
export async function readRunFiles(fileSystem: FileSystem, directory: Buffer): Promise<RunFiles | null> {
  try {
    const read = (...names: string[]): Promise<unknown> =>
      readJson(fileSystem, joinNames(directory, ...names));
    const workers = (await listProcessFiles(fileSystem, directory)).filter(isWorkerFile);
    const record = await read(RUN_FILE);
    return {
      record: record === undefined ? null : parseRecord(record),
      lineage: parseLineage(await read(LINEAGE_FILE)),
      order: parseMetadataOrder(await read(PROCESS_DIRECTORY, ORDER_FILE)),
      workers: await mapInParallel(workers, async (name) => parseWorker(await read(PROCESS_DIRECTORY, name))),
      end: parseEnd(
        await readJson(fileSystem, Buffer.from(toEndMarkerPath(directory.toString(), MAIN_WRITER))),
      ),
    };
  } catch (error) {
    if (error instanceof FileError) throw error;
    return null;
  }
}

/** Returns a text that changes when the files change. Does not read the files. */
export async function readSignature(fileSystem: FileSystem, directory: Buffer): Promise<string> {
  const names = (await listProcessFiles(fileSystem, directory).catch(() => []))
    .filter((name) => isWorkerFile(name) || name === ORDER_FILE || name === `end-${MAIN_WRITER}.json`)
    .map((name) => [PROCESS_DIRECTORY, name]);
  const paths = [[RUN_FILE], [LINEAGE_FILE], ...names].map((each) => joinNames(directory, ...each));
  const stats = await fileSystem.lstatAll(paths);
  return stats
    .map((stat) => (stat instanceof Error ? '-' : `${stat.ino} ${stat.sizeBytes} ${stat.ctimeNs}`))
    .join('\n');
}

/** Lists the names in `.plx/`, sorted; empty if it does not exist. */
export async function listProcessFiles(fileSystem: FileSystem, directory: Buffer): Promise<string[]> {
  try {
    const found = await fileSystem.readDirectory(joinNames(directory, PROCESS_DIRECTORY));
    return found.map((name) => name.toString('utf8')).sort();
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** Returns undefined if the file does not exist. */
export async function readJson(fileSystem: FileSystem, path: Buffer): Promise<unknown> {
  try {
    return parseBoundedJson((await readWholeFile(fileSystem, path, MAX_BYTES)).toString('utf8'));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function parseRecord(value: unknown): RunRecordFile {
  const record = toCleanMap(value);
  return {
    ...parseMetadata(record),
    name: toText(record.name),
    description: toText(record.description),
    readme: toText(record.readme),
    owner: toText(record.owner),
    project: toText(record.project),
    kind: toText(record.kind),
    runtime: toText(record.runtime),
    is_managed: record.is_managed === true,
    created_at: toTime(record.created_at),
    started_at: toTime(record.started_at),
    finished_at: toTime(record.finished_at),
    wait_time: toNumber(record.wait_time),
    duration: toNumber(record.duration),
    status: toStatus(record.status),
    status_conditions: toList(record.status_conditions).flatMap(parseCondition),
  };
}

function parseMetadata(value: JsonMap): Metadata {
  return {
    tags: [...new Set(toList(value.tags).flatMap((tag) => toText(tag) ?? []))],
    meta_info: toCleanMap(value.meta_info),
    inputs: toCleanMap(value.inputs),
    outputs: toCleanMap(value.outputs),
  };
}

function parseWorker(value: unknown): WorkerFile {
  const worker = toCleanMap(value);
  const order = parseMetadataOrder(worker.order);
  return { ...parseMetadata(worker), lineage: parseLineage(worker.lineage), order };
}

function parseLineage(value: unknown): RunArtifact[] {
  return toList(value).flatMap((each) => {
    const { name, kind, path, summary, is_input, state, connection } = toCleanMap(each);
    if (typeof name !== 'string' || name === '' || typeof kind !== 'string') return [];
    return {
      name,
      kind,
      ...(typeof path === 'string' ? { path } : {}),
      summary: toCleanMap(summary),
      is_input: is_input === true,
      ...(typeof state === 'string' ? { state } : {}),
      ...(typeof connection === 'string' ? { connection } : {}),
    };
  });
}

function parseCondition(value: unknown): StatusCondition[] {
  const { type, reason, message, last_update_time, last_transition_time } = toCleanMap(value);
  const known = toStatus(type);
  if (known === null) return [];
  return [
    {
      type: known,
      status: true,
      ...(toText(reason) === null ? {} : { reason: toText(reason) }),
      ...(toText(message) === null ? {} : { message: toText(message) }),
      last_update_time: toTime(last_update_time) ?? toTime(last_transition_time),
      last_transition_time: toTime(last_transition_time) ?? toTime(last_update_time),
    },
  ];
}

function parseEnd(value: unknown): StatusCondition | null {
  const { status, reason, message, ended_at } = toCleanMap(value);
  const time = ended_at;
  const [condition] = parseCondition({ type: status, reason, message, last_transition_time: time });
  return condition ?? null;
}

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function toText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function toNumber(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function toTime(value: unknown): string | null {
  return typeof value === 'string' && Number.isFinite(Date.parse(value)) ? value : null;
}

function toStatus(value: unknown): RunStatus | null {
  return RUN_STATUSES.find((status) => status === value) ?? null;
}
