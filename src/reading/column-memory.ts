/**
 * Memory for columns while they grow, used again for the columns of the next run: what grows by doubling leaves as much garbage as it keeps,
 * and the collection of that garbage takes long.
 */

/** How much released memory is kept. */
const MAX_KEPT_ROWS = 2 ** 19;
const FIRST_ROWS = 256;

/** Released memory, by number of rows. */
const kept = new Map<number, ColumnMemory[]>();
let keptRows = 0;

export class ColumnMemory {
  readonly steps: Float64Array<ArrayBuffer>;
  readonly values: Float64Array<ArrayBuffer>;
  readonly wallTimes: Float64Array<ArrayBuffer>;

  private constructor(rows: number) {
    this.steps = new Float64Array(rows);
    this.values = new Float64Array(rows);
    this.wallTimes = new Float64Array(rows);
  }

  /** Memory for at least `minRows` rows. Its content is undefined. */
  static take(minRows: number): ColumnMemory {
    let rows = FIRST_ROWS;
    while (rows < minRows) rows *= 2;
    const memory = kept.get(rows)?.pop();
    if (memory === undefined) return new ColumnMemory(rows);
    keptRows -= rows;
    return memory;
  }

  /** The caller does not use the memory any more. */
  release(): void {
    const rows = this.steps.length;
    if (keptRows + rows > MAX_KEPT_ROWS) return;
    const list = kept.get(rows) ?? [];
    list.push(this);
    kept.set(rows, list);
    keptRows += rows;
  }
}
