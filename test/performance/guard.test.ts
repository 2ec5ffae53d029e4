/**
 * The two fast ways stay fast: a ratio each to protobufjs, measured in turn in one process. No time is looked at, only the best of several
 * rounds of both, with bounds at about a third of what an idle machine shows.
 *
 * Each ratio is measured in a process of its own, on the built package: Vitest's modules make calls between files slower, and objects
 * that one measurement keeps alive make V8 allocate differently in the next.
 */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('./ratio.mjs', import.meta.url));

/** How many times as long protobufjs takes. */
async function measureRatio(what: 'encode' | 'read'): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, what]);
  return Number(stdout);
}

describe('the fast ways', () => {
  it('encode and seal scalars several times as fast as protobufjs', async () => {
    expect(await measureRatio('encode')).toBeGreaterThan(5);
  });

  it('read and verify scalars several times as fast as protobufjs', async () => {
    expect(await measureRatio('read')).toBeGreaterThan(3);
  });
});
