import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Run, tracking } from '../../src/index.js';
import { NO_CAPTURE, startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

function alertsOf(directory: string, writer = 'main'): Record<string, unknown>[] {
  const path = join(directory, '.plx', `alerts-${writer}.jsonl`);
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  return lines.map((line) => JSON.parse(line));
}

describe('Run.alert', () => {
  it('writes each alert as a line, with secrets masked', async () => {
    const { run, warnings } = startRun({ name: 'baseline', project: 'demo' });

    run.alert({ title: 'Loss is NaN', text: 'password=hunter2hunter2 at step 4', level: 'error' });
    run.alert({ title: 'Half way' });

    const [first, second] = alertsOf(run.paths.run);
    expect(first).toMatchObject({
      level: 'error',
      title: 'Loss is NaN',
      run: { uuid: run.uuid, name: 'baseline', project: 'demo' },
    });
    expect(first!.text).not.toContain('hunter2');
    expect(warnings.map(({ code }) => code)).toContain('WARN_SECRET_MASKED');
    expect(second).toMatchObject({ level: 'info', title: 'Half way', text: '' });
    expect(first!.id).not.toBe(second!.id);
    await run.end();
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'ERR_OPTION_INVALID'],
    ['a text', 'Loss is NaN', 'ERR_OPTION_INVALID'],
    ['an array', ['Loss is NaN'], 'ERR_OPTION_INVALID'],
    ['no title', { text: 'a' }, 'ERR_TEXT_INVALID'],
    ['an empty title', { title: ' ' }, 'ERR_TEXT_INVALID'],
    ['a number as title', { title: 5 }, 'ERR_TEXT_INVALID'],
    ['a bigint as text', { title: 'a', text: 5n }, 'ERR_TEXT_INVALID'],
    ['a date as title', { title: new Date(0) }, 'ERR_TEXT_INVALID'],
    ['a long title', { title: 'a'.repeat(257) }, 'ERR_TEXT_INVALID'],
    ['a long text', { title: 'a', text: 'a'.repeat(4001) }, 'ERR_TEXT_INVALID'],
    ['an unknown level', { title: 'a', level: 'fatal' }, 'ERR_OPTION_INVALID'],
    ['an unknown option', { title: 'a', message: 'b' }, 'ERR_OPTION_INVALID'],
  ])('rejects %s, and writes nothing', async (_name, options, code) => {
    const { run } = startRun();

    expect(() => run.alert(options as never)).toThrow(
      expect.objectContaining({ code, hint: expect.stringMatching(/./) }),
    );

    expect(alertsOf(run.paths.run)).toEqual([]);
    await run.end();
    expect(() => run.alert({ title: 'a' })).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
  });

  it('survives kill -9 right after the call', () => {
    const root = createTempDir();
    const entry = join(import.meta.dirname, '../../dist/esm/src/index.js');
    const program = `
      import { Run } from ${JSON.stringify(existsSync(entry) ? entry : 'polytrack')};
      const run = new Run({ root: ${JSON.stringify(root)}, uuid: '${'a'.repeat(32)}', trackCode: false, trackEnv: false });
      run.alert({ title: 'last words' });
      process.kill(process.pid, 'SIGKILL');
    `;

    expect(() =>
      execFileSync(process.execPath, ['--input-type=module', '-e', program], { stdio: 'pipe' }),
    ).toThrow();

    expect(alertsOf(join(root, 'runs', 'a'.repeat(32)))).toMatchObject([{ title: 'last words' }]);
  });

  it('has a file for each worker, is a function of tracking, and writes nothing with noOp', async () => {
    const place = { root: createTempDir(), uuid: 'b'.repeat(32), ...NO_CAPTURE };
    const main = tracking.init(place);
    const worker = new Run({ ...place, worker: 'rank-1' });
    const none = new Run({ noOp: true });

    tracking.alert({ title: 'main' });
    worker.alert({ title: 'worker' });
    none.alert({ title: 'none' });

    expect(alertsOf(main.paths.run)).toMatchObject([{ title: 'main' }]);
    expect(alertsOf(main.paths.run, 'rank-1')).toMatchObject([{ title: 'worker' }]);
    await Promise.all([worker.end(), none.end(), tracking.end()]);
  });
});
