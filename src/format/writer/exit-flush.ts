/**
 * Writes what is still in memory when the process exits, `process.exit(n)` included: only synchronous work is possible by
 * then, which is why event files are written synchronously.
 */

/** Something with bytes in memory that one synchronous call writes. */
export interface Drainable {
  drainAtExit(): void;
}

const open = new Set<Drainable>();

/** Drains `writer` at process exit, unless it is unregistered first. */
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
