/**
 * Parses the JSON files that an earlier process of the run has left. Another program may have written them: absent and null fields get
 * the values of a new run, and a field of another type is an error.
 */

import { describe } from '../base/describe.js';
import { type MetadataOrder, parseMetadataOrder } from '../polyaxon/metadata-order.js';
import type { RunArtifact, RunMetadata, RunRecord } from '../polyaxon/run-record.js';

/** What a worker adds to the run, in a separate file. */
export interface EarlierWorkerFile extends RunMetadata {
  readonly lineage: readonly RunArtifact[];
  readonly order: MetadataOrder;
}

type Fields = Readonly<Record<string, unknown>>;

/** Throws an error that names the field if the value is not a run file. `given` has the values for absent fields. */
export function parseEarlierRecord(value: unknown, given: RunRecord): RunRecord {
  const fields = parseMetadata(value);
  checkList(fields, 'status_conditions');
  for (const name of ['uuid', 'name', 'status', 'created_at', 'started_at', 'finished_at'])
    checkType(fields, name, 'string', 'a text');
  const { name, uuid, created_at, kind, runtime, is_managed, managed_by } = given;
  const defaults = { name, uuid, created_at, kind, runtime, is_managed, managed_by };
  return { ...defaults, status: 'created', status_conditions: [], ...(fields as Partial<RunRecord>) };
}

/** Throws an error if the value is not a list of artifacts. */
export function parseEarlierLineage(value: unknown): readonly RunArtifact[] {
  if (!Array.isArray(value)) throw new Error(`is ${describe(value)}, expected a list of artifacts`);
  for (const each of value) checkType(parseFields(each), 'name', 'string', 'a text');
  return value as RunArtifact[];
}

/** Throws an error that names the field if the value is not the file of a worker. */
export function parseEarlierWorker(value: unknown): EarlierWorkerFile {
  const fields = parseMetadata(value);
  const { lineage, order, ...metadata } = fields;
  return {
    ...(metadata as RunMetadata),
    lineage: parseEarlierLineage(lineage ?? []),
    order: parseMetadataOrder(order),
  };
}

/** The fields that have a value. */
function parseMetadata(value: unknown): Fields {
  const fields = parseFields(value);
  checkList(fields, 'tags');
  for (const name of ['inputs', 'outputs', 'meta_info']) {
    const map = fields[name];
    if (map !== undefined) parseFields(map, name);
  }
  return fields;
}

function parseFields(value: unknown, name = 'it'): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${name} is ${describe(value)}, expected an object`);
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

function checkList(fields: Fields, name: string): void {
  const value = fields[name];
  if (value !== undefined && !Array.isArray(value))
    throw new Error(`${name} is ${describe(value)}, expected a list`);
}

function checkType(fields: Fields, name: string, type: string, expected: string): void {
  const value = fields[name];
  if (value !== undefined && typeof value !== type)
    throw new Error(`${name} is ${describe(value)}, expected ${expected}`);
}
