/** One column of a table: its cells, and what is known of all of them. */
export interface TableColumn {
  readonly name: string;
  readonly cells: ArrayLike<unknown>;
  /**
   * The cells are microseconds since the Unix epoch as bigint, or null: days (`date`), moments without a zone (`time`), moments in
   * UTC (`zoned`).
   */
  readonly times?: 'date' | 'time' | 'zoned' | undefined;
}
