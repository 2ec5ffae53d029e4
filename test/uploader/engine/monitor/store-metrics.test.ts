import { describe, expect, it } from 'vitest';
import { toExposition } from '../../../../uploader/engine/monitor/prometheus.js';
import { StoreMetrics } from '../../../../uploader/engine/monitor/store-metrics.js';

describe('StoreMetrics', () => {
  it('has no metrics before the first call', () => {
    expect(toExposition(new StoreMetrics().toMetrics())).toBe('');
  });

  it('counts calls in cumulative buckets, a duration at the limit in its bucket', () => {
    const metrics = new StoreMetrics();
    for (const durationMs of [5, 6, 300_001]) metrics.add({ operation: 'list', result: 'ok', durationMs }, 1);

    const text = toExposition(metrics.toMetrics());

    expect(text).toContain('# TYPE polytrack_store_call_duration_seconds histogram\n');
    expect(text.match(/_bucket\{.*\} \d+/g)?.map((line) => line.replace(/.*le="(.*)"\} /, '$1 '))).toEqual([
      ...['0.005 1', '0.01 2', '0.025 2', '0.05 2', '0.1 2', '0.25 2', '0.5 2', '1 2', '2.5 2'],
      ...['5 2', '10 2', '30 2', '60 2', '300 2', '+Inf 3'],
    ]);
    expect(text).toContain('polytrack_store_call_duration_seconds_count{operation="list"} 3\n');
    expect(Number(/_sum\{operation="list"\} (.*)/.exec(text)?.[1])).toBeCloseTo(300.012);
  });

  it('remembers the time of the last success only', () => {
    const metrics = new StoreMetrics();
    metrics.add({ operation: 'head', result: 'failed', durationMs: 1 }, 1);
    expect(toExposition(metrics.toMetrics())).not.toContain('last_success');

    metrics.add({ operation: 'head', result: 'ok', durationMs: 1 }, 2.5);

    const text = toExposition(metrics.toMetrics());
    expect(text).toContain('polytrack_last_success_timestamp_seconds{operation="head"} 2.5\n');
    expect(text).toContain('polytrack_store_calls_total{operation="head",result="failed"} 1\n');
  });
});
