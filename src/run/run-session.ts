/**
 * The HParams session of a run: a row of TensorBoard's table that compares runs. The inputs are its hyperparameters, the last values of
 * metrics and the logged outputs its results.
 *
 * For TensorBoard the first start and end of a session are final. The start is therefore written when the run begins to log events, or a
 * second after its first inputs. Inputs that change later, and the end of a resumed run, go to a small event file that a TensorBoard
 * started afterwards reads first.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../base/clock.js';
import type { Diagnostics } from '../base/diagnostics.js';
import { CodedError } from '../base/errors.js';
import type { JsonValue } from '../base/json-value.js';
import { decodeHParams, type HParamsData } from '../format/reader/plugin-messages.js';
import { DataType, type Event, type SummaryValue } from '../format/wire/messages.js';
import type { EventFileWriter } from '../format/writer/event-file-writer.js';
import { sanitizeName, toFallbackName } from '../polyaxon/names.js';
import { isDone, type RunStatus } from '../polyaxon/run-record.js';
import { asRunSession } from '../polyaxon/run-session.js';
import {
  createSessionEndValue,
  createSessionStartValue,
  type HParamValue,
  type SessionOutcome,
} from '../summary/hparams.js';
import { createMetadata } from '../summary/plugin-data.js';
import { toSessionHParams } from '../summary/session-hparams.js';

type Values = Readonly<Record<string, JsonValue>>;
type HParams = Readonly<Record<string, HParamValue>>;
type Outcome = SessionOutcome | 'running';

export interface RunSessionOptions {
  readonly writer: EventFileWriter;
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  /** Returns the inputs of the run so far, by Polyaxon's names. */
  readonly readInputs: () => Values;
}

/** The time for further inputs after the first ones, and before the first correction. Each correction doubles it. */
const DELAY_MS = 1000;
const MAX_DELAY_MS = 10 * 60_000;

export class HParamsRunSession {
  readonly #options: RunSessionOptions;
  /** The names that the program gave to inputs and outputs, by Polyaxon's names. */
  readonly #names = new Map<string, string>();
  /** What a TensorBoard that is started now shows; undefined before the session has a start. */
  #shown: HParams | undefined;
  #shownEnd: Outcome | undefined;
  #startTime: number;
  readonly #nameOf = (key: string): string => this.#names.get(key) ?? key;
  #hasBegun = false;
  #hasEnd = false;
  #timer: NodeJS.Timeout | undefined;
  #delayMs = DELAY_MS;
  #nextCorrectionMs = 0;
  #hasWarnedOfLimit = false;

  constructor(options: RunSessionOptions) {
    this.#options = options;
    this.#startTime = options.clock.wallTime();
    for (const event of options.writer.earlierHParams) this.#readEarlier(event);
    for (const name of Object.keys(this.#shown ?? {})) this.#recoverName(name);
  }

  /** Remembers the name that the program gave to an input or output, which TensorBoard shows. */
  noteName(key: string, name: string): void {
    this.#names.set(key, name);
  }

  /** To be called when inputs may have changed. */
  noteInputs(): void {
    if (this.#hasEnd) return;
    const wait = this.#shown === undefined ? DELAY_MS : this.#msUntilCorrection();
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.settle();
    }, wait).unref();
  }

  /** To be called with each kind of event: starts the session with the inputs so far. */
  begin(): void {
    if (this.#hasBegun) return;
    this.settle();
    this.#hasBegun = this.#shown !== undefined;
  }

  /** Writes inputs that TensorBoard does not show yet. */
  settle(): void {
    if (this.#hasEnd) return;
    const hparams = this.#readHParams();
    if (this.#shown === undefined) {
      if (Object.keys(hparams).length > 0) this.#start(hparams);
      return;
    }
    const hasOldEnd = this.#shownEnd !== undefined && this.#shownEnd !== 'running';
    if (!hasOldEnd && isDeepStrictEqual(hparams, this.#shown)) return;
    if (!hasOldEnd && this.#msUntilCorrection() > 0) {
      this.noteInputs();
      return;
    }
    this.#correct(hparams, this.#shownEnd === undefined ? undefined : 'running');
  }

  /**
   * Ends the session. Numbers among the outputs that this process has logged (`isLogged`, by Polyaxon's names) become points of
   * separate tags. A later call replaces the status.
   */
  end(status: RunStatus, outputs: Values, isLogged: (key: string) => boolean): void {
    clearTimeout(this.#timer);
    const hparams = this.#readHParams();
    const outcome = toOutcome(status);
    if (!this.#hasEnd) {
      if (this.#shown === undefined && Object.keys(hparams).length > 0) this.#start(hparams);
      if (this.#shown === undefined) return;
      this.#hasEnd = true;
      this.#write(this.#createEnd(outcome));
      this.#writeResults(outputs, isLogged);
      this.#shownEnd ??= outcome;
    }
    if (this.#shown === undefined) return;
    if (outcome !== this.#shownEnd || !isDeepStrictEqual(hparams, this.#shown))
      this.#correct(hparams, outcome);
  }

  #start(hparams: HParams): void {
    this.#write(this.#createStart(hparams));
    this.#shown = hparams;
    this.#nextCorrectionMs = this.#options.clock.monotonicMs() + this.#delayMs;
  }

  /** Writes the points of results, of which each replaces that of an earlier process. */
  #writeResults(outputs: Values, isLogged: (key: string) => boolean): void {
    const { writer } = this.#options;
    const logged = Object.fromEntries(Object.entries(outputs).filter(([key]) => isLogged(key)));
    for (const [name, value] of Object.entries(toSessionHParams(logged, this.#nameOf).hparams)) {
      if (typeof value !== 'number') continue;
      const tag = this.#toResultTag(name);
      writer.makeProvisional(tag);
      writer.writeSummary([createPoint(tag, value)], writer.nextStep(tag), undefined);
    }
  }

  /** Writes the whole session to a file that is read first. A failure is reported, and repeated at the next change. */
  #correct(hparams: HParams, outcome: Outcome | undefined): void {
    const { writer, clock, diagnostics } = this.#options;
    const values = [this.#createStart(hparams), ...(outcome === undefined ? [] : [this.#createEnd(outcome)])];
    this.#nextCorrectionMs = clock.monotonicMs() + this.#delayMs;
    this.#delayMs = Math.min(2 * this.#delayMs, MAX_DELAY_MS);
    try {
      writer.writeFirst([{ wallTime: clock.wallTime(), step: 0, what: { kind: 'summary', values } }]);
      this.#shown = hparams;
      this.#shownEnd = outcome ?? this.#shownEnd;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      diagnostics.error(error);
    }
  }

  #write(value: SummaryValue): void {
    const wallTime = this.#options.clock.wallTime();
    this.#options.writer.writeEvent({ wallTime, step: 0, what: { kind: 'summary', values: [value] } });
  }

  #createStart(hparams: HParams): SummaryValue {
    return asRunSession(createSessionStartValue(hparams, this.#startTime));
  }

  #createEnd(outcome: Outcome): SummaryValue {
    // TensorBoard shows the difference as the duration, also if the clock was set back.
    const wallTime = outcome === 'running' ? 0 : Math.max(this.#startTime, this.#options.clock.wallTime());
    return asRunSession(createSessionEndValue(outcome, wallTime));
  }

  /** Returns a tag that is no metric of the program, so that no curve gets a point that was not logged. */
  #toResultTag(name: string): string {
    const { writer } = this.#options;
    for (let number = 1; ; number++) {
      const tag = number === 1 ? `${name} (output)` : `${name} (output ${number})`;
      const isOfEarlierProcess = writer.earlierHParams.length > 0 && writer.lastScalar(tag) === undefined;
      if (isOfEarlierProcess || !writer.knows(tag)) return tag;
    }
  }

  #readHParams(): HParams {
    const { readInputs, diagnostics } = this.#options;
    const { hparams, omitted } = toSessionHParams(readInputs(), this.#nameOf);
    if (omitted > 0 && !this.#hasWarnedOfLimit) {
      this.#hasWarnedOfLimit = true;
      const message = `the inputs have more than 1,000 values; TensorBoard's HParams dashboard lacks the other ${omitted}`;
      diagnostics.warn('WARN_HPARAMS_LIMIT', message);
    }
    return hparams;
  }

  #msUntilCorrection(): number {
    return Math.max(0, this.#nextCorrectionMs - this.#options.clock.monotonicMs());
  }

  #readEarlier({ what }: Event): void {
    if (what.kind !== 'summary') return;
    for (const { tag, metadata } of what.values) {
      if (metadata?.pluginName !== 'hparams') continue;
      const data = decode(tag, metadata.content);
      if (data?.kind === 'sessionStart' && this.#shown === undefined) {
        this.#shown = data.hparams as HParams;
        if (data.startTime > 0) this.#startTime = data.startTime;
      }
      if (data?.kind === 'sessionEnd') this.#shownEnd ??= data.status;
    }
  }

  /** Recovers the name of an input from the hyperparameters that an earlier process has written, such as `model/lr` or `optimizer.lr`. */
  #recoverName(name: string): void {
    const keys = this.#options.readInputs();
    for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
      const given = name.slice(0, end);
      const key = sanitizeName(given) || toFallbackName(given);
      if (!(key in keys)) continue;
      if (!this.#names.has(key)) this.#names.set(key, given);
      return;
    }
  }
}

function createPoint(tag: string, value: number): SummaryValue {
  const tensor = { dtype: DataType.FLOAT, shape: [], floatVal: new Float32Array([value]) };
  return asRunSession({ tag, metadata: createMetadata('scalars'), value: { kind: 'tensor', tensor } });
}

function decode(tag: string, content: Uint8Array | undefined): HParamsData | undefined {
  try {
    return decodeHParams(tag, content);
  } catch {
    // TensorBoard cannot read it either.
    return undefined;
  }
}

function toOutcome(status: RunStatus): Outcome {
  if (status === 'succeeded') return 'success';
  if (status === 'failed' || status === 'upstream_failed') return 'failure';
  // TensorBoard has no status for a run that was stopped.
  return isDone(status) ? 'unknown' : 'running';
}
