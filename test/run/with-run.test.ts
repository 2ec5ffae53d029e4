import { describe, expect, it } from 'vitest';
import { Run, tracking, withRun } from '../../src/index.js';
import { readRunFile } from '../support/read-run.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

const options = () => ({ root: createTempDir(), ...NO_CAPTURE });

describe('withRun', () => {
  it('ends the run as succeeded, and returns the result', async () => {
    let run: Run | undefined;

    const result = await withRun(options(), async (started) => {
      run = started;
      started.log({ loss: 1 });
      return 42;
    });

    expect(result).toBe(42);
    expect(readRunFile(run!.paths.run)).toMatchObject({ status: 'succeeded', outputs: { loss: 1 } });
  });

  it.each([
    ['rejects', async () => Promise.reject(new TypeError('no data'))],
    [
      'throws',
      () => {
        throw new TypeError('no data');
      },
    ],
  ])('ends the run as failed if the function %s, and throws its error', async (_name, fail) => {
    let run: Run | undefined;

    const ending = withRun(options(), (started): Promise<never> => {
      run = started;
      return fail();
    });

    await expect(ending).rejects.toThrow(new TypeError('no data'));
    const { status, status_conditions } = readRunFile(run!.paths.run);
    expect(status).toBe('failed');
    expect(status_conditions.at(-1)).toMatchObject({
      reason: 'UncaughtError',
      message: expect.stringContaining('TypeError: no data'),
    });
  });

  it('keeps the status of a run that the function has ended', async () => {
    const run = await withRun(options(), async (started) => {
      await started.logStopped();
      return started;
    });

    expect(readRunFile(run.paths.run).status).toBe('stopped');
  });

  it.each([[undefined], [{}], ['text']])(
    'rejects %j instead of a function, and starts no run',
    async (fn) => {
      await expect(withRun({ root: '/nonexistent' }, fn as never)).rejects.toMatchObject({
        code: 'ERR_OPTION_INVALID',
      });
    },
  );

  it('rejects wrong options before it calls the function', async () => {
    await expect(withRun({ nmae: 'a' } as never, () => expect.unreachable())).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
    });
  });

  it('is a function of tracking, whose run it sets', async () => {
    const run = await tracking.withRun(options(), (started) => {
      tracking.logMetric('loss', 1);
      return started;
    });

    expect(readRunFile(run.paths.run)).toMatchObject({ status: 'succeeded', outputs: { loss: 1 } });
    expect(() => tracking.logMetric('loss', 1)).toThrow(expect.objectContaining({ code: 'ERR_NO_RUN' }));
  });

  it('has its counterpart in `await using`', async () => {
    let path = '';
    {
      await using run = new Run(options());
      path = run.paths.run;
    }

    expect(readRunFile(path).status).toBe('succeeded');
  });
});
