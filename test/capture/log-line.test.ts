import { describe, expect, it } from 'vitest';
import { encodeLogLine } from '../../src/capture/log-line.js';

const ORIGIN = { node: 'local', pod: 'alice', container: 'myhost' };

describe('encodeLogLine', () => {
  it('returns the bytes of the Python client', () => {
    // Output of traceml 1.3.0: V1Logs(logs=[V1Log.process_log_line(…)]).get_jsonl_events().
    const python =
      '\n{"timestamp":"2024-01-02T03:04:05.123456+00:00","node":"local","pod":"alice","container":"myhost","value":"naïve \\"日本\\" 🙂 \\\\ \\t|"}';

    expect(encodeLogLine(ORIGIN, 1_704_164_645_123_456, 'naïve "日本" 🙂 \\ \t|')).toBe(python);
  });

  it.each([
    [0, '1970-01-01T00:00:00.000000+00:00'],
    [1_704_164_645_000_001, '2024-01-02T03:04:05.000001+00:00'],
    [1_704_164_645_999_999, '2024-01-02T03:04:05.999999+00:00'],
    [-1, '1969-12-31T23:59:59.999999+00:00'],
  ])('writes %d µs as %s', (microseconds, expected) => {
    expect(JSON.parse(encodeLogLine(ORIGIN, microseconds, 'x')).timestamp).toBe(expected);
  });

  it('escapes characters that Python treats as line ends', () => {
    const line = encodeLogLine(ORIGIN, 0, 'a\u2028b\u2029c\u0085d');

    expect(line).toContain('a\\u2028b\\u2029c\\u0085d');
    expect(JSON.parse(line).value).toBe('a\u2028b\u2029c\u0085d');
  });
});
