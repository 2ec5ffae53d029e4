/**
 * Finds out whether local files of a run were deleted by `polytrack clean`, or are being restored: `.plx/cleaned.json`.
 *
 * `clean` writes this marker before it checks for writers, and a writer checks for the marker after its first write. So at least one of them
 * notices the other.
 */

import { readFileSync } from 'node:fs';
import { toCleanedPath } from './layout.js';

/** How long a writer waits for a command that has just begun and stops because of it. */
const WAIT_MS = 2_000;
const POLL_MS = 50;

/** Returns the URL of the store that has the files, '' if unknown; null for a run whose files are all there. */
export function findCleanedStore(runDirectory: string): string | null {
  let text: string;
  try {
    text = readFileSync(toCleanedPath(runDirectory), 'utf8');
  } catch {
    return null; // almost always: no file of the run was deleted
  }
  try {
    const { store } = JSON.parse(text) as { store?: unknown };
    return typeof store === 'string' ? store : '';
  } catch {
    return ''; // empty on a full disk
  }
}

/** Like `findCleanedStore`, after the first write: a command that has deleted nothing yet stops and takes its marker back. */
export function awaitCleanedStore(runDirectory: string): string | null {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const store = findCleanedStore(runDirectory);
    if (store === null || waitedMs >= WAIT_MS) return store;
    Atomics.wait(cell, 0, 0, POLL_MS);
  }
}
