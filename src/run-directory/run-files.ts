/**
 * The JSON files that the writers of a run leave in its directory: `run.plx.json`, `lineages.plx.json`, and in `.plx/` the files of the workers
 * and the end marker of the main writer. Accepts files of polytrack and of Polyaxon's Python client; drops values of an unexpected type. Pure.
 */

import { type JsonMap, toCleanMap } from '../base/clean-json.js';
import type { V1RunArtifact, V1StatusCondition } from '../polyaxon/api-types.js';
import { type MetadataOrder, mergeRunData, parseMetadataOrder } from '../polyaxon/metadata-order.js';
import { RUN_STATUSES, type RunStatus } from '../polyaxon/statuses.js';
import { RUN_UUID_PATTERN } from './layout.js';

export interface RunFiles {
  /** Null if the run has no run file. */
  readonly record: RunRecordFile | null;
  readonly lineage: readonly V1RunArtifact[];
  /** When the main writer wrote or merged the names of the record and the lineage. */
  readonly order: MetadataOrder;
  /** Sorted by name. */
  readonly workers: readonly WorkerFile[];
  /** The end status of the main writer; null while it has no end marker. */
  readonly end: V1StatusCondition | null;
}

export interface Metadata {
  readonly tags: readonly string[];
  readonly meta_info: JsonMap;
  readonly inputs: JsonMap;
  readonly outputs: JsonMap;
}

export interface WorkerFile extends Metadata {
  readonly lineage: readonly V1RunArtifact[];
  readonly order: MetadataOrder;
}

export interface RunRecordFile extends Metadata {
  readonly name: string | null;
  /** The name that the writer chose itself; null if the program named the run. */
  readonly default_name: string | null;
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
  readonly status_conditions: readonly V1StatusCondition[];
}

/** The JSON of the files; undefined for a file that does not exist. */
interface RunFileValues {
  readonly record?: unknown;
  readonly lineage?: unknown;
  readonly order?: unknown;
  /** Sorted by name. */
  readonly workers?: readonly unknown[];
  readonly end?: unknown;
}

const NO_METADATA: Metadata = { tags: [], meta_info: {}, inputs: {}, outputs: {} };

export function parseRunFiles({ record, lineage, order, workers = [], end }: RunFileValues): RunFiles {
  return {
    record: record === undefined ? null : parseRecord(record),
    lineage: parseLineage(lineage),
    order: parseMetadataOrder(order),
    workers: workers.map(parseWorker),
    end: parseEnd(end),
  };
}

/** Returns the uuid in the JSON of a run file, or null. */
export function findUuid(record: unknown): string | null {
  if (typeof record !== 'object' || record === null || !('uuid' in record)) return null;
  return typeof record.uuid === 'string' && RUN_UUID_PATTERN.test(record.uuid) ? record.uuid : null;
}

/**
 * Returns what the main writer and the workers have logged: of one name, what was logged last, and all entries of the lineage, later ones
 * last.
 */
export function mergeWorkers(files: RunFiles): Metadata & Pick<RunFiles, 'lineage'> {
  const { tags, meta_info, inputs, outputs } = files.record ?? NO_METADATA;
  let metadata: Metadata = { tags, meta_info, inputs, outputs };
  let { order } = files;
  const lineage = [...files.lineage];
  for (const worker of files.workers) {
    const merged = mergeRunData({ metadata, order }, { ...worker, metadata: worker });
    ({ metadata, order } = merged);
    for (const artifact of merged.lineage) lineage.push(artifact);
  }
  return { ...metadata, lineage };
}

function parseRecord(value: unknown): RunRecordFile {
  const record = toCleanMap(value);
  return {
    ...parseMetadata(record),
    name: toText(record.name),
    default_name: toText(record.default_name),
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

function parseLineage(value: unknown): V1RunArtifact[] {
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

function parseCondition(value: unknown): V1StatusCondition[] {
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

function parseEnd(value: unknown): V1StatusCondition | null {
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
