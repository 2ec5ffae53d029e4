/**
 * Sorts the rows of a batch by series, so that a series takes all of its points at once: a counting sort, which keeps the order of rows.
 *
 *     begin(count), put(row, series) for some of the rows in ascending order, finish()
 */

/** The rows `rows[start, end)` of a batch belong to one series. */
interface RowGroup {
  readonly series: number;
  readonly start: number;
  readonly end: number;
}

const NONE = -1;

export class RowGroups {
  /** After `finish`: the rows by series. */
  rows = new Int32Array();
  #count = 0;
  /** By row. */
  #series = new Int32Array();
  /** By series: the number of its rows, and then where the next of them goes. All 0 between two batches. */
  #positions = new Int32Array(16);
  readonly #found: number[] = [];

  begin(count: number): void {
    if (count > this.rows.length) {
      this.rows = new Int32Array(count);
      this.#series = new Int32Array(count);
    }
    this.#count = count;
    this.#series.fill(NONE, 0, count);
  }

  put(row: number, series: number): void {
    if (series >= this.#positions.length) this.#grow(series);
    this.#series[row] = series;
    if (this.#positions[series]!++ === 0) this.#found.push(series);
  }

  /** In the order in which the series were put first. */
  finish(): RowGroup[] {
    const [rows, series, positions] = [this.rows, this.#series, this.#positions];
    let start = 0;
    const groups = this.#found.splice(0).map((each) => {
      const end = start + positions[each]!;
      const group = { series: each, start, end };
      positions[each] = start;
      start = end;
      return group;
    });
    for (let row = 0; row < this.#count; row++) {
      const each = series[row]!;
      if (each !== NONE) rows[positions[each]!++] = row;
    }
    for (const group of groups) positions[group.series] = 0;
    return groups;
  }

  #grow(series: number): void {
    const grown = new Int32Array(2 * series);
    grown.set(this.#positions);
    this.#positions = grown;
  }
}
