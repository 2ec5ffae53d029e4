/**
 * What Polyaxon should know of a run, made of what is on disk now: the whole of it each time, so that nothing has to be queued. Pure.
 */

import type { RunArtifact, StatusCondition } from '../../src/polyaxon/api-types.js';
import { EVENTS_DIRECTORY, sanitizeName, toFallbackName } from '../../src/polyaxon/names.js';
import { TENSORBOARD_DIRECTORY } from '../../src/run-directory/layout.js';
import { type JsonMap, toCleanMap } from '../base/canonical-json.js';
import type { ExportFacts } from '../pipeline/report/export-facts.js';
import type { Metadata, RunFiles, RunRecordFile } from '../run-directory/run-files.js';
import type { Liveness } from '../run-directory/run-liveness.js';
import { mergeLineage } from './lineage-names.js';
import { isDone, WRITER_LOST } from './status-machine.js';

export interface RunSource {
  readonly uuid: string;
  /** `log-directory`, `named`: event files of a writer that knows nothing of Polyaxon. */
  readonly kind: 'polyaxon' | 'log-directory' | 'named';
  /** Of a run that has no name of its own: its path. */
  readonly name: string;
  readonly files: RunFiles;
  /** Null when nothing is projected. */
  readonly facts: ExportFacts | null;
  readonly liveness: Liveness;
  /** Paths of files that the store has, for events that no lineage tells of. */
  readonly storedFiles: () => Iterable<string>;
  /** Seconds since 1970, when the uploader came to know of the run. */
  readonly foundAt: number;
  /** Seconds since 1970. */
  readonly wallTime: number;
}

export interface DesiredRun extends Metadata {
  readonly uuid: string;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly waitTime: number | null;
  readonly duration: number | null;
  readonly name: string;
  readonly description: string | null;
  readonly readme: string | null;
  /** How it was created; null where its writer does not say. */
  readonly created: StatusCondition | null;
  /** Oldest first; those that ended it before it was gone on with are among them. */
  readonly conditions: readonly StatusCondition[];
  /** How it has ended; null as long as it has not. */
  readonly final: StatusCondition | null;
  readonly lineage: readonly RunArtifact[];
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
  const range = toRange(facts);
  const createdAt = record?.created_at ?? range.start ?? toIsoTime(source.foundAt);
  const conditions = isForeign ? [toForeignStart(range.start ?? createdAt)] : toConditions(record);
  const final = isForeign ? toForeignEnd(source, range.end) : toEnd(source, conditions);
  const isOver = final !== null;
  const { name, meta } = toName(record?.name ?? source.name);
  return {
    uuid,
    createdAt,
    startedAt: record === null ? (range.start ?? null) : record.started_at,
    finishedAt: !isOver ? null : (record?.finished_at ?? (isForeign ? (range.end ?? null) : null)),
    waitTime: record?.wait_time ?? null,
    duration: isOver ? (record?.duration ?? null) : null,
    name,
    description: record?.description ?? null,
    readme: record?.readme ?? null,
    tags: merged.tags,
    meta_info: { ...meta, ...(record === null ? toFlags(facts, isForeign) : {}), ...merged.meta_info },
    inputs: { ...toCleanMap(facts?.inputs), ...merged.inputs },
    outputs: toOutputs(merged.outputs, facts, conditions),
    created: record?.status_conditions.find(({ type }) => type === 'created') ?? null,
    conditions: conditions.filter((each) => each !== final),
    final,
    lineage: toLineage(source, isForeign),
  };
}

/** A name as the server takes it; the whole of it is among the facts where it is another. */
function toName(name: string): { name: string; meta: JsonMap } {
  const slug = (sanitizeName(name) || toFallbackName(name)).slice(0, MAX_NAME);
  return { name: slug, meta: slug === name ? {} : { name } };
}

/** What workers have left goes over the record, as the main writer does it (`src/run-directory/run-directory.ts`). */
function mergeWorkers({ record, workers }: RunFiles): Metadata {
  const all: readonly Metadata[] = record === null ? workers : [record, ...workers];
  const merge = (field: 'meta_info' | 'inputs' | 'outputs'): JsonMap =>
    Object.assign({}, ...all.map((each) => each[field]));
  return {
    tags: [...new Set(all.flatMap(({ tags }) => tags))],
    meta_info: merge('meta_info'),
    inputs: merge('inputs'),
    outputs: merge('outputs'),
  };
}

/**
 * Outputs that were logged go before the last values of metrics. In a run that is gone on with, the outputs may be those with which it had ended
 * before: then the metrics are newer.
 */
function toOutputs(
  outputs: JsonMap,
  facts: ExportFacts | null,
  conditions: readonly StatusCondition[],
): JsonMap {
  const values = toCleanMap(facts?.lastValues());
  const hasEndedBefore = conditions.some(({ type }) => isDone(type)) && !isDone(conditions.at(-1)?.type);
  return hasEndedBefore ? { ...outputs, ...values } : { ...values, ...outputs };
}

function toConditions(record: RunRecordFile | null): readonly StatusCondition[] {
  const found = record?.status_conditions.filter(({ type }) => type !== 'created') ?? [];
  const { status } = record ?? {};
  if (status == null || status === 'created' || found.at(-1)?.type === status) return found;
  const time = record?.finished_at ?? record?.started_at ?? record?.created_at ?? null;
  return [...found, { ...toCondition(status, '', time), message: null }];
}

function toEnd(source: RunSource, conditions: readonly StatusCondition[]): StatusCondition | null {
  const { end } = source.files;
  const last = conditions.at(-1);
  if (last !== undefined && isDone(last.type)) return last;
  if (source.liveness === 'live') return null;
  // The disk may have refused the record, and have taken the marker.
  if (end !== null && isDone(end.type)) return end;
  const message = 'The process that wrote the run is gone, and has not said how it ended';
  return { ...toCondition('failed', message, toIsoTime(source.wallTime)), reason: WRITER_LOST };
}

function toForeignStart(time: string): StatusCondition {
  return toCondition('running', 'Event files are there', time);
}

/** Writers of event files alone do not say how they end. */
function toForeignEnd({ liveness, wallTime }: RunSource, end: string | undefined): StatusCondition | null {
  if (liveness === 'live') return null;
  return toCondition('succeeded', 'Nothing more is written', end ?? toIsoTime(wallTime));
}

function toCondition(type: StatusCondition['type'], message: string, time: string | null): StatusCondition {
  return {
    type,
    status: true,
    reason: REASON,
    message,
    last_update_time: time,
    last_transition_time: time,
  };
}

function toLineage(source: RunSource, isForeign: boolean): RunArtifact[] {
  const { files, facts } = source;
  const own = [...files.lineage, ...files.workers.flatMap(({ lineage }) => lineage)];
  const exported = facts?.artifacts() ?? [];
  if (isForeign)
    own.push({
      name: 'tensorboard',
      kind: 'tensorboard',
      path: TENSORBOARD_DIRECTORY,
      summary: { path: TENSORBOARD_DIRECTORY },
      is_input: false,
    });
  if (facts?.state !== 'exported' && source.liveness !== 'live') own.push(...toUntold(source, own));
  return mergeLineage(own, exported);
}

/** Events of a writer that was killed before it recorded them: without their names Polyaxon does not ask for them. */
function toUntold({ storedFiles }: RunSource, own: readonly RunArtifact[]): RunArtifact[] {
  const told = new Set(own.map(({ path }) => path));
  const untold: RunArtifact[] = [];
  for (const path of storedFiles()) {
    const [, kind, name] = EVENT_PATH.exec(path) ?? [];
    if (kind === undefined || name === undefined || told.has(path)) continue;
    untold.push({ name, kind, path, summary: { is_event: true }, is_input: false });
  }
  return untold.sort((a, b) => ((a.path ?? '') < (b.path ?? '') ? -1 : 1));
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

/** From the first event to the last. */
function toRange(facts: ExportFacts | null): { start?: string; end?: string } {
  const ranges = facts?.artifacts().map(({ summary }) => summary.timestamp) ?? [];
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

function toIsoTime(wallTime: number): string {
  return new Date(Math.round(wallTime * 1000)).toISOString().replace('Z', '000+00:00');
}
