/** The built command in a pipeline whose reader ends early, and in a terminal that is closed. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CLI, UploaderProcess } from '../../bench/support/uploader-process.mjs';
import { waitFor } from '../support/child-server.js';
import { createTempDir } from '../support/temp-dir.js';
import { makeRun } from '../uploader/support/run-tree.js';

describe('the built command', () => {
  it.each([[['--help']], [['ls']], [['watch', '.', '--json']]])(
    'F87: polytrack %s ends without a word when its output is not read',
    async (args) => {
      const home = createTempDir();
      const store = join(home, 'store');
      mkdirSync(store);
      makeRun(home);
      const env = { PATH: process.env.PATH, HOME: home, POLYTRACK_STORE: `file://${store}` };
      const child = spawn(process.execPath, [CLI, ...args], { cwd: home, env, stdio: 'pipe' });
      onTestFinished(() => void child.kill('SIGKILL'));
      child.stdout.destroy();
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });

      const [code] = (await once(child, 'close')) as [number | null];

      expect(stderr).not.toMatch(/EPIPE|ERR_|Error|at .*:\d+/);
      expect(code).toBe(141);
    },
  );

  it('F87: watch finishes its uploads when the terminal is closed', async () => {
    const home = createTempDir();
    const store = join(home, 'store');
    mkdirSync(store);
    makeRun(join(home, 'root'), { 'outputs/file': 'content' });
    const env = { POLYTRACK_STORE: `file://${store}` };
    const watch = new UploaderProcess(['watch', join(home, 'root')], { env, home });
    onTestFinished(() => void watch.end('SIGKILL'));
    await waitFor('an upload', () => (watch.output.includes('outputs/file') ? true : undefined));

    expect(await watch.end('SIGHUP'), watch.output).toBe(0);
    expect(watch.output).toContain('Complete:');
  });
});
