/** Computes the desired state of a run on the server from the files on disk: always all of it, so that no queue is needed. Pure. */

import { type JsonMap, toCleanMap } from '../../src/base/clean-json.js';
import type { V1RunArtifact, V1StatusCondition } from '../../src/polyaxon/api-types.js';
import { cutName } from '../../src/polyaxon/export/name-space.js';
import { EVENTS_DIRECTORY, hashName, sanitizeName, toFallbackName } from '../../src/polyaxon/names.js';
import { secondsBetween, toIsoTime } from '../../src/polyaxon/run-record.js';
import { TENSORBOARD_DIRECTORY } from '../../src/run-directory/layout.js';
import {
  type Metadata,
  mergeWorkers,
  type RunFiles,
  type RunRecordFile,
} from '../../src/run-directory/run-files.js';
import type { ExportFacts } from '../pipeline/report/export-facts.js';
import type { SyncRunBody } from '../polyaxon-api/types.js';
import type { Liveness } from '../run-directory/run-liveness.js';
import { mergeLineage } from './lineage-names.js';
import { isFinalStatus, WRITER_LOST } from './status-machine.js';

export interface RunSource {
  readonly uuid: string;
  /** `log-directory`, `named`: event files of a third-party writer. */
  readonly kind: 'polyaxon' | 'log-directory' | 'named';
  /** The name of a run that has none in its run file: its path. */
  readonly name: string;
  readonly files: RunFiles;
  /** Null if nothing is exported. */
  readonly facts: ExportFacts | null;
  readonly liveness: Liveness;
  /** Paths of the files in the store, to find Polyaxon event files that are missing in the lineage. */
  readonly storedFiles: () => Iterable<string>;
  /** When the uploader found the run, in seconds since 1970. */
  readonly foundAt: number;
  /** The current time, in seconds since 1970. */
  readonly wallTime: number;
}

/** What the program has set, and what it has left to defaults: texts that it has not set are null. */
export interface DesiredRun extends Metadata {
  /** What only a new run gets: a default name, times, and statuses except the end status. */
  readonly creation: SyncRunBody;
  readonly name: string | null;
  readonly description: string | null;
  readonly readme: string | null;
  /** Oldest first, including end statuses from before a resume. Without `created`. */
  readonly conditions: readonly V1StatusCondition[];
  /** The end status; null while the run is active. */
  readonly final: V1StatusCondition | null;
  /** Seconds until the last end; null while the run is active, or if it is unknown. */
  readonly duration: number | null;
  readonly lineage: readonly V1RunArtifact[];
}

const REASON = 'Polytrack';
/** Source: haupt 2.16.1, `db/abstracts/runs.py`: names are slugs of 128 characters at most. */
const MAX_NAME = 128;
const EVENT_PATH = new RegExp(`^${EVENTS_DIRECTORY}/([^/]+)/([^/]+)\\.plx$`);

export function toDesiredRun(source: RunSource): DesiredRun {
  const { uuid, files, facts } = source;
  const { record } = files;
  const isForeign = source.kind !== 'polyaxon' && record === null;
  const merged = mergeWorkers(files);
  // A run file has the times of its run.
  const range = record?.created_at == null ? toRange(facts) : {};
  const createdAt = record?.created_at ?? range.start ?? toIsoTime(source.foundAt);
  const all = isForeign
    ? [toCondition('running', 'Event files were found', createdAt)]
    : toConditions(record);
  const final = isForeign ? toForeignEnd(source, range.end) : toEnd(source, all);
  const conditions = all.filter((each) => each !== final);
  const created = record?.status_conditions.filter(({ type }) => type === 'created').slice(0, 1) ?? [];
  const begun = [...created, ...conditions];
  const startedAt = record === null ? (range.start ?? null) : record.started_at;
  const end = record?.finished_at ?? (isForeign ? range.end : undefined) ?? null;
  const { start, end: lastEvent } = range;
  const elapsed = start === undefined || lastEvent === undefined ? null : secondsBetween(start, lastEvent);
  const duration = final === null ? null : notNegative(record === null ? elapsed : record.duration);
  const { name, meta } = toName(record?.name ?? source.name);
  return {
    creation: {
      ...{ uuid, name, created_at: createdAt },
      ...{ kind: 'job', runtime: 'job', is_managed: false, managed_by: 'user' },
      ...withoutNull({
        started_at: startedAt,
        finished_at: final === null ? null : notBefore(end, startedAt),
        wait_time: notNegative(record?.wait_time),
        duration,
      }),
      status: begun.at(-1)?.type ?? 'created',
      ...(begun.length === 0 ? {} : { status_conditions: begun }),
    },
    name: record?.name == null || record.name === record.default_name ? null : name,
    description: record?.description ?? null,
    readme: record?.readme ?? null,
    tags: merged.tags,
    meta_info: { ...meta, ...(record === null ? toFlags(facts, isForeign) : {}), ...merged.meta_info },
    inputs: { ...toCleanMap(facts?.inputs), ...merged.inputs },
    outputs: toOutputs(merged.outputs, toCleanMap(facts?.lastValues()), all),
    conditions,
    final: toPlausible(final, startedAt),
    duration,
    lineage: toLineage(source, merged.lineage, isForeign),
  };
}

function withoutNull<T extends object>(values: T): { [name in keyof T]?: NonNullable<T[name]> } {
  const entries = Object.entries(values).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as { [name in keyof T]?: NonNullable<T[name]> };
}

/** If the clock was set back during a run, its end seems to precede its start. The server computes durations from such times too. */
function toPlausible(final: V1StatusCondition | null, startedAt: string | null): V1StatusCondition | null {
  if (final === null) return null;
  const { last_transition_time: at = null, last_update_time: updatedAt = null } = final;
  const [transition, update] = [notBefore(at, startedAt), notBefore(updatedAt, startedAt)];
  return transition === at && update === updatedAt
    ? final
    : { ...final, last_transition_time: transition, last_update_time: update };
}

function notBefore(time: string | null, start: string | null): string | null {
  return time !== null && start !== null && Date.parse(time) < Date.parse(start) ? start : time;
}

function notNegative(seconds: number | null | undefined): number | null {
  return seconds == null ? null : Math.max(0, seconds);
}

/** Converts a name to a form that the server accepts; a hash keeps long paths apart. If that changes the name, `meta` contains the original. */
function toName(name: string): { name: string; meta: JsonMap } {
  const slug = cutName(sanitizeName(name) || toFallbackName(name), '', MAX_NAME, () => hashName(name));
  return { name: slug, meta: slug === name ? {} : { name } };
}

/**
 * Merges logged outputs over the last values of metrics. In a resumed run, the outputs may come from before the resume, so that the metrics
 * are newer and take precedence.
 */
function toOutputs(outputs: JsonMap, values: JsonMap, conditions: readonly V1StatusCondition[]): JsonMap {
  const hasEndedBefore =
    conditions.some(({ type }) => isFinalStatus(type)) && !isFinalStatus(conditions.at(-1)?.type);
  return hasEndedBefore ? { ...outputs, ...values } : { ...values, ...outputs };
}

function toConditions(record: RunRecordFile | null): readonly V1StatusCondition[] {
  const found = record?.status_conditions.filter(({ type }) => type !== 'created') ?? [];
  const { status } = record ?? {};
  if (status == null || status === 'created' || found.at(-1)?.type === status) return found;
  const time = record?.finished_at ?? record?.started_at ?? record?.created_at ?? null;
  return [...found, { ...toCondition(status, '', time), message: null }];
}

function toEnd(source: RunSource, conditions: readonly V1StatusCondition[]): V1StatusCondition | null {
  const { end } = source.files;
  const last = conditions.at(-1);
  if (last !== undefined && isFinalStatus(last.type)) return last;
  if (source.liveness === 'live') return null;
  // The writer may have failed to update the record but written the end marker.
  if (end !== null && isFinalStatus(end.type)) return end;
  const message = 'The process that wrote the run stopped without recording an end status';
  return { ...toCondition('failed', message, toIsoTime(source.wallTime)), reason: WRITER_LOST };
}

/** Third-party writers do not record how they end. */
function toForeignEnd({ liveness, wallTime }: RunSource, end: string | undefined): V1StatusCondition | null {
  if (liveness === 'live') return null;
  return toCondition('succeeded', 'The event files no longer change', end ?? toIsoTime(wallTime));
}

function toCondition(
  type: V1StatusCondition['type'],
  message: string,
  time: string | null,
): V1StatusCondition {
  return {
    type,
    status: true,
    reason: REASON,
    message,
    last_update_time: time,
    last_transition_time: time,
  };
}

function toLineage(source: RunSource, logged: readonly V1RunArtifact[], isForeign: boolean): V1RunArtifact[] {
  const { facts } = source;
  const own = [...logged];
  const exported = facts?.artifacts() ?? [];
  if (isForeign)
    own.push({
      name: 'tensorboard',
      kind: 'tensorboard',
      path: TENSORBOARD_DIRECTORY,
      summary: { path: TENSORBOARD_DIRECTORY },
      is_input: false,
    });
  if (facts?.state !== 'exported' && source.liveness !== 'live') {
    for (const each of toUnrecorded(source, own)) own.push(each);
  }
  return mergeLineage(own, exported);
}

/** Returns entries for events whose writer was killed before it recorded them. Without an entry, Polyaxon does not request them. */
function toUnrecorded({ storedFiles }: RunSource, own: readonly V1RunArtifact[]): V1RunArtifact[] {
  const recorded = new Set(own.map(({ path }) => path));
  const unrecorded: V1RunArtifact[] = [];
  for (const path of storedFiles()) {
    const [, kind, name] = EVENT_PATH.exec(path) ?? [];
    if (kind === undefined || name === undefined || recorded.has(path)) continue;
    unrecorded.push({ name, kind, path, summary: { is_event: true }, is_input: false });
  }
  return unrecorded.sort((a, b) => ((a.path ?? '') < (b.path ?? '') ? -1 : 1));
}

/** Source: polyaxon 2.16, `_client/run.py` (`_log_has_…`). */
function toFlags(facts: ExportFacts | null, isForeign: boolean): JsonMap {
  const kinds = new Set(facts?.artifacts().map(({ kind }) => kind));
  const has = (flag: string, isSet: boolean): JsonMap => (isSet ? { [flag]: true } : {});
  return {
    ...has('has_events', kinds.size > 0),
    ...has('has_metrics', kinds.has('metric')),
    ...has('has_model', kinds.has('model')),
    ...has('has_traces', kinds.has('span')),
    ...has('has_tensorboard', isForeign),
  };
}

/** Returns the times of the first and the last event. */
function toRange(facts: ExportFacts | null): { start?: string; end?: string } {
  const ranges = facts?.artifacts().flatMap(({ summary }) => summary.timestamp ?? []) ?? [];
  const [first] = ranges;
  if (first === undefined) return {};
  return ranges.reduce(
    (range, { min, max }) => ({
      start: Date.parse(min) < Date.parse(range.start) ? min : range.start,
      end: Date.parse(max) > Date.parse(range.end) ? max : range.end,
    }),
    { start: first.min, end: first.max },
  );
}
