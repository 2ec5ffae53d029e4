/** Trace context across processes, as text. Source: W3C Trace Context, https://www.w3.org/TR/trace-context/#traceparent-header. */

/** The ids of a span of another process. */
export interface RemoteParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

/** Where a `traceparent` may be: headers of Node.js or of `fetch`, the environment, or an object of names and values. */
export type TraceparentSource =
  | { get(name: string): string | null | undefined }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

const PATTERN = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:-|$)/;

/** Returns the ids in a `traceparent`; undefined if it is invalid. */
export function decodeTraceparent(text: string): RemoteParent | undefined {
  const [, traceId, spanId, flags] = PATTERN.exec(text.trim()) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  // Version 00 has no more fields.
  if (text.startsWith('00') && text.trim().length !== 55) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

/**
 * Returns the `traceparent` that another process passed on in headers or its environment, as `parent` of a span; undefined if there is no
 * valid one. Default: the variable `TRACEPARENT` of this process.
 */
export function readTraceparent(source: TraceparentSource = process.env): string | undefined {
  if (typeof source !== 'object' || source === null) return undefined;
  const names = ['traceparent', 'TRACEPARENT', 'Traceparent'];
  const found =
    typeof source.get === 'function'
      ? source.get('traceparent')
      : names.map((name) => (source as Record<string, unknown>)[name]).find((value) => value !== undefined);
  const text: unknown = Array.isArray(found) ? found[0] : found;
  return typeof text === 'string' && decodeTraceparent(text) !== undefined ? text.trim() : undefined;
}
