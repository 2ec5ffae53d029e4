/** The functions of Python's `tracking` module: each does what the method of the one run does. */

import { afterAll, describe, expect, it, vi } from 'vitest';
import { Run, tracking } from '../../src/index.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createSharedTempDir } from '../support/temp-dir.js';

type Method = (...args: unknown[]) => unknown;

/** Those that begin and end the run itself. */
const OWN = ['init', 'getOrCreateRun', 'end'];
const FORWARDED = Object.keys(tracking).filter((name) => !OWN.includes(name));

describe('tracking', () => {
  const run = tracking.init({ root: createSharedTempDir(), ...NO_CAPTURE, noOp: true });

  afterAll(async () => {
    await tracking.end();
  });

  it.each(FORWARDED)('hands what it is given to the run, and gives back what the run gives: %s', (name) => {
    const answer = { of: name };
    const spy = vi.spyOn(run as unknown as Record<string, Method>, name).mockReturnValue(answer);
    const args = [{ a: 1 }, 'b', () => 'c'];

    const given = (tracking as unknown as Record<string, Method>)[name]!(...args);

    expect(given).toBe(answer);
    // A flush takes nothing.
    if (name !== 'flush') expect(spy.mock.calls).toEqual([args]);
    spy.mockRestore();
  });

  it('ends the run with what it is given; the next call starts another', async () => {
    const first = tracking.init({ root: createSharedTempDir(), ...NO_CAPTURE });

    expect(tracking.getOrCreateRun()).toBe(first);
    await tracking.end({ status: 'failed', message: 'as I say' });

    expect(first.status).toBe('failed');
    expect(first.getStatuses().conditions.at(-1)).toMatchObject({ message: 'as I say' });
    const second = tracking.init({ root: createSharedTempDir(), ...NO_CAPTURE });
    expect(tracking.getOrCreateRun()).toBe(second);
    expect(second).not.toBe(first);
    await tracking.end();
  });

  it('takes the options of Run in init', async () => {
    const started = tracking.init({
      root: createSharedTempDir(),
      ...NO_CAPTURE,
      project: 'acme/demo',
      name: 'n',
      description: 'd',
      tags: ['t'],
    });

    expect(started).toBeInstanceOf(Run);
    expect(started.record).toMatchObject({
      owner: 'acme',
      project: 'demo',
      name: 'n',
      description: 'd',
      tags: ['t'],
    });
    await tracking.end();
  });
});
