/** Secrets in the environment of a program appear in no file of its run, unless they were logged on purpose. */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createTempDir } from '../support/temp-dir.js';

const entry = new URL('../../dist/src/index.js', import.meta.url).href;

/** Secrets of different forms, planted in different places that a run reads. */
const SECRETS = {
  environment: 'Zk3vQ9-environment-canary-81',
  remote: 'ghp_remoteCanary0123456789abcdefABCDEF01',
  input: 'sk-inputCanary0123456789abcdefABCDEF',
  namedInput: 'named-input-canary-7712',
  argument: 'argument-canary-5521',
  bearer: 'bearerCanary0123456789abcdefABCDEFGH',
  diff: 'AKIAIOSFODNN7CANARY9',
  printed: 'xoxb-123456789012-canaryPrintedToken1',
};
const ON_PURPOSE = 'sk-onPurposeCanary0123456789abcdefABC';

const PROGRAM = `
  import { Run } from ${JSON.stringify(entry)};
  const run = new Run({ root: process.env.ROOT, collectResources: false });
  run.logInputs({ model: process.env.INPUT, db_password: ${JSON.stringify(SECRETS.namedInput)}, lr: 0.1 });
  run.logInputs({ deliberate: ${JSON.stringify(ON_PURPOSE)} }, { allowSecrets: true });
  console.log('token in the log:', ${JSON.stringify(SECRETS.printed)});
  console.error('env in the log: ' + process.env.SERVICE_API_TOKEN);
  await run.flush();
  throw new Error('request failed: Authorization: Bearer ${SECRETS.bearer}');
`;

it('writes no secret from environment, remote URL, inputs, arguments, output or errors to a file of the run', async () => {
  const root = createTempDir();
  const repository = createTempDir();
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      cwd: repository,
    });
  git('init', '-q');
  writeFileSync(join(repository, 'main.mjs'), '// first\n');
  git('add', '.');
  git('commit', '-q', '-m', 'first');
  git('remote', 'add', 'origin', `https://user:${SECRETS.remote}@git.example.org/acme/demo.git`);
  writeFileSync(join(repository, 'main.mjs'), `// key ${SECRETS.diff}\n${PROGRAM}`);

  const child = spawn(process.execPath, ['main.mjs', '--api-key', SECRETS.argument], {
    cwd: repository,
    env: { ...process.env, ROOT: root, SERVICE_API_TOKEN: SECRETS.environment, INPUT: SECRETS.input },
    stdio: 'ignore',
  });
  const [exitCode] = await once(child, 'exit');

  const run = join(root, 'runs', readdirSync(join(root, 'runs'))[0]!);
  const files = readdirSync(run, { recursive: true, withFileTypes: true }).filter((found) => found.isFile());
  const texts = files.map((file) => ({
    path: join(file.parentPath, file.name),
    text: readFileSync(join(file.parentPath, file.name), 'latin1'),
  }));
  expect(exitCode).toBe(1);
  for (const [place, secret] of Object.entries(SECRETS)) {
    const found = texts.filter(({ text }) => text.includes(secret)).map(({ path }) => path);
    expect(found, `the secret planted in ${place}`).toEqual([]);
  }
  // The searched files are complete, and masking has removed nothing else.
  const all = texts.map(({ text }) => text).join('\n');
  expect(all).toContain(ON_PURPOSE);
  expect(all).toContain('git.example.org/acme/demo.git');
  expect(all).toContain('token in the log');
  expect(all).toContain('request failed');
  expect(texts.map(({ path }) => path.slice(run.length + 1)).sort()).toEqual(
    expect.arrayContaining([
      'lineages.plx.json',
      'outputs/env.json',
      'outputs/git.diff',
      'plxlogs/logs.jsonl',
      'run.plx.json',
    ]),
  );
});
