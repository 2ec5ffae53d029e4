/**
 * Adds the last value of each metric to the outputs of a run, under the metric's name in Polyaxon.
 *
 * Source: traceml 1.3.0, `tracking/run.py` (`_wait` logs the last values as outputs).
 */

import { isDeepStrictEqual } from 'node:util';
import type { JsonValue } from '../base/json-value.js';
import type { ScalarRange } from '../format/writer/event-encoder.js';
import { NameSpace } from '../polyaxon/export/name-space.js';
import { maxNameLength } from '../polyaxon/export/series.js';
import { toFinite } from '../polyaxon/number-text.js';

type Outputs = Readonly<Record<string, JsonValue>>;

export class MetricResults {
  readonly #read: () => Outputs;
  /** Last values of the earlier process when the run is resumed. */
  readonly #earlierValues: Outputs;
  readonly #earlierOutputs: Outputs;
  readonly #superseded: Outputs;

  /**
   * `read` returns the last value of each metric so far; `outputs` are the outputs at the start of this process. `superseded` are values
   * of steps that this process logs again: an output with such a value is replaced.
   */
  constructor(read: () => Outputs, outputs: Outputs = {}, superseded: Outputs = {}) {
    this.#read = read;
    this.#superseded = superseded;
    this.#earlierValues = read();
    this.#earlierOutputs = outputs;
  }

  /**
   * Returns the outputs with the last value of each metric. Outputs that this process (`logged`) or a worker logged explicitly are kept.
   * A metric that this process logged replaces an output of an earlier process.
   */
  addTo(outputs: Outputs, logged: ReadonlySet<string>): Outputs {
    const values = this.#read();
    const kept = Object.entries(outputs).filter(([name, output]) => {
      const isLogged = logged.has(name) || !isDeepStrictEqual(output, this.#earlierOutputs[name]);
      const isLater = !Object.is(values[name], this.#earlierValues[name]) || this.#isSuperseded(name);
      return isLogged || !isLater || !Object.hasOwn(values, name);
    });
    // Without a copy: there may be very many metrics.
    return kept.length === 0 ? values : { ...values, ...Object.fromEntries(kept) };
  }

  #isSuperseded(name: string): boolean {
    return name in this.#superseded && Object.is(this.#earlierOutputs[name], this.#superseded[name]);
  }
}

/** Renames last values from tags to the names in Polyaxon's files. A worker's names begin with its log directory. */
export function toResults(
  scalars: Iterable<readonly [tag: string, value: number]>,
  logDirectory: string,
): Outputs {
  const names = new NameSpace();
  const kind = 'metric';
  const maxLength = maxNameLength('events', kind);
  const results = new Map<string, number | null>();
  for (const [rawName, value] of scalars) {
    const { name } = names.choose({ kind, logDirectory, rawName }, maxLength);
    // JSON has neither NaN nor infinities: Polyaxon's client writes null.
    results.set(name, toFinite(value));
  }
  return Object.fromEntries(results);
}

/** The last value of each scalar tag of a writer. */
export function* lastScalars(ranges: Iterable<ScalarRange>): Iterable<[tag: string, value: number]> {
  for (const { tag, last } of ranges) yield [tag, last];
}
