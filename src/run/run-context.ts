/**
 * The state that the methods of a run share: its directory, record, events, and the reporting of misuse.
 */

import { isAbsolute, relative, sep } from 'node:path';
import type { Clock } from '../base/clock.js';
import { quote } from '../base/describe.js';
import type { Diagnostics } from '../base/diagnostics.js';
import { ClosedError, InvalidArgumentError } from '../base/errors.js';
import { type JsonValue, parseJsonObject } from '../base/json-value.js';
import { reportUnawaited } from '../base/observed-promise.js';
import type { OptionTable } from '../base/options.js';
import type { Masker } from '../capture/secrets.js';
import { type EventLog, SHARED_EVENT_OPTIONS, type SharedEventOptions } from '../event-log/event-log.js';
import { toFallbackName, toReadableName } from '../polyaxon/names.js';
import { secondsBetween, toIsoTime } from '../polyaxon/run-record.js';
import type { RunDirectory } from '../run-directory/run-directory.js';
import { type EventOptions, parseEventOptions, type StepOr } from '../summary/arguments.js';
import type { RunEnvironment } from './run-environment.js';
import type { HParamsRunSession } from './run-session.js';
import type { TraceMetricsOptions } from './span-metrics.js';

/** Flags in Polyaxon's `meta_info` for the kinds of events that a run has. Source: polyaxon 2.16, `_client/run.py` (`_log_has_…`). */
export const RUN_FLAGS = ['has_events', 'has_metrics', 'has_model', 'has_traces', 'has_tensorboard'] as const;
type RunFlag = (typeof RUN_FLAGS)[number];

interface RunParts {
  readonly environment: RunEnvironment;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly masker: Masker;
  readonly directory: RunDirectory;
  readonly events: EventLog;
  /** Undefined if the run has no session of hyperparameters. */
  readonly session: HParamsRunSession | undefined;
  /** Whether misuse is counted and reported as a warning instead of thrown. */
  readonly warnsOnMisuse: boolean;
  readonly traceMetrics: TraceMetricsOptions | undefined;
}

export class RunContext {
  readonly environment: RunEnvironment;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly masker: Masker;
  readonly directory: RunDirectory;
  readonly events: EventLog;
  readonly session: HParamsRunSession | undefined;
  /** The names of outputs that this process logged explicitly. */
  readonly loggedOutputs = new Set<string>();
  /** Whether misuse is counted and reported as a warning instead of thrown. */
  readonly warnsOnMisuse: boolean;
  readonly traceMetrics: TraceMetricsOptions | undefined;
  /** The last copy to each path in `outputs/`. */
  readonly copies = new Map<string, { readonly from: string; readonly done: Promise<unknown> }>();
  #hasMetrics = false;
  readonly #flags = new Set<RunFlag>();
  #hasWarnedNotCollected = false;
  readonly #work = new Set<Promise<void>>();
  /** The duration of the run before this process, and the time at which this process began. */
  readonly #earlierSeconds: number;
  readonly #startedMs: number;
  #isOpen = true;

  constructor(parts: RunParts) {
    this.environment = parts.environment;
    this.clock = parts.clock;
    this.diagnostics = parts.diagnostics;
    this.masker = parts.masker;
    this.directory = parts.directory;
    this.events = parts.events;
    this.session = parts.session;
    this.warnsOnMisuse = parts.warnsOnMisuse;
    this.traceMetrics = parts.traceMetrics;
    const { started_at, created_at } = this.directory.record;
    this.#startedMs = this.clock.monotonicMs();
    this.#earlierSeconds = secondsBetween(started_at ?? created_at, toIsoTime(this.clock.wallTime()));
  }

  /** Returns the time since the run started, whatever happens to the host's clock during this process. */
  measureElapsedSeconds(): number {
    return this.#earlierSeconds + (this.clock.monotonicMs() - this.#startedMs) / 1000;
  }

  /** Rejects all later calls with `ClosedError`. */
  close(): void {
    this.#isOpen = false;
  }

  checkOpen(): void {
    if (!this.#isOpen) throw new ClosedError(`run ${this.environment.uuid}`);
  }

  /** Runs a call. Misuse throws, or is counted and reported when `onError` is `warn`. */
  guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.reportMisuse(error);
    }
  }

  /**
   * Runs an asynchronous call like `guard`. Resolves to undefined when the call was rejected and reported. Rejects only if the program
   * awaits the promise.
   */
  guardAsync<T>(call: () => Promise<T>): Promise<T | undefined> {
    const guarded = async (): Promise<T | undefined> => {
      try {
        return await call();
      } catch (error) {
        this.reportMisuse(error);
        return undefined;
      }
    };
    return this.observe(guarded());
  }

  /** Returns the promise in a form that the program may ignore. */
  observe<T>(work: Promise<T>): Promise<T> {
    return reportUnawaited(work, (error) => this.diagnostics.unawaited(error));
  }

  reportMisuse(error: unknown): void {
    if (!this.warnsOnMisuse) throw error;
    this.diagnostics.rejected(error);
  }

  /** Registers work that the end of the run waits for. */
  track<T>(work: Promise<T>): Promise<T> {
    const forget = (): void => {
      this.#work.delete(settled);
    };
    const settled = work.then(forget, forget);
    this.#work.add(settled);
    return work;
  }

  /** Whether tracked work is in progress. */
  get isWorking(): boolean {
    return this.#work.size > 0;
  }

  /** Resolves once all work so far has settled, successfully or not. */
  async settleWork(): Promise<void> {
    await Promise.all(this.#work);
  }

  /** Records the kinds of a logged event. If events are not collected, warns once instead. */
  noteEvents(...flags: readonly RunFlag[]): void {
    this.session?.begin();
    if (this.environment.collectsEvents) this.flag(...flags);
    else if (this.environment.mode !== 'no-op' && !this.#hasWarnedNotCollected) {
      this.#hasWarnedNotCollected = true;
      this.diagnostics.warn('WARN_NOT_COLLECTED', 'events are not collected: collectArtifacts is off');
    }
  }

  /** Checks the options of a method, masks their secrets, and logs its event. */
  logEvent<Options extends EventOptions>(
    method: string,
    options: StepOr<Options>,
    table: OptionTable<Options>,
    log: (checked: Options) => void,
  ): void {
    this.guard(() => {
      log(this.maskOptions(parseEventOptions(method, options, table)));
      this.noteEvents('has_events');
    });
  }

  /** Like `logEvent`, for what only TensorBoard shows. */
  logDashboard(
    method: string,
    options: StepOr<SharedEventOptions>,
    log: (checked: SharedEventOptions) => void,
  ): void {
    this.guard(() => {
      log(parseEventOptions(method, options, SHARED_EVENT_OPTIONS));
      this.noteEvents();
    });
  }

  /** Masks the secrets in the texts of the options. */
  maskOptions<T extends EventOptions>(options: T): T {
    if (options?.description === undefined && options?.displayName === undefined) return options;
    const { description, displayName } = options;
    return {
      ...options,
      ...(description === undefined ? {} : { description: this.maskText('description', description) }),
      ...(displayName === undefined ? {} : { displayName: this.maskText('displayName', displayName) }),
    };
  }

  /** Records that the run has metrics. */
  noteMetrics(): void {
    if (this.#hasMetrics) return;
    this.#hasMetrics = true;
    this.noteEvents('has_metrics', 'has_events');
  }

  /** Records in the run's meta information, once, that it has events of a kind. */
  flag(...flags: readonly RunFlag[]): void {
    const added = flags.filter((flag) => !this.#flags.has(flag));
    if (added.length === 0) return;
    for (const flag of added) this.#flags.add(flag);
    const meta = Object.fromEntries(added.map((flag) => [flag, true]));
    this.directory.update((record) => ({ ...record, meta_info: { ...record.meta_info, ...meta } }));
  }

  /**
   * Returns named values in the form that `run.plx.json` stores: JSON values under Polyaxon's names, with secrets masked unless
   * `allowSecrets` is set. Throws `ERR_PARAMS_INVALID`.
   */
  parseNamedValues(subject: string, values: unknown, allowSecrets: boolean): Record<string, JsonValue> {
    // Entries, because an assignment to the key `__proto__` would set the prototype.
    const named: [string, JsonValue][] = [];
    const origins = new Map<string, string>();
    // Programs may load secrets into their environment after the run has started.
    this.masker.refresh();
    for (const [name, value] of Object.entries(parseJsonObject(subject, values))) {
      const key = this.#toKey(subject, name);
      const other = origins.get(key);
      if (other !== undefined) throw sameKey(subject, name, other, key);
      origins.set(key, name);
      if (subject !== 'meta') this.session?.noteName(key, name);
      named.push([key, allowSecrets ? value : this.#mask(subject, name, value)]);
    }
    return Object.fromEntries(named);
  }

  /** Returns the name of an artifact in Polyaxon. Throws `ERR_NAME_INVALID`. */
  parseLineageName(name: string): string {
    return this.#toKey('', this.events.parseTag(this.maskText('name', name)));
  }

  /** Returns a path inside the run directory relative to it, any other path unchanged. */
  toLineagePath(path: string): string {
    const inside = relative(this.environment.paths.run, path);
    const isInside = inside !== '' && !inside.startsWith('..') && !isAbsolute(inside);
    return isInside ? inside.replaceAll(sep, '/') : path;
  }

  #toKey(subject: string, name: string): string {
    const key = toReadableName(name);
    if (key !== '') return key;
    const generated = toFallbackName(name);
    const message = `the name ${quote(name)} has no characters that Polyaxon allows; stored as ${generated}`;
    this.diagnostics.warn('WARN_NAME_GENERATED', subject === '' ? message : `${subject}: ${message}`);
    return generated;
  }

  /** Masks the secrets of a text, or of the texts in a list, with a warning. Returns any other value unchanged. */
  maskText<T>(subject: string, text: T): T {
    if (Array.isArray(text)) return text.map((each) => this.maskText(subject, each)) as T;
    return typeof text === 'string' ? (this.#warnOf(subject, () => this.masker.maskText(text)) as T) : text;
  }

  /** Masks the secrets of values by their names and by content, with a warning. */
  maskValues<T extends JsonValue | undefined>(subject: string, values: T): T {
    return values === undefined
      ? values
      : (this.#warnOf(subject, () => this.masker.maskValue('', values as JsonValue)) as T);
  }

  #mask(subject: string, name: string, value: JsonValue): JsonValue {
    return this.#warnOf(
      `${subject}.${name}`,
      () => this.masker.maskValue(name, value),
      '; pass { allowSecrets: true } to keep it',
    );
  }

  #warnOf<T>(subject: string, mask: () => T, hint = ''): T {
    const before = this.masker.maskedCount;
    const masked = mask();
    if (this.masker.maskedCount > before)
      this.diagnostics.warn('WARN_SECRET_MASKED', `${subject} looks like a secret and is masked${hint}`);
    return masked;
  }
}

function sameKey(subject: string, name: string, other: string, key: string): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_PARAMS_INVALID',
    `${subject}: ${quote(other)} and ${quote(name)} are both named ${key} in Polyaxon`,
    'Use names that differ in letters, digits or underscores.',
  );
}
