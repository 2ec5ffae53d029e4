/**
 * Prints wall times as Polyaxon does: UTC, in microseconds.
 *
 * The fraction always has six digits. Python omits a fraction of 0, and pandas then fails to parse the column.
 */

/** The range of Python's `datetime` in seconds: from 0001-01-01 to the end of 9999-12-31. */
const FIRST_SECOND = -62_135_596_800;
const END_SECOND = 253_402_300_800;
const DAY_SECONDS = 86_400;
const MICROS = 1_000_000;

const TEMPLATE = new TextEncoder().encode('0000-00-00 00:00:00.000000+00:00');
const DATE_END = 10;
const HOURS = 11;
const MINUTES = 14;
const SECONDS = 17;
const MICROS_END = 26;
const ZERO = 48;

/** Returns the nearest wall time in the range of Python's `datetime`; 0 for NaN. */
export function toPrintableTime(wallTime: number): number {
  if (wallTime >= FIRST_SECOND && wallTime < END_SECOND) return wallTime;
  if (Number.isNaN(wallTime)) return 0;
  return wallTime < 0 ? FIRST_SECOND : END_SECOND - 1;
}

/** Prints wall times as bytes. Reuses the unchanged part of the previous result, usually all except the microseconds. */
export class TimestampPrinter {
  readonly #bytes = TEMPLATE.slice();
  #wallTime = 0;
  #second = Number.NaN;
  #day = Number.NaN;

  /** Returns `YYYY-MM-DD HH:MM:SS.ffffff+00:00` for a printable wall time. The bytes are valid until the next call. */
  print(wallTime: number): Uint8Array {
    const bytes = this.#bytes;
    let second = Math.floor(wallTime);
    let micros = Math.round((wallTime - second) * MICROS);
    if (micros === MICROS) {
      second++;
      micros = 0;
    }
    if (second !== this.#second) this.#printSecond(second);
    else if (wallTime === this.#wallTime) return bytes;
    this.#wallTime = wallTime;
    for (let at = MICROS_END - 1; at >= MICROS_END - 6; at--) {
      const rest = (micros / 10) | 0;
      bytes[at] = ZERO + micros - rest * 10;
      micros = rest;
    }
    return bytes;
  }

  #printSecond(second: number): void {
    const day = Math.floor(second / DAY_SECONDS);
    if (day !== this.#day) {
      this.#day = day;
      const date = new Date(day * DAY_SECONDS * 1000).toISOString();
      for (let i = 0; i < DATE_END; i++) this.#bytes[i] = date.charCodeAt(i);
    }
    const inDay = second - day * DAY_SECONDS;
    this.#second = second;
    this.#printPair(HOURS, Math.floor(inDay / 3600));
    this.#printPair(MINUTES, Math.floor(inDay / 60) % 60);
    this.#printPair(SECONDS, inDay % 60);
  }

  #printPair(at: number, value: number): void {
    this.#bytes[at] = ZERO + Math.floor(value / 10);
    this.#bytes[at + 1] = ZERO + (value % 10);
  }
}

/** Returns a printable wall time in the format of pandas' `isoformat`, which omits microseconds that are 0. */
export function toIsoTimestamp(wallTime: number): string {
  const text = new TextDecoder().decode(new TimestampPrinter().print(wallTime));
  return text.replace(' ', 'T').replace('.000000', '');
}
