/**
 * `run.log`: several values of one step. Finds the kind and the name of each value; `EventLog` checks and writes them, as for `logMetrics`,
 * `logImage`, `logAudio` and `logHistogram`.
 */

import { describe, quote } from '../base/describe.js';
import { CodedError, invalidArgument, messageOf } from '../base/errors.js';
import { SHARED_EVENT_OPTIONS, type SharedEventOptions } from '../event-log/event-log.js';
import {
  isArrayLike,
  MAX_NAME_CHARACTERS,
  parseEventOptions,
  parseEventTime,
  parseStep,
  type StepOr,
} from '../summary/arguments.js';
import type { AudioSamples } from '../summary/audio.js';
import type { RawHistogram } from '../summary/histogram-raw.js';
import type { ImagePixels } from '../summary/image.js';
import { isTensor } from '../summary/tensor.js';
import type { ScalarInput } from '../summary/tensor-scalar.js';
import type { RunContext } from './run-context.js';

/** A value of `run.log`: a metric, an image, an audio clip, a counted histogram, or an object of values. */
export type LogValue = ScalarInput | ImagePixels | AudioSamples | RawHistogram | LogValues;

/** Values by their names. The names of a nested object follow that of the object and `/`. */
export interface LogValues {
  readonly [name: string]: LogValue;
}

type Media = readonly [name: string, kind: 'image' | 'audio' | 'histogram', value: unknown];

/** What a call logs, by kind. */
interface NamedValues {
  readonly metrics: Map<string, ScalarInput>;
  readonly media: Media[];
}

/** Logs the values of a run's `log` calls, and counts their steps. */
export class ValueLog {
  readonly #context: RunContext;
  /** The step of the next call without one. */
  #next: number | bigint = 0;

  constructor(context: RunContext) {
    this.#context = context;
  }

  log(values: LogValues, given: StepOr<SharedEventOptions>): void {
    const { events } = this.#context;
    const options = parseEventOptions('log', given, SHARED_EVENT_OPTIONS);
    const { metrics, media } = findValues(values);
    events.checkOpen();
    for (const name of [...metrics.keys(), ...media.map(([name]) => name)]) events.parseTag(name);
    const wallTime = parseEventTime(options) ?? this.#context.clock.wallTime();
    const step = parseStep(options.step) ?? this.#findStep(metrics, media);
    // If one value is rejected, none is written.
    events.together(() => {
      for (const [name, kind, value] of media) events[kind](name, value as never, { step, wallTime });
      if (metrics.size > 0) events.scalars(Object.fromEntries(metrics), { step, wallTime });
    });
    if (step >= this.#next) this.#next = toNext(step);
    if (media.length > 0) this.#context.noteEvents('has_events');
    if (metrics.size > 0) this.#context.noteMetrics();
  }

  /** The next step of the counter, or the first that is new for all of the names: after `logMetric` with a later step, or in a resumed run. */
  #findStep(metrics: NamedValues['metrics'], media: readonly Media[]): number | bigint {
    let step = this.#next;
    for (const name of [...metrics.keys(), ...media.map(([each]) => each)]) {
      const next = this.#context.events.nextStep(name);
      if (next > step) step = next;
    }
    return step;
  }
}

function toNext(step: number | bigint): number | bigint {
  return typeof step === 'number' && Number.isSafeInteger(step + 1) ? step + 1 : BigInt(step) + 1n;
}

/** Returns all values by their names. Reads each property once. Throws `ERR_SCALAR_INVALID` and `ERR_NAME_INVALID`. */
function findValues(values: unknown): NamedValues {
  if (!isNesting(values))
    throw invalid(`values is ${describe(values)}, expected an object of names and values`);
  const found: NamedValues = { metrics: new Map(), media: [] };
  collect('', values, [], found);
  if (found.metrics.size + found.media.length === 0)
    throw invalid('values has no value, expected at least one');
  return found;
}

function collect(path: string, values: object, parents: readonly object[], found: NamedValues): void {
  if (parents.includes(values)) throw invalid(`${quote(path)} is a circular reference`);
  const inner = [...parents, values];
  for (const [key, value] of readEntries(path, values)) {
    if (typeof key === 'symbol') throw invalid(`a name is ${String(key)}, expected a string`);
    const name = path === '' ? key : `${path}/${key}`;
    if (name.length > MAX_NAME_CHARACTERS || key.trim() === '') throw invalidName(name, key);
    const kind = typeof value === 'number' || isTensor(value) ? 'metric' : findKind(name, value);
    if (kind === 'values') collect(name, value as object, inner, found);
    else if (found.metrics.has(name) || found.media.some(([other]) => other === name))
      throw invalid(`two values have the name ${quote(name)}`);
    else if (kind === 'metric') found.metrics.set(name, value as ScalarInput);
    else found.media.push([name, kind, value]);
  }
}

/** Returns the properties of an object, also those with a symbol as name. Getters and proxies of the program may throw. */
function readEntries(path: string, values: object): (readonly [string | symbol, unknown])[] {
  try {
    const names = Reflect.ownKeys(values).filter((name) =>
      Object.prototype.propertyIsEnumerable.call(values, name),
    );
    return names.map((name) => [name, Reflect.get(values, name)]);
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw invalid(`${path === '' ? 'values' : quote(path)} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function findKind(name: string, value: unknown): Media[1] | 'values' {
  if (!isNesting(value)) throw invalid(`${quote(name)} is ${describe(value)}, expected a number`);
  try {
    const { pixels, samples, counts, bucketCounts } = value as Readonly<Record<string, unknown>>;
    if (isArrayLike(pixels) || isTensor(pixels)) return 'image';
    if (isArrayLike(samples) || isTensor(samples)) return 'audio';
    return isArrayLike(counts) || isArrayLike(bucketCounts) ? 'histogram' : 'values';
  } catch (cause) {
    throw invalid(`${quote(name)} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** Whether a value is an object of names and values: no array, date, map, promise and the like. */
function isNesting(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return Object.prototype.toString.call(value) === '[object Object]';
  } catch {
    // A proxy may throw at any access.
    return false;
  }
}

const invalid = invalidArgument(
  'ERR_SCALAR_INVALID',
  'Pass numbers by their names, such as { loss: 0.5 }. Log texts with logText, arrays with logHistogram, files with logImage or logArtifact.',
);

function invalidName(name: string, key: string): CodedError {
  const problem =
    key.trim() === ''
      ? 'a name is empty'
      : `the name ${quote(name)} is too long: at most ${MAX_NAME_CHARACTERS} characters`;
  return invalidArgument('ERR_NAME_INVALID', 'Give each value a short name, such as "train/loss".')(problem);
}
