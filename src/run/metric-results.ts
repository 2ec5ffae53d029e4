/**
 * The results that a run's metrics leave: the last value of each is one of the run's outputs, under its name in Polyaxon.
 *
 * Source: traceml 1.3.0, `tracking/run.py` (`_wait` logs the last values as outputs).
 */

import { isDeepStrictEqual } from 'node:util';
import type { JsonValue } from '../base/json-value.js';
import { NameSpace } from '../polyaxon/export/name-space.js';
import { maxNameLength } from '../polyaxon/export/series.js';

type Outputs = Readonly<Record<string, JsonValue>>;

export class MetricResults {
  readonly #read: () => Outputs;
  /** What an earlier process has left, where the run is gone on with. */
  readonly #earlierValues: Outputs;
  readonly #earlierOutputs: Outputs;

  /** `read` gives the last value of each metric so far; `outputs` are those that the run begins with. */
  constructor(read: () => Outputs, outputs: Outputs = {}) {
    this.#read = read;
    this.#earlierValues = read();
    this.#earlierOutputs = outputs;
  }

  /**
   * The outputs with the last value of each metric. Outputs that were logged as such in this process, `logged`, or by a worker stay; those of
   * an earlier process give way to a metric that this one has logged.
   */
  addTo(outputs: Outputs, logged: ReadonlySet<string>): Outputs {
    const values = this.#read();
    const later = Object.entries(values).filter(
      ([name, value]) =>
        !Object.is(value, this.#earlierValues[name]) &&
        !logged.has(name) &&
        isDeepStrictEqual(outputs[name], this.#earlierOutputs[name]),
    );
    return { ...values, ...outputs, ...Object.fromEntries(later) };
  }
}

/** Last values by tag, under the names that Polyaxon's files have for them: those of a worker begin with its log directory. */
export function toResults(scalars: Readonly<Record<string, number>>, logDirectory: string): Outputs {
  const names = new NameSpace();
  const kind = 'metric';
  return Object.fromEntries(
    Object.entries(scalars).map(([rawName, value]) => {
      const { name } = names.choose({ kind, logDirectory, rawName }, maxNameLength('events', kind));
      // JSON has neither NaN nor infinities: Polyaxon's client writes null.
      return [name, Number.isFinite(value) ? value : null];
    }),
  );
}
