/** Installs the packed package in an empty project, as users of every module system and Node version do. */

import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeWithPeers, type PeerName, peerPath } from '../support/peers.js';
import { createSharedTempDir } from '../support/temp-dir.js';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../..', import.meta.url));
const NODES: readonly PeerName[] = ['node-20', 'node-22', 'node-24'];

/** The entry points, and their names in the programs below. */
const DOORS = [
  ['polytrack', 'polytrack'],
  ['format', 'polytrack/format'],
  ['polyaxon', 'polytrack/polyaxon'],
  ['uploader', 'polytrack/uploader'],
] as const;

/** Stores that need an SDK, and the command that installs it. */
const STORES = [
  ['s3://bucket', 'npm install @aws-sdk/client-s3@3'],
  ['gs://bucket', 'npm install @google-cloud/storage@7'],
  ['azure://container', 'npm install @azure/storage-blob@~12.32.0'],
] as const;

/** Logs a run, reads it back, and prints a result of every entry point. Works with either module system. */
const BODY = `
  const run = new polytrack.Run({ root: process.argv[2], name: 'packed' });
  run.logMetric('loss', 0.5, { step: 1 });
  run.end().then(async () => {
    const [{ directory, files }] = await format.listEventFiles(run.paths.tensorboard);
    const reader = new format.EventFileReader(directory + '/' + files[0]);
    const tags = [];
    for await (const { event } of reader.read())
      if (event.what.kind === 'summary') tags.push(...event.what.values.map(({ tag }) => tag));
    await reader.close();
    const { config } = await uploader.resolveConfig(run.paths.run, { store: 'file:///store' }, {}, uploader.nodeFileSystem);
    const { status, outputs } = run.record;
    const [sync, init] = [typeof uploader.sync, typeof polytrack.tracking.init];
    const name = polyaxon.sanitizeName('train/loss');
    console.log(JSON.stringify({ status, outputs, sync, init, tags, name, store: config.store }));
  });
`;

const TYPED = `
import { type CodedError, Run, type RunOptions, SummaryWriter, tracking } from 'polytrack';
import { type DecodedValue, EventFileReader, MemorySink, TagIndex } from 'polytrack/format';
import { type ArtifactKind, findConnection, nodeFileSystem, PolyaxonClient } from 'polytrack/polyaxon';
import { type OpenStoreOptions, openStore, type Store, type SyncReport, sync } from 'polytrack/uploader';

const options: RunOptions = { root: 'plx-runs', name: 'typed', onError: (error: CodedError) => void error.code };
export async function main(): Promise<string> {
  await using run = new Run(options);
  run.logMetric('loss', 0.5, { step: 1n });
  run.logImage('i', { pixels: new Uint8Array(3), height: 1, width: 1 });
  // @ts-expect-error a metric is a number
  run.logMetric('loss', '0.5');
  void tracking.logText;
  void new SummaryWriter('runs/first', { sink: new MemorySink() });
  return run.uuid;
}
export async function read(path: string): Promise<DecodedValue[]> {
  const tags = new TagIndex();
  const values: DecodedValue[] = [];
  await using reader = new EventFileReader(path);
  for await (const { event } of reader.read())
    if (event.what.kind === 'summary') values.push(...event.what.values.map((value) => tags.decode(value)));
  return values;
}
export async function ask(): Promise<boolean> {
  const kind: ArtifactKind = 'model';
  // @ts-expect-error Polyaxon has no such kind
  const other: ArtifactKind = 'models';
  const client = new PolyaxonClient({ connection: await findConnection({}, process.env, nodeFileSystem) });
  return kind === other || (await client.installation()).dist === 'ce';
}
export async function store(): Promise<Store> {
  const options: OpenStoreOptions = { fileSystem: nodeFileSystem, s3: { region: 'eu-central-1' } };
  const upload: (...args: Parameters<typeof sync>) => Promise<SyncReport> = sync;
  void upload;
  return openStore('s3://bucket/prefix', options);
}
`;

/** Serves the files of published packages. */
const README_BASE = 'https://unpkg.com/polytrack/';

let project: string;
let tarball: string;

beforeAll(async () => {
  project = createSharedTempDir();
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], {
    cwd: repository,
  });
  expect(stdout).toContain('polytrack');
  tarball = join(project, readdirSync(project).find((name) => name.endsWith('.tgz'))!);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=optional'];
  await run('npm', ['install', ...flags, tarball], { cwd: project });
  const imports = DOORS.map(([name, door]) => `import * as ${name} from '${door}';\n`);
  const requires = DOORS.map(([name, door]) => `const ${name} = require('${door}');\n`);
  writeFileSync(join(project, 'esm.mjs'), imports.join('') + BODY);
  writeFileSync(join(project, 'cjs.cjs'), requires.join('') + BODY);
});

describe('the packed package', () => {
  it('has no problem that publint finds', async () => {
    const directory = join(project, 'node_modules/polytrack');
    const { messages } = await publint({ pkgDir: directory, pack: false, strict: true });

    expect(messages).toEqual([]);
  });

  it('has types for every module resolution', async () => {
    const result = await run(join(repository, 'node_modules/.bin/attw'), [
      tarball,
      '--format',
      'ascii',
      '--no-color',
    ]);

    expect(result.stdout).toContain('No problems found');
  });

  it('installs at most 15 packages of 12 MB in all', () => {
    const lock = JSON.parse(readFileSync(join(project, 'node_modules/.package-lock.json'), 'utf8'));
    const files = readdirSync(join(project, 'node_modules'), { recursive: true, withFileTypes: true });
    const sizes = files
      .filter((file) => file.isFile())
      .map(({ parentPath, name }) => statSync(join(parentPath, name)).blocks * 512);

    expect(Object.keys(lock.packages).length).toBeLessThanOrEqual(15);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(12e6);
  });

  it('has a README whose links work outside of the repository', () => {
    const text = readFileSync(join(project, 'node_modules/polytrack/README.md'), 'utf8');
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link!);
    const own = links.filter((link) => link.startsWith(README_BASE));
    const paths = own.map((link) => link.slice(README_BASE.length).replace(/#.*/, ''));

    expect(links.filter((link) => !link.startsWith('https://'))).toEqual([]);
    expect(paths.length).toBeGreaterThan(10);
    expect(paths.filter((path) => !existsSync(join(project, 'node_modules/polytrack', path)))).toEqual([]);
  });

  it('has no files of no use', () => {
    const names = readdirSync(join(project, 'node_modules/polytrack'), { recursive: true, encoding: 'utf8' });

    expect(names.filter((name) => /\.map$|(?<!\.d)\.ts$|^dist.examples|tsbuildinfo/.test(name))).toEqual([]);
  });
});

describe('the packed package without the SDKs of cloud stores', () => {
  it('does not install them', () => {
    const scopes = readdirSync(join(project, 'node_modules')).filter((name) => name.startsWith('@'));

    expect(scopes.filter((name) => /^@(?:aws|azure|google|smithy)/.test(name))).toEqual([]);
  });

  it.each(STORES)('reports how to install the SDK that %s needs', async (url, command) => {
    const args = ['polytrack', 'check', url, '--state-dir', join(project, 'state')];
    const env = { ...process.env, AZURE_STORAGE_ACCOUNT: 'acme' };
    const failure = await run('npx', args, { cwd: project, env }).catch((error: unknown) => error);

    expect(failure).toMatchObject({ code: 2 });
    const { stdout, stderr } = failure as { readonly stdout: string; readonly stderr: string };
    expect(stdout + stderr).toContain('ERR_STORE_LIBRARY');
    expect(stdout + stderr).toContain(command);
  });

  it.each(['mts', 'cts'])('has types that compile in a strict .%s consumer', async (extension) => {
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
        tags: ['loss'],
        name: 'train__loss',
        store: 'file:///store',
      });
    },
  );

  it.each(NODES)('has a command line that works on %s', async (node) => {
    const cli = join(project, 'node_modules', 'polytrack', 'dist', 'uploader', 'cli.js');

    const { stdout } = await run(peerPath(node), [cli, '--help'], { cwd: project });

    expect(stdout).toContain('sync');
  });
});
