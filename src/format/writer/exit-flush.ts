/**
 * Writes buffered data when the process exits, including through `process.exit(n)`. Only synchronous work is possible then, which
 * is why event files are written synchronously.
 */

/** An object whose buffered data one synchronous call writes. */
export interface Drainable {
  drainAtExit(): void;
}

const open = new Set<Drainable>();

/** Drains `writer` when the process exits, unless it is unregistered first. */
export function registerForExit(writer: Drainable): void {
  if (open.size === 0) process.on('exit', drainAll);
  open.add(writer);
}

export function unregisterFromExit(writer: Drainable): void {
  open.delete(writer);
  if (open.size === 0) process.off('exit', drainAll);
}

function drainAll(): void {
  for (const writer of open) writer.drainAtExit();
}
