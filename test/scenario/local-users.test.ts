/** Other users of the host can list the temporary directory, read what has the usual permissions, and see command lines. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Diagnostics } from '../../src/base/diagnostics.js';
import { resolveReport } from '../../src/run/report-run.js';
import type { RunEnvironment } from '../../src/run/run-environment.js';
import { runCommand } from '../support/run-command.js';
import { createTempDir } from '../support/temp-dir.js';
import { makeRun } from '../uploader/support/run-tree.js';

const TOKEN = 'canary-token-1a2b3c4d5e6f';

it('keeps the state of an uploader from other users', async () => {
  const home = createTempDir();
  const root = join(home, 'root');
  makeRun(root, { 'outputs/a': 'content' });
  vi.stubEnv('POLYTRACK_STATE_DIR', join(home, 'state'));
  const mask = process.umask(0);
  onTestFinished(() => {
    process.umask(mask);
    vi.unstubAllEnvs();
  });

  await runCommand(['sync', root, '--store', `file://${home}/store`, '--export-events']);

  const state = join(home, 'state');
  const found = readdirSync(state, { recursive: true, encoding: 'utf8' });
  const open = ['.', ...found].filter((name) => (statSync(join(state, name)).mode & 0o077) !== 0);
  expect(found.length).toBeGreaterThan(3);
  expect(open).toEqual([]);
});

it('names the state of a report so that no one can create it first', () => {
  const environment = { mode: 'managed', writer: 'main', uuid: 'a'.repeat(32) } as RunEnvironment;
  const variables = { POLYAXON_HOST: 'http://127.0.0.1:1', POLYAXON_AUTH_TOKEN: TOKEN };
  const resolve = () => {
    const { flags } = resolveReport(undefined, environment, {}, variables, new Diagnostics())!;
    return flags;
  };

  const [flags, others] = [resolve(), resolve()];

  const toState = (given: readonly string[]) => given[given.indexOf('--state-dir') + 1]!;
  expect(toState(flags).startsWith(tmpdir())).toBe(true);
  expect(toState(flags)).not.toBe(toState(others));
  expect(existsSync(toState(flags))).toBe(false);
  expect(flags.join(' ')).not.toContain(TOKEN);
});
