/**
 * Encodes lines of Polyaxon's log files. Pure.
 */

export interface LogOrigin {
  readonly node: string;
  readonly pod: string;
  readonly container: string;
}

const MICROSECONDS = 1_000_000;

/**
 * Encodes one line: a line feed, then compact JSON.
 *
 *     {"timestamp":"2024-01-02T03:04:05.123456+00:00","node":"local","pod":"alice","container":"myhost","value":"epoch 1 done"}
 *
 * The timestamp always has six fractional digits. `text` must be well-formed. Source: traceml 1.3.0, `logging/schemas.py`
 * (`V1Logs.get_jsonl_events`: each line is preceded by a line feed).
 */
export function encodeLogLine(origin: LogOrigin, microseconds: number, text: string): string {
  const { node, pod, container } = origin;
  const json = JSON.stringify({ timestamp: toTimestamp(microseconds), node, pod, container, value: text });
  return `\n${json.replace(/[\u0085\u2028\u2029]/g, escapeLineEnd)}`;
}

/** Converts microseconds since the Unix epoch to an ISO time with an offset. */
function toTimestamp(microseconds: number): string {
  const seconds = Math.floor(microseconds / MICROSECONDS);
  const fraction = String(microseconds - seconds * MICROSECONDS).padStart(6, '0');
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}+00:00`;
}

/** Escapes a character that Python treats as a line end. */
function escapeLineEnd(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
