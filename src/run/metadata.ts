/**
 * What the methods of `Run` for metadata do: parameters, results, tags, texts, status. A change is on disk when the call returns,
 * except in a series of merges into a large record (`RunDirectory.merge`).
 */

import { describe } from '../base/describe.js';
import { InvalidArgumentError } from '../base/errors.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import { toWellFormedText } from '../base/well-formed-text.js';
import type { MetadataNames } from '../polyaxon/metadata-order.js';
import { isGoalKey, METRIC_GOALS, type MetricGoal, toGoalKey } from '../polyaxon/metric-goal.js';
import {
  isDone,
  mergeMetadata,
  type RunMetadata,
  type RunRecord,
  type RunStatus,
  withStatus,
} from '../polyaxon/run-record.js';
import { RUN_STATUSES } from '../polyaxon/statuses.js';
import { parseWallTime } from '../summary/arguments.js';
import { RUN_FLAGS, type RunContext } from './run-context.js';
import { parseTags, resolveRunName } from './run-options.js';

/** Options of `logInputs`, `logOutputs` and `logMeta`. */
export interface ValuesOptions {
  /** Replaces all earlier values. Default false: values are merged by name. */
  readonly reset?: boolean | undefined;
  /** Keeps values that look like secrets. Default false: they are masked, with a warning. */
  readonly allowSecrets?: boolean | undefined;
}
const VALUES_OPTIONS: OptionTable<ValuesOptions> = { reset: 'boolean', allowSecrets: 'boolean' };

/** Options of `logTags`. */
export interface TagsOptions {
  readonly reset?: boolean | undefined;
}
const TAGS_OPTIONS: OptionTable<TagsOptions> = { reset: 'boolean' };

/** Options of `metric`. */
export interface MetricOptions {
  /** Which value is the best: the smallest, the largest, or the last. */
  readonly goal: MetricGoal;
}
const METRIC_OPTIONS: OptionTable<MetricOptions> = { goal: 'any' };

/** Options of a status. */
export interface StatusOptions {
  /** Reason as one word, for programs. Default `Polytrack`. */
  readonly reason?: string | undefined;
  /** Reason as text, for people. */
  readonly message?: string | undefined;
  /** Start of the status, in seconds since 1970. Default: now. */
  readonly wallTime?: number | undefined;
}
export const STATUS_OPTIONS: OptionTable<StatusOptions> = {
  reason: 'string',
  message: 'string',
  wallTime: 'any',
};

/** The values that `update` can change. */
export interface RunChanges extends Pick<RunMetadata, 'tags' | 'inputs' | 'outputs'> {
  readonly meta?: RunMetadata['meta_info'];
  readonly name?: string;
  readonly description?: string;
  readonly readme?: string;
}
const RUN_CHANGES: OptionTable<RunChanges> = {
  name: 'any',
  description: 'any',
  readme: 'any',
  tags: 'any',
  inputs: 'any',
  outputs: 'any',
  meta: 'any',
};

type JsonObject = NonNullable<RunMetadata['meta_info']>;
type RecordChange = (record: RunRecord) => RunRecord;

export const STATUS_REASON = 'Polytrack';

export function logValues(
  context: RunContext,
  method: string,
  field: 'inputs' | 'outputs' | 'meta_info',
  values: unknown,
  options: ValuesOptions,
): void {
  context.guard(() => {
    context.checkOpen();
    checkOptions(method, options, VALUES_OPTIONS);
    const { reset = false, allowSecrets = false } = options;
    const named = context.parseNamedValues(field === 'meta_info' ? 'meta' : field, values, allowSecrets);
    const { directory } = context;
    if (field === 'outputs') noteOutputs(context, named, reset);
    const replace = (record: RunRecord) => (field === 'meta_info' ? withFlags(record, named) : named);
    if (!reset) directory.merge(field, named);
    else {
      directory.update((record) => ({ ...record, [field]: replace(record) }), {
        [field]: Object.keys(named),
      });
    }
    if (field === 'inputs') context.session?.noteInputs();
  });
}

/** Declares the goal of a metric. A later call replaces it. */
export function declareMetric(context: RunContext, name: string, options: MetricOptions): void {
  change(context, () => {
    const key = toGoalKey(context.events.parseTag(name));
    checkOptions('metric', options, METRIC_OPTIONS);
    const goal = METRIC_GOALS.find((known) => known === options?.goal);
    if (goal === undefined) {
      throw new InvalidArgumentError(
        'ERR_OPTION_INVALID',
        `metric: goal is ${describe(options?.goal)}, expected ${METRIC_GOALS.join(', ')}`,
        "Pass { goal: 'minimize' }, { goal: 'maximize' } or { goal: 'last' }.",
      );
    }
    // Entries, because an assignment to the key `__proto__` would set the prototype.
    const added = Object.fromEntries([[key, goal]]);
    return [(record) => mergeMetadata(record, { meta_info: added }), { meta_info: [key] }];
  });
}

export function logTags(context: RunContext, tags: unknown, options: TagsOptions): void {
  change(context, () => {
    checkOptions('logTags', options, TAGS_OPTIONS);
    const added = mask(context, 'tags', parseTags(tags));
    const add = (record: RunRecord) =>
      mergeMetadata(options.reset === true ? { ...record, tags: [] } : record, { tags: added });
    return [add, { tags: added }];
  });
}

export function setText(
  context: RunContext,
  field: 'name' | 'description' | 'readme',
  parse: () => string,
): void {
  change(context, () => {
    const text = mask(context, field, parse());
    return (record) => ({ ...(field === 'name' ? withoutDefaultName(record) : record), [field]: text });
  });
}

/** Returns the record of a run that the program names, also if it chooses the default. */
function withoutDefaultName({ default_name: _, ...record }: RunRecord): RunRecord {
  return record;
}

export function update(context: RunContext, changes: RunChanges): void {
  change(context, () => {
    checkOptions('update', changes ?? null, RUN_CHANGES);
    const { name, description, readme, tags, inputs, outputs, meta } = changes;
    const replaced = {
      ...(name === undefined ? {} : { name: mask(context, 'name', resolveRunName(name)) }),
      ...(description === undefined
        ? {}
        : { description: mask(context, 'description', parseText('description', description)) }),
      ...(readme === undefined ? {} : { readme: mask(context, 'readme', parseText('readme', readme)) }),
      ...(tags === undefined ? {} : { tags: mask(context, 'tags', parseTags(tags)) }),
      ...(inputs === undefined ? {} : { inputs: context.parseNamedValues('inputs', inputs, false) }),
      ...(outputs === undefined ? {} : { outputs: context.parseNamedValues('outputs', outputs, false) }),
    };
    if (replaced.outputs !== undefined) noteOutputs(context, replaced.outputs, true);
    const metaInfo = meta === undefined ? undefined : context.parseNamedValues('meta', meta, false);
    const replace = (record: RunRecord) => ({
      ...(name === undefined ? record : withoutDefaultName(record)),
      ...replaced,
      ...(metaInfo === undefined ? {} : { meta_info: withFlags(record, metaInfo) }),
    });
    const namesOf = (values: JsonObject | undefined) => Object.keys(values ?? {});
    const written = {
      tags: replaced.tags ?? [],
      inputs: namesOf(replaced.inputs),
      outputs: namesOf(replaced.outputs),
      meta_info: namesOf(metaInfo),
    };
    return [replace, written];
  });
}

/** Adds a status, with `message` as its default message. */
export function logStatus(
  context: RunContext,
  method: string,
  parse: () => RunStatus,
  options: StatusOptions,
  message?: string,
): void {
  change(context, () => {
    checkOptions(method, options, STATUS_OPTIONS);
    const type = parse();
    const wallTime = parseWallTime(options.wallTime);
    return (record) => addStatus(context, record, type, { message, ...options, wallTime });
  });
}

/** Returns the record with the status added, or unchanged if the run is done. */
export function addStatus(
  context: RunContext,
  record: RunRecord,
  type: RunStatus,
  options: StatusOptions,
): RunRecord {
  if (isDone(record.status)) {
    const message = `the run is already ${record.status}; the status ${type} is ignored`;
    context.diagnostics.warn('WARN_STATUS_IGNORED', message);
    return record;
  }
  const { wallTime } = options;
  const details = {
    reason: mask(context, 'reason', options.reason ?? STATUS_REASON),
    message: mask(context, 'message', options.message),
  };
  if (wallTime !== undefined) return withStatus(record, type, wallTime, details);
  const elapsedSeconds = context.measureElapsedSeconds();
  return withStatus(record, type, context.clock.wallTime(), { ...details, elapsedSeconds });
}

/** Checks the arguments, then changes and writes the record. `check` may also return the names that are written. */
function change(
  context: RunContext,
  check: () => RecordChange | readonly [RecordChange, MetadataNames],
): void {
  context.guard(() => {
    context.checkOpen();
    const checked = check();
    const [update, names = {}] = typeof checked === 'function' ? [checked] : checked;
    context.directory.update(update, names);
    if (names.inputs !== undefined) context.session?.noteInputs();
  });
}

/** Masks the secrets of texts. Programs may load secrets into their environment after the run has started. */
function mask<T>(context: RunContext, subject: string, text: T): T {
  context.masker.refresh();
  return context.maskText(subject, text);
}

function noteOutputs({ loggedOutputs }: RunContext, outputs: JsonObject, isReset: boolean): void {
  if (isReset) loggedOutputs.clear();
  for (const name of Object.keys(outputs)) loggedOutputs.add(name);
}

/** Returns new meta information that keeps the goals of metrics, and the event flags of the run, because Polyaxon finds events by them. */
function withFlags({ meta_info: before = {} }: RunRecord, meta: JsonObject): JsonObject {
  const isKept = (name: string) => RUN_FLAGS.some((flag) => flag === name) || isGoalKey(name);
  const kept = Object.entries(before).filter(([name]) => isKept(name));
  return { ...Object.fromEntries(kept), ...meta };
}

export function parseStatus(status: unknown): RunStatus {
  const found = RUN_STATUSES.find((known) => known === status);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(
    'ERR_STATUS_INVALID',
    `status is ${describe(status)}, expected one of ${RUN_STATUSES.join(', ')}`,
    'Pass one of the expected statuses.',
  );
}

export function parseText(subject: string, text: unknown): string {
  if (typeof text === 'string') return toWellFormedText(text).text;
  throw new InvalidArgumentError(
    'ERR_TEXT_INVALID',
    `${subject} is ${describe(text)}, expected a string`,
    'Pass a string of plain text or Markdown.',
  );
}
