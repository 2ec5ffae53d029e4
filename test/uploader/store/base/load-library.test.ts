import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { loadLibrary } from '../../../../uploader/store/base/load-library.js';
import { createTempDir } from '../../../support/temp-dir.js';

const REPOSITORY = join(import.meta.dirname, '../../../..');

const ABSENT: string = 'polytrack-no-such-library';
const LIBRARY = { name: ABSENT, wanted: `${ABSENT}@1` };

it('names the package to install when a library is missing', async () => {
  await expect(loadLibrary(LIBRARY, () => import(ABSENT))).rejects.toMatchObject({
    code: 'ERR_STORE_LIBRARY',
    message: expect.stringContaining(ABSENT),
    hint: `Run: npm install ${ABSENT}@1`,
  });
});

it('passes on other errors of a library', async () => {
  const cause = new Error("Cannot find package 'other' imported from polytrack-no-such-library");
  const load = (): Promise<never> => Promise.reject(Object.assign(cause, { code: 'ERR_MODULE_NOT_FOUND' }));

  await expect(loadLibrary(LIBRARY, load)).rejects.toBe(cause);
});

it.each([
  ['s3://bucket/runs', 'npm install @aws-sdk/client-s3@3'],
  ['gs://bucket/runs', 'npm install @google-cloud/storage@7'],
  ['azure://container/runs', 'npm install @azure/storage-blob@~12.32.0'],
])('polytrack check names the package for %s when only polytrack is installed', async (url, command) => {
  const cli = installAlone();
  const args = [cli, 'check', url, '--state-dir', createTempDir()];
  const env = { ...process.env, AZURE_STORAGE_ACCOUNT: 'acme' };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const [code] = await once(child, 'close');

  expect(output).toContain('ERR_STORE_LIBRARY');
  expect(output).toContain(command);
  expect(code).toBe(2);
});

/** Installs only the built package and its dependencies. Returns the path of the command. */
function installAlone(): string {
  const home = createTempDir();
  const read = (name: string): { dependencies: object } =>
    JSON.parse(readFileSync(join(REPOSITORY, name), 'utf8'));
  cpSync(join(REPOSITORY, 'dist'), join(home, 'dist'), { recursive: true });
  cpSync(join(REPOSITORY, 'package.json'), join(home, 'package.json'));
  for (const name of Object.keys(read('package.json').dependencies)) {
    const path = join(home, 'node_modules', name);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(join(REPOSITORY, 'node_modules', name), path);
  }
  return join(home, 'dist/uploader/cli.js');
}
