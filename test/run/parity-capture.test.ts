/** Automatic captures of a run, together and separately, in a real program in a real repository. */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readLineage, readValues } from '../support/read-run.js';
import { runProgram } from '../support/run-program.js';
import { createSharedTempDir, createTempDir } from '../support/temp-dir.js';

const ALL = ['code', 'environment', 'logs', 'resources'];
const OFF = [
  ['trackCode', 'code'],
  ['trackEnv', 'environment'],
  ['trackLogs', 'logs'],
  ['collectResources', 'resources'],
] as const;

describe('a run', () => {
  let repository: string;

  beforeAll(() => {
    repository = createSharedTempDir();
    const git = (...args: string[]) => execFileSync('git', args, { cwd: repository, stdio: 'pipe' });
    git('init', '-q');
    writeFileSync(join(repository, 'train.mjs'), '// as committed\n');
    git('add', '.');
    git('-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-q', '-m', 'first');
  });

  async function runWith(options: Readonly<Record<string, unknown>>): Promise<string> {
    const root = createTempDir();
    await runProgram(
      `const run = new Run(${JSON.stringify({ root, ...options })});
       console.log('epoch 1 done');
       console.error('not so good');
       await run.end();`,
      { cwd: repository },
    );
    const [uuid = ''] = readdirSync(join(root, 'runs'));
    return join(root, 'runs', uuid);
  }

  function capturedIn(run: string): string[] {
    const kinds = new Set(readLineage(run).map(({ kind }) => kind as string));
    return [
      ...(kinds.has('coderef') ? ['code'] : []),
      ...(existsSync(join(run, 'outputs/env.json')) && kinds.has('env') ? ['environment'] : []),
      ...(existsSync(join(run, 'plxlogs/logs.jsonl')) ? ['logs'] : []),
      ...(existsSync(join(run, 'system')) ? ['resources'] : []),
    ];
  }

  it('captures code, environment, output and system metrics, also offline and without isNew', async () => {
    const run = await runWith({ isOffline: true });

    expect(capturedIn(run)).toEqual(ALL);
    const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: repository, encoding: 'utf8' }).trim();
    expect(readLineage(run)).toContainEqual(
      expect.objectContaining({ name: commit, kind: 'coderef', is_input: true }),
    );
    expect(readFileSync(join(run, 'plxlogs/logs.jsonl'), 'utf8').match(/"value":"[^"]*"/g)).toEqual([
      '"value":"epoch 1 done"',
      '"value":"not so good"',
    ]);
  });

  it('records changes since the commit, the environment, and the load of the machine', async () => {
    writeFileSync(join(repository, 'train.mjs'), '// as it runs\n');
    const run = await runWith({ formats: ['polyaxon'] });
    writeFileSync(join(repository, 'train.mjs'), '// as committed\n');

    expect(readFileSync(join(run, 'outputs/git.diff'), 'utf8')).toContain('+// as it runs');
    expect(JSON.parse(readFileSync(join(run, 'outputs/env.json'), 'utf8'))).toMatchObject({
      node_version: process.versions.node,
      packages: expect.any(Array),
    });
    const metrics = ['cpu', 'memory', 'load'];
    expect(readValues(join(run, 'system/tensorboard')).map(({ tag }) => tag)).toEqual(
      expect.arrayContaining(metrics),
    );
    expect(readdirSync(join(run, 'resources/metric'))).toEqual(
      expect.arrayContaining(metrics.map((name) => `${name}.plx`)),
    );
  });

  it('captures nothing when everything is turned off', async () => {
    const run = await runWith(Object.fromEntries(OFF.map(([option]) => [option, false])));

    expect(capturedIn(run)).toEqual([]);
    expect(readLineage(run).map(({ kind }) => kind)).toEqual(['tensorboard']);
    expect(readdirSync(join(run, 'outputs'))).toEqual(['tensorboard']);
    for (const directory of ['plxlogs', 'resources']) expect(existsSync(join(run, directory))).toBe(false);
  });

  it.each(OFF)('captures everything except the part that is turned off: %s', async (option, what) => {
    expect(capturedIn(await runWith({ [option]: false }))).toEqual(ALL.filter((name) => name !== what));
  });

  it('captures everything in a separate run of a Polyaxon job', async () => {
    const root = createTempDir();
    await runProgram("const run = new Run({ isNew: true }); console.log('here'); await run.end();", {
      cwd: repository,
      env: {
        POLYAXON_IS_MANAGED: 'true',
        POLYAXON_RUN_INSTANCE: `acme.demo.runs.${'a'.repeat(32)}`,
        POLYAXON_CONTEXT_ROOT: root,
      },
    });

    const related = join(root, 'artifacts/_related_runs');
    const [uuid = ''] = readdirSync(related);
    expect(capturedIn(join(related, uuid))).toEqual(ALL);
  });
});
