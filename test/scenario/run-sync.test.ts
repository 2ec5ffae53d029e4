/** `new Run({ sync })`: a separate process uploads the run while it is written. */

import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { spawnScript } from '../support/child-script.js';
import { waitFor } from '../support/child-server.js';
import { createTempDir } from '../support/temp-dir.js';

const UUID = '0123456789abcdef0123456789abcdef';

function listFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .filter((path) => !path.startsWith('.plx/'))
    .sort();
}

function start(body: string, options: { readonly root: string; readonly sync: string }) {
  const state = createTempDir();
  const child = spawnScript(
    'Run',
    `const warnings = [];
     const run = new Run({
       root: ${JSON.stringify(options.root)}, uuid: '${UUID}', sync: ${options.sync}, trackCode: false, collectResources: false,
       onWarning: ({ code, message }) => warnings.push(code + ': ' + message),
     });
     ${body}
     await new Promise((resolve) => process.stdout.write(JSON.stringify(warnings), resolve));`,
    { XDG_STATE_HOME: state },
  );
  let output = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const exited = once(child, 'close').then(([code]) => code as number);
  /** Otherwise the directories would be removed while it still runs, and it would wait for them. */
  const untilUploaderEnds = () =>
    waitFor('the end of the uploader', () => {
      const names = readdirSync(state, { recursive: true, encoding: 'utf8' });
      return names.some((name) => basename(name) === 'lock') ? undefined : true;
    });
  return { child, exited, untilUploaderEnds, output: () => output };
}

function expectStored(root: string, store: string): void {
  const run = join(root, 'runs', UUID);
  const files = listFiles(run);
  expect(listFiles(join(store, UUID))).toEqual(files);
  for (const file of files)
    expect(readFileSync(join(store, UUID, file))).toEqual(readFileSync(join(run, file)));
}

it('stores a run while it is written, and all of it before end() resolves', async () => {
  const [root, store] = [createTempDir(), createTempDir()];
  const sync = `{ store: ${JSON.stringify(pathToFileURL(store).href)} }`;
  const { child, exited, output } = start(
    `run.logMetric('loss', 1);
     const timer = setInterval(() => {}, 1000);
     await new Promise((resolve) => process.once('SIGUSR2', resolve));
     clearInterval(timer);
     run.logMetric('loss', 2);
     await run.end();`,
    { root, sync },
  );

  await waitFor('the record to be stored', () => existsSync(join(store, UUID, 'run.plx.json')) || undefined);
  child.kill('SIGUSR2');

  expect(await exited).toBe(0);
  expect(output()).toBe('[]');
  expect(JSON.parse(readFileSync(join(store, UUID, 'run.plx.json'), 'utf8'))).toMatchObject({
    status: 'succeeded',
  });
  expectStored(root, store);
});

it('stores all files of a killed program', async () => {
  const [root, store] = [createTempDir(), createTempDir()];
  const sync = `{ store: ${JSON.stringify(pathToFileURL(store).href)} }`;
  const { child, exited, untilUploaderEnds } = start(
    `run.logMetric('loss', 1);
     await run.flush();
     setInterval(() => {}, 1000);`,
    { root, sync },
  );
  await waitFor('the record to be stored', () => existsSync(join(store, UUID, 'run.plx.json')) || undefined);

  child.kill('SIGKILL');
  await exited;

  await waitFor('the rest to be stored', () => {
    expectStored(root, store);
    return true;
  });
  await untilUploaderEnds();
});

it('stores a run whose program exits without end()', async () => {
  const [root, store] = [createTempDir(), createTempDir()];
  const sync = `{ store: ${JSON.stringify(pathToFileURL(store).href)} }`;
  const { exited } = start(`run.logMetric('loss', 1);`, { root, sync });

  expect(await exited).toBe(0);

  expectStored(root, store);
});

it('warns about unsent files, and how to send them, when the store is unavailable', async () => {
  const root = createTempDir();
  const { exited, output } = start(`run.logMetric('loss', 1); await run.end();`, {
    root,
    sync: "{ store: 's3://bucket/runs', deadlineMs: 300 }",
  });

  expect(await exited).toBe(0);

  const [warning] = JSON.parse(output()) as string[];
  expect(warning).toMatch(/^WARN_SYNC_UNFINISHED: /);
  expect(warning).toContain(`polytrack sync ${join(root, 'runs', UUID)} --store s3://bucket/runs`);
});

it('warns immediately when an upload is impossible', async () => {
  const root = createTempDir();
  const { exited, output } = start(`await run.end();`, { root, sync: "{ store: 'ftp://nowhere' }" });

  expect(await exited).toBe(0);

  expect(JSON.parse(output())).toEqual([expect.stringMatching(/exit code 2: .*ERR_STORE_URL/s)]);
});
