/**
 * Converts the event answers of the streams service to columns.
 *
 * Source: haupt 2.16.1, `streams/controllers/events.py`; traceml 1.3.0, `events/schemas.py` (`V1Events.to_dict`), which sends NaN as null.
 */

/** The events of one name. All columns have the same length. */
export interface RunEvents<Values = readonly unknown[]> {
  readonly name: string;
  readonly kind: string;
  /** NaN for an event without a step. */
  readonly steps: Float64Array;
  /** Seconds since 1970; NaN for an event without a time. */
  readonly wallTimes: Float64Array;
  /** Numbers for metrics; texts or objects such as `{ path }` for other kinds. */
  readonly values: Values;
}
/** The server sends infinities and NaN as null, so that both are NaN here. */
export type RunMetricEvents = RunEvents<Float64Array>;

export function toRunEvents(answer: unknown): RunEvents[] {
  return (Array.isArray(answer) ? answer : []).map(toColumns);
}

export function toMetricEvents(events: RunEvents): RunMetricEvents {
  return { ...events, values: toNumbers(events.values) };
}

function toColumns(answer: { name?: unknown; kind?: unknown; data?: Record<string, unknown[]> }): RunEvents {
  const { step = [], timestamp = [], ...others } = answer.data ?? {};
  const kind = String(answer.kind);
  return {
    name: String(answer.name),
    kind,
    steps: toNumbers(step),
    wallTimes: Float64Array.from(timestamp, toWallTime),
    values: others[kind] ?? Object.values(others)[0] ?? [],
  };
}

function toNumbers(values: readonly unknown[]): Float64Array {
  return Float64Array.from(values, (value) => (typeof value === 'number' ? value : Number.NaN));
}

/** Keeps the microseconds, which `Date` drops. A time without a zone is in UTC. */
function toWallTime(value: unknown): number {
  const [, start = '', fraction = '', zone = ''] =
    /^(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(\.\d+)?(.*)$/.exec(String(value)) ?? [];
  return Date.parse(`${start.replace(' ', 'T')}${zone || 'Z'}`) / 1000 + Number(fraction || 0);
}
