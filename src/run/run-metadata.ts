/**
 * The methods of `Run` for metadata: parameters, results, tags, texts, progress, status. A change is on disk when the call returns,
 * except in a series of merges into a large record (`RunDirectory.merge`).
 */

import { describe } from '../base/describe.js';
import { InvalidArgumentError } from '../base/errors.js';
import type { JsonValue } from '../base/json-value.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import { toWellFormedText } from '../base/well-formed-text.js';
import type { MetadataNames } from '../polyaxon/metadata-order.js';
import {
  isDone,
  mergeMetadata,
  type RunMetadata,
  type RunRecord,
  type RunStatus,
  type StatusCondition,
  withStatus,
} from '../polyaxon/run-record.js';
import { RUN_STATUSES } from '../polyaxon/statuses.js';
import { parseWallTime } from '../summary/arguments.js';
import type { SpanJson } from '../trace/span.js';
import { ProgressThrottle, parseProgress } from './progress-throttle.js';
import { RUN_FLAGS, type RunContext } from './run-context.js';
import { RunDashboards } from './run-dashboards.js';
import { parseTags, resolveRunName } from './run-options.js';

/** Options of `logInputs`, `logOutputs` and `logMeta`. */
export interface ValuesOptions {
  /** Replaces all earlier values. Default false: values are merged by name. */
  readonly reset?: boolean | undefined;
  /** Keeps values that look like secrets. Default false: they are masked, with a warning. */
  readonly allowSecrets?: boolean | undefined;
}
const VALUES_OPTIONS: OptionTable<ValuesOptions> = { reset: 'boolean', allowSecrets: 'boolean' };

interface TagsOptions {
  readonly reset?: boolean | undefined;
}
const TAGS_OPTIONS: OptionTable<TagsOptions> = { reset: 'boolean' };

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

export abstract class RunMetadataMethods extends RunDashboards {
  readonly #progress: ProgressThrottle;

  constructor(context: RunContext) {
    super(context);
    this.#progress = new ProgressThrottle(context.clock);
  }

  /**
   * Merges parameters into the run's inputs. Names are converted to Polyaxon's (`model/lr` becomes `model__lr`). Values that look like
   * secrets are masked, with a warning. Throws `ERR_PARAMS_INVALID` with the path of a cyclic or non-JSON value.
   */
  logInputs(inputs: Readonly<Record<string, unknown>>, options: ValuesOptions = {}): void {
    this.#logValues('logInputs', 'inputs', 'inputs', inputs, options);
  }

  /** Merges results into the run's outputs, with the rules of `logInputs`. */
  logOutputs(outputs: Readonly<Record<string, unknown>>, options: ValuesOptions = {}): void {
    this.#logValues('logOutputs', 'outputs', 'outputs', outputs, options);
  }

  /** Merges facts into the run's meta information, with the rules of `logInputs`. */
  logMeta(meta: Readonly<Record<string, unknown>>, options: ValuesOptions = {}): void {
    this.#logValues('logMeta', 'meta_info', 'meta', meta, options);
  }

  /** Adds tags to the run, with secrets masked; `reset` replaces all earlier ones. A string may contain several tags, separated by commas. Throws `ERR_TAGS_INVALID`. */
  logTags(tags: string | readonly string[], options: TagsOptions = {}): void {
    this.change(() => {
      checkOptions('logTags', options, TAGS_OPTIONS);
      const added = this.#mask('tags', parseTags(tags));
      const change = (record: RunRecord) =>
        mergeMetadata(options.reset === true ? { ...record, tags: [] } : record, { tags: added });
      return [change, { tags: added }];
    });
  }

  /** Changes the run's name, also in TensorBoard, where the run appears under the new name within seconds. Throws `ERR_NAME_INVALID`. */
  setName(name: string): void {
    this.change(() => {
      const checked = this.#mask('name', resolveRunName(name));
      return (record) => ({ ...record, name: checked });
    });
  }

  /** Sets the run's description. Throws `ERR_TEXT_INVALID`. */
  setDescription(description: string): void {
    this.change(() => {
      const text = this.#mask('description', parseText('description', description));
      return (record) => ({ ...record, description: text });
    });
  }

  /** Sets the run's readme, in Markdown. Throws `ERR_TEXT_INVALID`. */
  setReadme(readme: string): void {
    this.change(() => {
      const text = this.#mask('readme', parseText('readme', readme));
      return (record) => ({ ...record, readme: text });
    });
  }

  /** Changes several values at once; others stay the same. Throws the errors of the single methods, before anything is changed. */
  update(changes: RunChanges): void {
    this.change(() => {
      checkOptions('update', changes ?? null, RUN_CHANGES);
      const { name, description, readme, tags, inputs, outputs, meta } = changes;
      const replaced = {
        ...(name === undefined ? {} : { name: this.#mask('name', resolveRunName(name)) }),
        ...(description === undefined
          ? {}
          : { description: this.#mask('description', parseText('description', description)) }),
        ...(readme === undefined ? {} : { readme: this.#mask('readme', parseText('readme', readme)) }),
        ...(tags === undefined ? {} : { tags: this.#mask('tags', parseTags(tags)) }),
        ...(inputs === undefined ? {} : { inputs: this.context.parseNamedValues('inputs', inputs, false) }),
        ...(outputs === undefined
          ? {}
          : { outputs: this.context.parseNamedValues('outputs', outputs, false) }),
      };
      if (replaced.outputs !== undefined) this.#noteOutputs(replaced.outputs, true);
      const metaInfo = meta === undefined ? undefined : this.context.parseNamedValues('meta', meta, false);
      const change = (record: RunRecord) => ({
        ...record,
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
      return [change, written];
    });
  }

  /** Sets the progress, from 0 to 1. Drops small increases when many occur in one second. Throws `ERR_PROGRESS_INVALID`. */
  logProgress(progress: number): void {
    this.context.guard(() => {
      const checked = parseProgress(progress);
      if (this.#progress.admits(checked)) this.logMeta({ progress: checked });
    });
  }

  /**
   * Adds a status. If the run is already done, its status stays and a warning is reported. Throws `ERR_STATUS_INVALID`. Use
   * `logSucceeded`, `logFailed` or `logStopped` to also end the run.
   */
  logStatus(status: RunStatus, options: StatusOptions = {}): void {
    this.change(() => {
      checkOptions('logStatus', options, STATUS_OPTIONS);
      const type = parseStatus(status);
      const wallTime = parseWallTime(options.wallTime);
      return (record) => this.addStatus(record, type, { ...options, wallTime });
    });
  }

  /** Sets the status `running`, which a new run already has. */
  start(options: StatusOptions = {}): void {
    this.change(() => {
      checkOptions('start', options, STATUS_OPTIONS);
      const wallTime = parseWallTime(options.wallTime);
      const condition = { message: 'Operation is running', ...options, wallTime };
      return (record) => this.addStatus(record, 'running', condition);
    });
  }

  /** Returns the run's inputs so far. */
  getInputs(): Readonly<Record<string, JsonValue>> {
    return this.context.directory.record.inputs ?? {};
  }

  /** Returns the run's outputs so far. The last values of metrics are added at the end of the run. */
  getOutputs(): Readonly<Record<string, JsonValue>> {
    return this.context.directory.record.outputs ?? {};
  }

  /** Returns the run's status and its status history. */
  getStatuses(): { readonly status: RunStatus; readonly conditions: readonly StatusCondition[] } {
    const { status, status_conditions } = this.context.directory.record;
    return { status, conditions: status_conditions };
  }

  /** @internal */
  protected override updateFromSpan({ inputs, outputs }: SpanJson): void {
    if (inputs !== undefined) this.logInputs(inputs);
    if (outputs !== undefined) this.logOutputs(outputs);
  }

  /** @internal Returns the record with the status added, or unchanged if the run is done. */
  protected addStatus(record: RunRecord, type: RunStatus, options: StatusOptions): RunRecord {
    if (isDone(record.status)) {
      const message = `the run is already ${record.status}; the status ${type} is ignored`;
      this.context.diagnostics.warn('WARN_STATUS_IGNORED', message);
      return record;
    }
    const { wallTime } = options;
    const details = {
      reason: this.#mask('reason', options.reason ?? STATUS_REASON),
      message: this.#mask('message', options.message),
    };
    if (wallTime !== undefined) return withStatus(record, type, wallTime, details);
    const elapsedSeconds = this.context.measureElapsedSeconds();
    return withStatus(record, type, this.context.clock.wallTime(), { ...details, elapsedSeconds });
  }

  /** @internal Checks the arguments, then changes and writes the record. `check` may also return the names that are written. */
  protected change(check: () => RecordChange | readonly [RecordChange, MetadataNames]): void {
    this.context.guard(() => {
      this.context.checkOpen();
      const checked = check();
      if (typeof checked === 'function') this.context.directory.update(checked);
      else this.context.directory.update(checked[0], checked[1]);
      if (typeof checked !== 'function' && checked[1].inputs !== undefined)
        this.context.session?.noteInputs();
    });
  }

  /** Masks the secrets of texts. Programs may load secrets into their environment after the run has started. */
  #mask<T>(subject: string, text: T): T {
    this.context.masker.refresh();
    return this.context.maskText(subject, text);
  }

  #logValues(
    method: string,
    field: 'inputs' | 'outputs' | 'meta_info',
    subject: string,
    values: unknown,
    options: ValuesOptions,
  ): void {
    this.context.guard(() => {
      this.context.checkOpen();
      checkOptions(method, options, VALUES_OPTIONS);
      const { reset = false, allowSecrets = false } = options;
      const named = this.context.parseNamedValues(subject, values, allowSecrets);
      const { directory } = this.context;
      if (field === 'outputs') this.#noteOutputs(named, reset);
      const replace = (record: RunRecord) => (field === 'meta_info' ? withFlags(record, named) : named);
      if (!reset) directory.merge(field, named);
      else {
        directory.update((record) => ({ ...record, [field]: replace(record) }), {
          [field]: Object.keys(named),
        });
      }
      if (field === 'inputs') this.context.session?.noteInputs();
    });
  }

  #noteOutputs(outputs: JsonObject, isReset: boolean): void {
    const { loggedOutputs } = this.context;
    if (isReset) loggedOutputs.clear();
    for (const name of Object.keys(outputs)) loggedOutputs.add(name);
  }
}

/** Returns new meta information that keeps the event flags of the run, because Polyaxon finds events by them. */
function withFlags({ meta_info: before = {} }: RunRecord, meta: JsonObject): JsonObject {
  const flags = RUN_FLAGS.filter((flag) => flag in before).map((flag) => [flag, before[flag]]);
  return { ...Object.fromEntries(flags), ...meta };
}

function parseStatus(status: unknown): RunStatus {
  const found = RUN_STATUSES.find((known) => known === status);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(
    'ERR_STATUS_INVALID',
    `status is ${describe(status)}, expected one of ${RUN_STATUSES.join(', ')}`,
    'Pass one of the expected statuses.',
  );
}

function parseText(subject: string, text: unknown): string {
  if (typeof text === 'string') return toWellFormedText(text).text;
  throw new InvalidArgumentError(
    'ERR_TEXT_INVALID',
    `${subject} is ${describe(text)}, expected a string`,
    'Pass a string of plain text or Markdown.',
  );
}
