import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Run, tracking } from '../../src/index.js';
import { readRunFile, readValues } from '../support/read-run.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

function methodsOf(type: { readonly prototype: object }): string[] {
  const names = new Set<string>();
  for (let found: object = type.prototype; found !== Object.prototype; found = Object.getPrototypeOf(found)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(found))) {
      if (typeof value === 'function' && name !== 'constructor') names.add(name);
    }
  }
  return [...names];
}

describe('tracking', () => {
  it('has a function for each method of Run', () => {
    const functions = Object.entries(tracking)
      .filter(([, value]) => typeof value === 'function')
      .map(([name]) => name);

    expect(functions.sort()).toEqual([...methodsOf(Run), 'init', 'getOrCreateRun', 'withRun'].sort());
  });

  it('keeps one run for the process, from init to end', async () => {
    const run = tracking.init({ root: createTempDir(), ...NO_CAPTURE, name: 'module', hparams: false });

    tracking.logMetric('loss', 1, { step: 3 });
    tracking.logInputs({ lr: 0.1 });
    const traced = tracking.trace('call', { kind: 'llm' }, () => 42);
    expect(tracking.getOrCreateRun()).toBe(run);
    await tracking.end();

    expect(traced).toBe(42);
    expect(readRunFile(run.paths.run)).toMatchObject({
      name: 'module',
      status: 'succeeded',
      inputs: { lr: 0.1 },
      outputs: { loss: 1 },
      meta_info: { has_metrics: true, has_events: true, has_traces: true },
    });
    // A trace, and its preview as a text of TensorBoard.
    const tags = readValues(run.paths.tensorboard).map(({ tag }) => tag);
    expect(tags).toEqual(['loss', 'polyaxon/span/call', 'call']);
  });

  it('traced: a function that is wrapped before init belongs to the run of each call', async () => {
    const double = tracking.traced((value: number) => 2 * value, { name: 'double' });
    expect(() => double(1)).toThrow(expect.objectContaining({ code: 'ERR_NO_RUN' }));
    for (let round = 0; round < 2; round += 1) {
      const run = tracking.init({ root: createTempDir(), ...NO_CAPTURE });
      expect(double(21)).toBe(42);
      await tracking.end();

      const tags = readValues(run.paths.tensorboard).map(({ tag }) => tag);
      expect(tags).toContain('polyaxon/span/double');
    }
  });

  it('throws before init and after end, and starts no run', async () => {
    const noRun = expect.objectContaining({
      code: 'ERR_NO_RUN',
      hint: expect.stringContaining('tracking.init'),
    });

    expect(() => tracking.logMetric('loss', 1)).toThrow(noRun);
    tracking.init({ root: createTempDir(), ...NO_CAPTURE });
    await tracking.end();
    expect(() => tracking.logMetric('loss', 1)).toThrow(noRun);
    await expect(tracking.end()).resolves.toBeUndefined();
  });

  it('uses the run of the job without init, in a job of Polyaxon', async () => {
    const uuid = '0'.repeat(31).concat('7');
    vi.stubEnv('POLYAXON_IS_MANAGED', 'true');
    vi.stubEnv('POLYAXON_RUN_INSTANCE', `acme.demo.runs.${uuid}`);
    vi.stubEnv('POLYAXON_CONTEXT_ROOT', createTempDir());
    onTestFinished(() => void vi.unstubAllEnvs());

    tracking.logMetric('loss', 1);

    expect(tracking.getOrCreateRun()).toMatchObject({ uuid, mode: 'managed' });
    await tracking.end();
  });

  it('keeps the run when end is called with invalid options', async () => {
    const run = tracking.init({ root: createTempDir(), ...NO_CAPTURE });

    await expect(tracking.end({ status: 'bad' as never })).rejects.toMatchObject({
      code: 'ERR_STATUS_INVALID',
    });

    expect(tracking.getOrCreateRun()).toBe(run);
    await tracking.end();
    expect(run.status).toBe('succeeded');
  });

  it('returns a run that is passed', () => {
    const run = new Run({ root: createTempDir(), noOp: true });

    expect(tracking.getOrCreateRun(run)).toBe(run);
  });
});
