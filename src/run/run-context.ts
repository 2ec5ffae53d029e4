/**
 * What the methods of a run share: where it lives, its record, its events, and what happens to mistakes.
 */

import type { Clock } from '../base/clock.js';
import type { Diagnostics } from '../base/diagnostics.js';
import { ClosedError, CodedError, InvalidArgumentError, messageOf } from '../base/errors.js';
import { type JsonValue, parseJsonObject } from '../base/json-value.js';
import type { Masker } from '../capture/secrets.js';
import type { EventLog } from '../event-log/event-log.js';
import { sanitizeName, toFallbackName } from '../polyaxon/names.js';
import type { RunDirectory } from '../run-directory/run-directory.js';
import type { RunEnvironment } from './run-environment.js';

/** What kinds of events a run has had, as Polyaxon's `meta_info` tells. Source: polyaxon 2.16, `_client/run.py` (`_log_has_…`). */
export const RUN_FLAGS = ['has_events', 'has_metrics', 'has_model', 'has_traces', 'has_tensorboard'] as const;
export type RunFlag = (typeof RUN_FLAGS)[number];

export interface RunParts {
  readonly context: RunEnvironment;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly masker: Masker;
  readonly directory: RunDirectory;
  readonly events: EventLog;
  /** Whether mistakes in calls become counted warnings. */
  readonly warnsOfMistakes: boolean;
}

export class RunContext {
  readonly #parts: RunParts;
  readonly #flags = new Set<RunFlag>();
  #toldNotCollected = false;
  readonly #work = new Set<Promise<void>>();
  #isOpen = true;

  /** Read at every metric: no getter. */
  readonly events: EventLog;
  /** The names of outputs that were logged as such in this process. */
  readonly loggedOutputs = new Set<string>();

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.events = parts.events;
  }

  get context(): RunEnvironment {
    return this.#parts.context;
  }

  get clock(): Clock {
    return this.#parts.clock;
  }

  get diagnostics(): Diagnostics {
    return this.#parts.diagnostics;
  }

  get masker(): Masker {
    return this.#parts.masker;
  }

  get directory(): RunDirectory {
    return this.#parts.directory;
  }

  /** From now on calls are refused with `ClosedError`. */
  close(): void {
    this.#isOpen = false;
  }

  checkOpen(): void {
    if (!this.#isOpen) throw new ClosedError(`run ${this.context.uuid}`);
  }

  /** Does what a caller asked for. A mistake is thrown, or counted and told of when `onError` is `warn`. */
  guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.reportMisuse(error);
    }
  }

  /** As `attempt`; resolves to undefined when the call was refused and told of. */
  async guardAsync<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      this.reportMisuse(error);
      return undefined;
    }
  }

  reportMisuse(error: unknown): void {
    if (!this.#parts.warnsOfMistakes) throw error;
    const code = error instanceof CodedError ? error.code : 'ERR_UNKNOWN';
    this.diagnostics.count(code);
    this.diagnostics.warn('WARN_CALL_REJECTED', `${code}: ${messageOf(error)}`);
  }

  /** Work that the run's end waits for. */
  track<T>(work: Promise<T>): Promise<T> {
    const settled = work.then(
      () => undefined,
      () => undefined,
    );
    this.#work.add(settled);
    void settled.then(() => this.#work.delete(settled));
    return work;
  }

  /** Whether work is under way. */
  get isWorking(): boolean {
    return this.#work.size > 0;
  }

  /** Resolves once all work so far is done, whether it failed or not. */
  async settleWork(): Promise<void> {
    await Promise.all(this.#work);
  }

  /** After an event was logged: remembers its kinds; where none are collected, says so once. */
  noteEvents(...flags: readonly RunFlag[]): void {
    if (this.context.collectsEvents) this.flag(...flags);
    else if (this.context.mode !== 'no-op' && !this.#toldNotCollected) {
      this.#toldNotCollected = true;
      this.diagnostics.warn('WARN_NOT_COLLECTED', 'events are not collected: collectArtifacts is off');
    }
  }

  /** Remembers, once, that the run has events of a kind. */
  flag(...flags: readonly RunFlag[]): void {
    const added = flags.filter((flag) => !this.#flags.has(flag));
    if (added.length === 0) return;
    for (const flag of added) this.#flags.add(flag);
    const meta = Object.fromEntries(added.map((flag) => [flag, true]));
    this.directory.update((record) => ({ ...record, meta_info: { ...record.meta_info, ...meta } }));
  }

  /**
   * Values that callers give under names, ready for `run.plx.json`: JSON, with Polyaxon's names, secrets masked unless they are
   * allowed. Throws `ERR_PARAMS_INVALID`.
   */
  parseNamedValues(subject: string, values: unknown, allowSecrets: boolean): Record<string, JsonValue> {
    const named: Record<string, JsonValue> = {};
    const origins = new Map<string, string>();
    // Programs read files of secrets into their environment after the run has started.
    this.masker.refresh();
    for (const [name, value] of Object.entries(parseJsonObject(subject, values))) {
      const key = this.#toKey(subject, name);
      const other = origins.get(key);
      if (other !== undefined) throw sameKey(subject, name, other, key);
      origins.set(key, name);
      named[key] = allowSecrets ? value : this.#mask(subject, name, value);
    }
    return named;
  }

  #toKey(subject: string, name: string): string {
    const key = sanitizeName(name);
    if (key !== '') return key;
    const generated = toFallbackName(name);
    const message = `${subject}: of the name ${JSON.stringify(name)} Polyaxon leaves nothing; it is called ${generated}`;
    this.diagnostics.warn('WARN_NAME_GENERATED', message);
    return generated;
  }

  #mask(subject: string, name: string, value: JsonValue): JsonValue {
    const before = this.masker.maskedCount;
    const masked = this.masker.maskValue(name, value);
    if (this.masker.maskedCount > before) {
      const message = `${subject}.${name} looks like a secret and is masked; pass { allowSecrets: true } to keep it`;
      this.diagnostics.warn('WARN_SECRET_MASKED', message);
    }
    return masked;
  }
}

function sameKey(subject: string, name: string, other: string, key: string): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_PARAMS_INVALID',
    `${subject}: ${JSON.stringify(other)} and ${JSON.stringify(name)} are both called ${key} in Polyaxon`,
    'Give them names that differ in letters, digits or underscores.',
  );
}
