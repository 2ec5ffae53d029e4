/** Counts the calls to the store, and how long they take, for `/metrics`. */

import type { StoreCall } from '../context/observe-store.js';
import type { Metric, Sample } from './prometheus.js';

/** Upper limits in seconds: from a request within a data centre to a part of a checkpoint on a slow link. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

interface Durations {
  /** How many calls took at most as long as the bucket of the same index, and longer than the one before. */
  readonly counts: number[];
  sumSeconds: number;
  /** Seconds since the epoch; undefined before the first success. */
  lastSuccess: number | undefined;
  readonly results: Map<StoreCall['result'], number>;
}

export class StoreMetrics {
  readonly #byOperation = new Map<string, Durations>();

  /** Counts a call that ended at `wallTime`. */
  add({ operation, result, durationMs }: StoreCall, wallTime: number): void {
    const counts = new Array<number>(BUCKETS.length + 1).fill(0);
    const durations = this.#byOperation.get(operation) ?? {
      ...{ counts, sumSeconds: 0, lastSuccess: undefined, results: new Map() },
    };
    this.#byOperation.set(operation, durations);
    const seconds = durationMs / 1000;
    const found = BUCKETS.findIndex((limit) => seconds <= limit);
    const bucket = found === -1 ? BUCKETS.length : found;
    durations.counts[bucket] = (durations.counts[bucket] ?? 0) + 1;
    durations.sumSeconds += seconds;
    durations.results.set(result, (durations.results.get(result) ?? 0) + 1);
    if (result === 'ok') durations.lastSuccess = wallTime;
  }

  toMetrics(): Metric[] {
    const all = [...this.#byOperation];
    return [
      {
        name: 'polytrack_store_calls_total',
        help: 'Calls to the store, by operation and result. A call is one attempt.',
        type: 'counter',
        samples: all.flatMap(([operation, { results }]) =>
          [...results].map(([result, value]) => ({ labels: { operation, result }, value })),
        ),
      },
      {
        name: 'polytrack_store_call_duration_seconds',
        help: 'Duration of calls to the store, by operation.',
        type: 'histogram',
        samples: all.flatMap(([operation, durations]) => toSamples(operation, durations)),
      },
      {
        name: 'polytrack_last_success_timestamp_seconds',
        help: 'Time of the last successful call to the store, by operation, in seconds since the epoch.',
        type: 'gauge',
        samples: all.flatMap(([operation, { lastSuccess }]) =>
          lastSuccess === undefined ? [] : [{ labels: { operation }, value: lastSuccess }],
        ),
      },
    ];
  }
}

function toSamples(operation: string, { counts, sumSeconds }: Durations): Sample[] {
  let total = 0;
  const buckets = counts.map((count, i) => {
    total += count;
    return { suffix: '_bucket', labels: { operation, le: String(BUCKETS[i] ?? '+Inf') }, value: total };
  });
  const labels = { operation };
  return [
    ...buckets,
    { suffix: '_sum', labels, value: sumSeconds },
    { suffix: '_count', labels, value: total },
  ];
}
