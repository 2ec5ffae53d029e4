/** Formats text tables whose columns are as wide as their widest cell. */

/** The lines of a table. Columns whose header begins with `>` are right-aligned. */
export function toTable(headers: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const names = headers.map((header) => header.replace(/^>/, ''));
  const widths = names.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const toLine = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        headers[column]!.startsWith('>') ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd();
  return [toLine(names), ...rows.map(toLine)];
}
