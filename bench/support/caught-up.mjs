// Whether a store has what is on disk, by sizes: cheap enough to ask all the time.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLeftOut, listObjects } from './hashes.mjs';

const POLL_MS = 250;

/** The sizes of all files that are wanted in the store, by their path. */
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

/** Waits until no more than `maxLagBytes` are missing in the store; says what was when the time is up, or `watch` has ended. */
export async function untilCaughtUp({ runs, server, prefix, watch }, { maxLagBytes, timeoutMs }) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const late = await findLate({ runs, server, prefix });
    if (late.reduce((sum, { missing }) => sum + missing, 0) <= maxLagBytes) return [];
    if (performance.now() > deadline || !watch.isRunning)
      return late.map(
        ({ path, missing }) => `${path}: ${missing} bytes are missing after ${timeoutMs / 1000} s`,
      );
    await sleep(POLL_MS);
  }
}

/** Which files the store does not have, and how many bytes of them; a file that has no object counts as one more. */
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
