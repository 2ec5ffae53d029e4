/** `sync --all` on a real server: reports the offline runs of a working directory and of Polyaxon's root, each once. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { findOfflineRoots } from '../../../uploader/run-directory/offline-roots.js';
import { describeWithPeers } from '../../support/peers.js';
import { startRun } from '../../support/start-run.js';
import { createTempDir } from '../../support/temp-dir.js';
import { countRuns, ServerRun, startServer } from './support.js';

const CLI = fileURLToPath(new URL('../../../dist/uploader/cli.js', import.meta.url));

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

async function runIn(cwd: string, env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Outcome> {
  const options = { cwd, env: { PATH: process.env.PATH, HOME: cwd, ...env } };
  const child = spawn(process.execPath, [CLI, ...args], options);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

describeWithPeers(['polyaxon'], 'offline runs', () => {
  it('are reported once by one command', async () => {
    const server = await startServer();
    const home = createTempDir();
    const offline = join(createTempDir(), 'offline');
    const [ours, theirs] = [join(home, 'plx-runs'), offline].map((root) => {
      const { run } = startRun({ root, project: 'demo', name: root === offline ? 'theirs' : 'ours' });
      run.logMetric('loss', 0.5, { step: 0 });
      return run;
    });
    await ours?.end();
    await theirs?.end();
    const env = { POLYAXON_HOST: server.url, POLYAXON_OFFLINE_ROOT: offline };

    const first = await runIn(home, env, 'sync', '--all');
    expect(first.code, first.output).toBe(0);
    for (const run of [ours, theirs]) {
      const served = new ServerRun(server, run?.uuid ?? '');
      expect(await served.run()).toMatchObject({ status: 'succeeded', outputs: { loss: 0.5 } });
    }
    const second = await runIn(home, env, 'sync', '--all');
    expect(second.code, second.output).toBe(0);
    expect(second.output).not.toContain('in Polyaxon');
    expect(await countRuns(server)).toBe(2);
  });

  it('are searched once in each place', async () => {
    const root = createTempDir();
    mkdirSync(join(root, 'runs'));
    const { found } = await findOfflineRoots({ POLYAXON_OFFLINE_ROOT: root }, nodeFileSystem);
    expect(found.filter((path) => path === root)).toHaveLength(1);
  });
});
