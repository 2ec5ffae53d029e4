/** The functions of Python's `tracking` module. Each calls the method of the process's run. */

import { afterAll, describe, expect, it, vi } from 'vitest';
import { Run, tracking } from '../../src/index.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createSharedTempDir } from '../support/temp-dir.js';

type Method = (...args: unknown[]) => unknown;

/** Functions that start or end the run, and `traced`, which does not need one before its function is called. */
const OWN = ['init', 'getOrCreateRun', 'end', 'withRun', 'traced'];
const FORWARDED = Object.keys(tracking).filter((name) => !OWN.includes(name));

describe('tracking', () => {
  const run = tracking.init({ root: createSharedTempDir(), ...NO_CAPTURE, noOp: true });

  afterAll(async () => {
    await tracking.end();
  });

  it.each(FORWARDED)('passes its arguments to the run, and returns the result of the run: %s', (name) => {
    const answer = { of: name };
    const spy = vi.spyOn(run as unknown as Record<string, Method>, name).mockReturnValue(answer);
    const args = [{ a: 1 }, 'b', () => 'c'];

    const given = (tracking as unknown as Record<string, Method>)[name]!(...args);

    expect(given).toBe(answer);
    // `flush` has no arguments.
    if (name !== 'flush') expect(spy.mock.calls).toEqual([args]);
    spy.mockRestore();
  });

  it('ends the run with the given options, and init starts a new run', async () => {
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

  it('accepts the options of Run in init', async () => {
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
