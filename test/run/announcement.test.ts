/** The lines that a run prints at its start and end. */

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/run-program.js';
import { createTempDir } from '../support/temp-dir.js';

const UUID = '1f6c0c5e2f8a4d0e9d2b7a6c5e4f3d21';
const SHOWN = { POLYTRACK_ANNOUNCE: 'true' };

function linesOf(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('polytrack: '));
}

describe('a run', () => {
  it('prints where it is and how it ended, on request', async () => {
    const cwd = createTempDir();

    const { stdout, stderr } = await runProgram(
      `const run = new Run({ name: 'resnet', uuid: '${UUID}', announce: true });
       for (const [step, loss] of [2.302, 0.29, 0.31].entries()) run.logMetric('loss', loss, step);
       run.logMetric('epochs', 3);
       await run.end();`,
      { cwd },
    );

    expect(stdout).toBe('');
    expect(linesOf(stderr)).toEqual([
      `polytrack: run resnet (1f6c0c5e) writes to plx-runs/runs/${UUID}`,
      'polytrack: to view it, use: tensorboard --logdir plx-runs-tensorboard',
      expect.stringMatching(
        /^polytrack: run resnet: succeeded after \d+ s; loss 0\.31 \(lowest 0\.29, highest 2\.302\); epochs 3$/,
      ),
      `polytrack: to upload it, use: npx polytrack sync plx-runs/runs/${UUID} --store <url>`,
    ]);
  });

  it.each([
    ['without a terminal', '{}', {}],
    ['when the variable turns it off', '{}', { POLYTRACK_ANNOUNCE: 'false' }],
    ['when the option turns it off', '{ announce: false }', SHOWN],
    ['in a worker', `{ uuid: '${UUID}', worker: 'rank-1' }`, SHOWN],
    ['when nothing is written', '{ noOp: true }', SHOWN],
  ])('prints nothing %s', async (_when, options, env) => {
    const { stderr } = await runProgram(`await new Run(${options}).end();`, { cwd: createTempDir(), env });

    expect(stderr).toBe('');
  });

  it('prints each line once, with the status of the process, when end() is not called', async () => {
    const { stderr } = await runProgram(
      `const run = new Run(); run.logMetric('loss', 1);
       process.on('exit', () => { process.exitCode = 0; }); process.exitCode = 3;`,
      { cwd: createTempDir(), env: SHOWN },
    );

    expect(linesOf(stderr)).toHaveLength(4);
    expect(stderr).toMatch(/run run: succeeded after \d+ s; loss 1\n/);
  });

  it('masks secrets, escapes control characters, and quotes paths', async () => {
    const { stderr } = await runProgram(
      `await new Run({ name: 'a\\u001b[31m b of very-secret-value-1', root: 'my runs' }).end();`,
      { cwd: createTempDir(), env: { ...SHOWN, SERVICE_API_KEY: 'very-secret-value-1' } },
    );

    expect(stderr).toContain('run a\\u001b[31m b of ***');
    expect(stderr).toContain("tensorboard --logdir 'my runs-tensorboard'");
    expect(stderr).not.toContain('very-secret');
    expect(stderr).not.toContain('\u001b');
  });

  it('does not log its lines as output of the program, also of another run', async () => {
    const cwd = createTempDir();

    await runProgram(
      `const first = new Run({ uuid: '${UUID}' });
       console.log('output of the program');
       await new Run({ name: 'second' }).end();
       await first.end();`,
      { cwd, env: SHOWN },
    );

    const log = readFileSync(join(cwd, 'plx-runs/runs', UUID, 'plxlogs/logs.jsonl'), 'utf8');
    expect(log).toContain('output of the program');
    expect(log).not.toContain('polytrack:');
  });

  it('keeps the exit code when stderr is closed or its reader is gone', () => {
    const cwd = createTempDir();
    const script = join(cwd, 'main.mjs');
    const entry = new URL('../../dist/src/index.js', import.meta.url).href;
    execFileSync('sh', ['-c', `cat > ${script}`], {
      input: `import { Run } from ${JSON.stringify(entry)}; const run = new Run(); run.logMetric('loss', 1); process.exitCode = 7;`,
    });

    for (const redirection of ['2>&-', '2> >(exec 2>&-; true)']) {
      rmSync(join(cwd, 'plx-runs'), { recursive: true, force: true });
      const { status } = spawnSync('bash', ['-c', `"$0" main.mjs ${redirection}`, process.execPath], {
        cwd,
        env: { PATH: process.env.PATH, ...SHOWN },
      });
      expect(status, redirection).toBe(7);
    }
  });

  it('prints on a terminal without being asked', () => {
    const cwd = createTempDir();
    const entry = new URL('../../dist/src/index.js', import.meta.url).href;
    const program = `import { Run } from ${JSON.stringify(entry)}; await new Run().end();`;
    const { stdout } = spawnSync(
      'script',
      ['-qec', `'${process.execPath}' --input-type=module -e '${program}'`, '/dev/null'],
      { cwd, encoding: 'utf8', env: { PATH: process.env.PATH, SHELL: '/bin/sh' } },
    );

    expect(linesOf(stdout.replaceAll('\r', ''))).toHaveLength(4);
  });
});
