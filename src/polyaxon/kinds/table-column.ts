/** One column of a table. */
export interface ArrowColumn {
  readonly name: string;
  readonly cells: ArrayLike<unknown>;
  /**
   * Set if the cells are microseconds since the Unix epoch as bigint, or null: days (`date`), timestamps without a zone (`time`), or
   * timestamps in UTC (`zoned`).
   */
  readonly times?: 'date' | 'time' | 'zoned' | undefined;
}
