/**
 * Wall times as Polyaxon writes them: UTC, to the microsecond.
 *
 * Always six digits: Python leaves the fraction out when it is 0, and pandas then fails to parse the column.
 */

/** The years that Python's `datetime` has: 0001-01-01 to 9999-12-31. */
const FIRST_SECOND = -62_135_596_800;
const LAST_SECOND = 253_402_300_799;
const DAY_SECONDS = 86_400;
const MICROS = 1_000_000;

/** Prints wall times; remembers the second and the day of the last one, as those of neighbours are mostly the same. */
export class TimestampPrinter {
  #day = Number.NaN;
  #dayText = '';
  #second = Number.NaN;
  #secondText = '';

  /** `YYYY-MM-DD HH:MM:SS.ffffff+00:00` of seconds since the epoch. Outside of Python's years: the first or last second; NaN: the epoch. */
  print(wallTime: number): string {
    let second = Math.floor(wallTime);
    let micros = Math.round((wallTime - second) * MICROS);
    if (micros === MICROS) {
      second++;
      micros = 0;
    }
    if (!(second >= FIRST_SECOND && second <= LAST_SECOND)) {
      second = Number.isNaN(wallTime) ? 0 : wallTime < 0 ? FIRST_SECOND : LAST_SECOND;
      micros = 0;
    }
    if (second !== this.#second) this.#turnTo(second);
    return `${this.#secondText}${String(micros + MICROS).slice(1)}+00:00`;
  }

  #turnTo(second: number): void {
    const day = Math.floor(second / DAY_SECONDS);
    if (day !== this.#day) {
      this.#day = day;
      this.#dayText = new Date(day * DAY_SECONDS * 1000).toISOString().slice(0, 10);
    }
    const inDay = second - day * DAY_SECONDS;
    const hours = Math.floor(inDay / 3600);
    const minutes = Math.floor(inDay / 60) % 60;
    this.#second = second;
    this.#secondText = `${this.#dayText} ${pad(hours)}:${pad(minutes)}:${pad(inDay % 60)}.`;
  }
}

/** Whether a wall time is one that `TimestampPrinter` can print. */
export function isPrintable(wallTime: number): boolean {
  return wallTime >= FIRST_SECOND && wallTime < LAST_SECOND + 1;
}

/** A printed timestamp in the form of pandas' `isoformat`, which leaves out microseconds that are 0. */
export function toIsoTimestamp(printed: string): string {
  return printed.replace(' ', 'T').replace('.000000', '');
}

function pad(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}
