/**
 * Guards the speed of the two fast paths, each as a ratio to protobufjs. Both are measured alternately in one process; only the
 * best of several rounds counts, and the bounds are about a third of the ratio on an idle machine.
 *
 * Each ratio is measured in a separate process, on the built package: Vitest's modules slow down calls between files, and objects
 * that one measurement keeps alive change how V8 allocates in the next.
 */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('./ratio.mjs', import.meta.url));

/** The time of protobufjs, divided by the time of the built package. */
async function measureRatio(what: 'encode' | 'read'): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, what]);
  return Number(stdout);
}

describe('the fast paths', () => {
  it('encode and seal scalars several times as fast as protobufjs', async () => {
    expect(await measureRatio('encode')).toBeGreaterThan(5);
  });

  it('read and verify scalars several times as fast as protobufjs', async () => {
    expect(await measureRatio('read')).toBeGreaterThan(3);
  });
});
