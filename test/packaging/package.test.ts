/** The packed package, installed in an empty project, as users of every module system and Node version would have it. */

import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { describeWithPeers, type PeerName, peerPath } from '../support/peers.js';
import { createSharedTempDir } from '../support/temp-dir.js';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../..', import.meta.url));
const NODES: readonly PeerName[] = ['node-20', 'node-22', 'node-24'];

/** Logs, ends and prints what the run file says. `RunClass` and `uploader` come from either module system. */
const BODY = `
  const run = new Run({ root: process.argv[2], name: 'packed' });
  run.logMetric('loss', 0.5, { step: 1 });
  run.end().then(() => console.log(JSON.stringify({ status: run.record.status, outputs: run.record.outputs, sync: typeof uploader.sync, init: typeof tracking.init })));
`;

const TYPED = `
import { type CodedError, Run, type RunOptions, tracking } from 'polytrack';
import { sync } from 'polytrack/uploader';

const options: RunOptions = { root: 'plx-runs', name: 'typed', onError: (error: CodedError) => void error.code };
export async function main(): Promise<string> {
  await using run = new Run(options);
  run.logMetric('loss', 0.5, { step: 1n });
  run.logImage('i', { pixels: new Uint8Array(3), height: 1, width: 1 });
  // @ts-expect-error a metric is a number
  run.logMetric('loss', '0.5');
  void tracking.logText;
  void sync;
  return run.uuid;
}
`;

let project: string;

beforeAll(async () => {
  project = createSharedTempDir();
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], {
    cwd: repository,
  });
  expect(stdout).toContain('polytrack');
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz'));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', join(project, tarball!)], {
    cwd: project,
  });
  writeFileSync(
    join(project, 'esm.mjs'),
    `import { Run, tracking } from 'polytrack';\nimport * as uploader from 'polytrack/uploader';\n${BODY}`,
  );
  writeFileSync(
    join(project, 'cjs.cjs'),
    `const { Run, tracking } = require('polytrack');\nconst uploader = require('polytrack/uploader');\n${BODY}`,
  );
}, 300_000);

describeWithPeers(NODES, 'the packed package', () => {
  it.each(NODES.flatMap((node) => ['esm.mjs', 'cjs.cjs'].map((script) => [node, script] as const)))(
    'works on %s from %s',
    async (node, script) => {
      const { stdout } = await run(peerPath(node), [script, join(project, 'runs')], { cwd: project });

      expect(JSON.parse(stdout)).toEqual({
        status: 'succeeded',
        outputs: { loss: 0.5 },
        sync: 'function',
        init: 'function',
      });
    },
  );

  it.each(NODES)('has a command line that works on %s', async (node) => {
    const cli = join(project, 'node_modules', 'polytrack', 'dist', 'uploader', 'cli.js');

    const { stdout } = await run(peerPath(node), [cli, '--help'], { cwd: project });

    expect(stdout).toContain('sync');
  });

  it.each(['mts', 'cts'])('has types that a strict .%s consumer compiles', async (extension) => {
    const directory = join(project, extension);
    mkdirSync(directory);
    symlinkSync(join(repository, 'node_modules', '@types'), join(directory, 'types'));
    writeFileSync(join(directory, `main.${extension}`), TYPED);
    const flags = [
      '--strict',
      '--noEmit',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--lib',
      'es2023,esnext.disposable',
    ];
    const types = ['--types', 'node', '--typeRoots', join(directory, 'types')];

    const tsc = join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
    await run(process.execPath, [tsc, ...flags, ...types, join(directory, `main.${extension}`)], {
      cwd: directory,
    }).catch((error: { stdout: string }) => expect.fail(error.stdout));
  });
});
