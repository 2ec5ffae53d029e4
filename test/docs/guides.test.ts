/** Follows every guide word for word: in an empty directory, with the packed package, against real servers. */

import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { describeWithPeers, peerPath } from '../support/peers.js';
import { S3Server } from '../support/s3-server.js';
import { createSharedTempDir, createTempDir } from '../support/temp-dir.js';
import { runPage } from './run-page.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const guides = join(repository, 'docs/guides');
const names = readdirSync(guides).filter((name) => name.endsWith('.md'));

const README = 'README.md';

/** What a guide expects on the machine. */
const SETTINGS: Record<string, (directory: string) => void> = {
  'other-writers.md': (directory) =>
    cpSync(join(repository, 'fixtures/keras'), join(directory, 'logs'), { recursive: true }),
};

describeWithPeers(['tensorboard', 'tensorboardx', 's3'], 'guides', () => {
  let server: S3Server;
  let modules: string;

  beforeAll(async () => {
    server = await S3Server.startShared();
    await server.bucket('my-bucket');
    modules = installPackage(createSharedTempDir());
  });

  it.each([README, ...names])('%s works as printed', async (name) => {
    const directory = createTempDir();
    symlinkSync(modules, join(directory, 'node_modules'));
    SETTINGS[name]?.(directory);
    const outputs = join(directory, 'mnt-outputs');
    mkdirSync(outputs);
    // The README is a guide up to its first section.
    const page = name === README ? writeFirstScreen(directory) : join(guides, name);
    const programs = [
      join(modules, '.bin'),
      dirname(peerPath('tensorboardx')),
      dirname(peerPath('tensorboard')),
      dirname(process.execPath),
    ];
    const env = {
      ...{ PATH: [...programs, process.env.PATH].join(':'), HOME: createTempDir(), NO_UPDATE_NOTIFIER: '1' },
      ...server.env,
    };

    await runPage(page, {
      directory,
      env,
      replace: (command) =>
        /^(npm|pip) install /.test(command) ? null : command.replaceAll('/mnt/outputs', outputs),
    });
  });
});

it('every guide is in the list of guides, and every link leads to a file', () => {
  const index = readFileSync(join(repository, 'README.md'), 'utf8');
  for (const name of names) {
    expect(index).toContain(`docs/guides/${name}`);
    const text = readFileSync(join(guides, name), 'utf8');
    for (const [, target] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      expect(existsSync(join(guides, target!)), `${name}: ${target}`).toBe(true);
  }
});

function writeFirstScreen(directory: string): string {
  const path = join(directory, README);
  const [firstScreen = ''] = readFileSync(join(repository, README), 'utf8').split('\n## ');
  writeFileSync(path, firstScreen);
  return path;
}

/** Packs the package and installs it with its dependencies, as `npm install polytrack` does. Returns node_modules. */
function installPackage(directory: string): string {
  const run = (command: string, args: string[], cwd: string): string =>
    execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const [{ filename }] = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', directory], repository),
  ) as [{ filename: string }];
  writeFileSync(join(directory, 'package.json'), '{ "private": true }');
  run('npm', ['install', '--no-audit', '--no-fund', `./${filename}`, '@aws-sdk/client-s3@3'], directory);
  return join(directory, 'node_modules');
}
