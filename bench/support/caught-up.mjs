// Checks by size whether a store has all files: cheap enough for frequent polling.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLeftOut, listObjects } from './hashes.mjs';

const POLL_MS = 250;

/** Sizes of all files that belong into the store, by path. */
export function sizesOnDisk(runs) {
  const sizes = new Map();
  for (const entry of readdirSync(runs, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(runs.length + 1);
    const stat = entry.isFile() && !isLeftOut(name) ? statSync(path, { throwIfNoEntry: false }) : undefined;
    if (stat !== undefined) sizes.set(name, stat.size);
  }
  return sizes;
}

/** Waits until at most `maxLagBytes` are missing in the store. After the timeout, or once `watch` has ended, returns the missing files as sentences. */
export async function untilCaughtUp({ runs, server, prefix, watch }, { maxLagBytes, timeoutMs }) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const late = await findLate({ runs, server, prefix });
    if (late.reduce((sum, { missing }) => sum + missing, 0) <= maxLagBytes) return [];
    if (performance.now() > deadline || !watch.isRunning)
      return late.map(
        ({ path, missing }) => `${path}: the store lacks ${missing} bytes after ${timeoutMs / 1000} s`,
      );
    await sleep(POLL_MS);
  }
}

/** Files that are not completely stored, with the number of missing bytes. A file without an object counts one byte more. */
async function findLate({ runs, server, prefix }) {
  const wanted = sizesOnDisk(runs);
  const stored = new Map();
  for await (const { Key, Size } of listObjects(server, prefix)) stored.set(Key.slice(prefix.length), Size);
  return [...wanted].flatMap(([path, size]) => {
    const found = stored.get(path);
    if (found === size) return [];
    return [{ path, missing: found === undefined ? size + 1 : Math.abs(size - found) }];
  });
}
