/** Many values that are merged one by one: the run file is replaced each time only while it is small. */

import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Run } from '../../src/index.js';
import { spawnScript } from '../support/child-script.js';
import { readRunFile } from '../support/read-run.js';
import { NO_CAPTURE, startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

const COUNT = 3000;

function expectedInputs(count = COUNT): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`parameter${i}`, i]));
}

/** The bytes that the calls have written to a file which each write replaces. */
function countWrittenBytes(path: string, calls: readonly (() => void)[]): number {
  let bytes = 0;
  let last = statSync(path).ino;
  for (const call of calls) {
    call();
    const { ino, size } = statSync(path);
    if (ino !== last) bytes += size;
    last = ino;
  }
  return bytes;
}

describe.each(['logInputs', 'logOutputs', 'logMeta'] as const)('many calls of %s', (method) => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  const log = (run: Run, i: number) => run[method]({ [`parameter${i}`]: i });

  it('write each value before they return while the file is small, and then a bounded number of bytes', () => {
    const { run } = startRun();
    const calls = Array.from({ length: COUNT }, (_, i) => () => log(run, i));
    const small = 100;

    for (const call of calls.slice(0, small)) call();
    const fieldOf = () => {
      const { inputs, outputs, meta_info } = readRunFile(run.paths.run);
      return { logInputs: inputs, logOutputs: outputs, logMeta: meta_info }[method];
    };
    expect(fieldOf()).toMatchObject(expectedInputs(small));

    const first = countWrittenBytes(run.paths.runFile, calls.slice(small, 1500));
    const second = countWrittenBytes(run.paths.runFile, calls.slice(1500));

    // Time does not advance, so that all calls are within one pause.
    expect(first).toBeLessThan(1500 * 17 * 1024);
    expect(second).toBe(0);
    vi.advanceTimersByTime(250);
    expect(fieldOf()).toMatchObject(expectedInputs());
  });
});

describe('many inputs', () => {
  it('can be read back at once, are complete on disk after flush, and keep the order of the calls', async () => {
    const { run } = startRun();
    for (let i = 0; i < COUNT; i++) run.logInputs({ [`parameter${i}`]: i });
    run.logInputs({ parameter7: 'later' });
    run.logInputs({ ['__proto__']: 1 });

    expect(run.getInputs()).toMatchObject({ ...expectedInputs(), parameter7: 'later' });
    await run.flush();
    const { inputs } = readRunFile(run.paths.run);
    expect(Object.keys(inputs ?? {})).toEqual([...Object.keys(expectedInputs()), '__proto__']);
    expect(inputs?.parameter7).toBe('later');

    for (let i = 0; i < 10; i++) run.logInputs({ [`late${i}`]: i });
    run.logInputs({ only: 1 }, { reset: true });
    run.logInputs({ last: 2 });
    await run.end();
    expect(readRunFile(run.paths.run).inputs).toEqual({ only: 1, last: 2 });
  });

  it('are complete on disk when the process ends without end()', async () => {
    const root = createTempDir();
    const uuid = 'a'.repeat(32);
    const options = JSON.stringify({ root, uuid, ...NO_CAPTURE });
    const child = spawnScript(
      'Run',
      `const run = new Run(${options});
       for (let i = 0; i < ${COUNT}; i++) run.logInputs({ ['parameter' + i]: i });
       process.exit(3);`,
    );
    await once(child, 'close');

    expect(readRunFile(join(root, 'runs', uuid)).inputs).toEqual(expectedInputs());
  });

  it('of a worker are merged by the main process, and the later write of a name wins', async () => {
    const { run: main } = startRun();
    const { run: worker } = startRun({ artifactsPath: main.paths.run, uuid: main.uuid, worker: 'w1' });

    main.logInputs({ parameter3: 'early', shared: 'main' });
    for (let i = 0; i < COUNT; i++) worker.logInputs({ [`parameter${i}`]: i });
    worker.logInputs({ shared: 'worker' });
    await worker.end();
    main.logInputs({ parameter5: 'late' });
    await main.end();

    expect(readRunFile(main.paths.run).inputs).toEqual({
      ...expectedInputs(),
      shared: 'worker',
      parameter5: 'late',
    });
  });
});
