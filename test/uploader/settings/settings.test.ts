import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { RULES } from '../../../scripts/lint-words.mjs';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { createProgram } from '../../../uploader/commands/program.js';
import { parseFlag, readSettings } from '../../../uploader/settings/settings.js';
import { resolveConfig } from '../../../uploader/settings/sync-config.js';
import type { Flags } from '../../../uploader/settings/table.js';
import { NO_TERMINAL } from '../../support/no-terminal.js';
import { createTempDir } from '../../support/temp-dir.js';

type Environment = Record<string, string>;

function read(flags: Flags, environment: Environment = {}) {
  return readSettings(flags, { HOME: createTempDir(), ...environment }, nodeIo.fileSystem);
}

function resolve(flags: Flags, environment: Environment = {}) {
  return resolveConfig('.', flags, { HOME: createTempDir(), ...environment }, nodeIo.fileSystem);
}

function writeConfigFile(text: string): string {
  const path = join(createTempDir(), 'config.json');
  writeFileSync(path, text);
  return path;
}

function createTestProgram() {
  return createProgram(
    {
      environment: {},
      stdout: () => undefined,
      stderr: () => undefined,
      columns: () => undefined,
      signal: new AbortController().signal,
      io: nodeIo,
      setExitCode: () => undefined,
      terminal: NO_TERMINAL,
    },
    '0.0.0',
  );
}

/** Returns the flags of a command line, as the command receives them. */
function parse(command: string, ...args: readonly string[]): Flags {
  const found = createTestProgram().commands.find((each) => each.name() === command)!;
  expect(found.parseOptions([...args]).unknown).toEqual([]);
  return found.opts<Flags>();
}

describe('readSettings', () => {
  it('prefers the flag to the variable, the variable to the file, and the file to the default', async () => {
    const config = writeConfigFile('{"interval": 3, "concurrency": 3, "requests": 3}');
    const environment = { POLYTRACK_INTERVAL: '2', POLYTRACK_CONCURRENCY: '2' };

    const { values, sources } = await read({ config, interval: '1' }, environment);

    expect(values).toMatchObject({ intervalMs: 1_000, concurrency: 2, requests: 3, retryTimeoutMs: 60_000 });
    expect(sources).toMatchObject({
      ...{ interval: '--interval', concurrency: 'POLYTRACK_CONCURRENCY' },
      ...{ requests: config, retryTimeout: 'default' },
    });
  });

  it('treats an empty variable as not set', async () => {
    expect((await read({}, { POLYTRACK_INTERVAL: '' })).values.intervalMs).toBe(10_000);
  });

  it('prefers the first variable of a setting', async () => {
    const environment = { AWS_ENDPOINT_URL_S3: 'http://first', AWS_ENDPOINT_URL: 'http://second' };

    expect((await read({}, environment)).values.endpoint).toBe('http://first');
  });

  it('reads the file at the default path, in $XDG_CONFIG_HOME, or at the path in a variable', async () => {
    const config = writeConfigFile('{"interval": 3}');
    const home = createTempDir();
    mkdirSync(join(home, 'polytrack'));
    writeFileSync(join(home, 'polytrack', 'config.json'), '{"interval": 4}');

    expect((await read({}, { POLYTRACK_CONFIG: config })).values.intervalMs).toBe(3_000);
    expect((await read({}, { XDG_CONFIG_HOME: home })).values.intervalMs).toBe(4_000);
  });

  it('reads a file that is a link, as Kubernetes mounts it, but waits for no pipe', async () => {
    const directory = createTempDir();
    symlinkSync(writeConfigFile('{"interval": 5}'), join(directory, 'link.json'));
    execFileSync('mkfifo', [join(directory, 'pipe.json')]);

    expect((await read({ config: join(directory, 'link.json') })).values.intervalMs).toBe(5_000);
    await expect(read({ config: join(directory, 'pipe.json') })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
    });
  });

  it('reads no file of the working directory', async () => {
    const directory = createTempDir();
    mkdirSync(join(directory, 'polytrack'));
    for (const name of ['config.json', 'polytrack.json', '.polytrack.json', 'polytrack/config.json', '.env'])
      writeFileSync(join(directory, name), '{"interval": 6}');
    vi.spyOn(process, 'cwd').mockReturnValue(directory);
    onTestFinished(() => void vi.restoreAllMocks());

    expect((await read({}, { HOME: createTempDir() })).values.intervalMs).toBe(10_000);
  });

  it.each([
    ['concurency', 'Did you mean "concurrency"?'],
    ['retry-timeout', 'Did you mean "retryTimeout"?'],
    ['POLYTRACK_UUID_SEED', 'Did you mean "uuidSeed"?'],
    ['manifest', 'Did you mean "manifests"?'],
    ['colour', /^Use one of: store, endpoint, .*, http\.$/],
    ['toString', /^Use one of: /],
  ])('suggests a key instead of %s', async (key, hint) => {
    const config = writeConfigFile(JSON.stringify({ [key]: 1 }));

    await expect(read({ config })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: `${config}: "${key}" is not a setting`,
      hint: typeof hint === 'string' ? hint : expect.stringMatching(hint),
    });
  });

  it.each([
    ['{', 'is not valid JSON: '],
    ['[]', 'is not a JSON object'],
    ['null', 'is not a JSON object'],
  ])('rejects a file with %s', async (text, problem) => {
    const config = writeConfigFile(text);

    await expect(read({ config })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining(`${config}: ${problem}`),
      hint: 'Write one JSON object, such as { "store": "s3://bucket/prefix" }.',
    });
  });

  it.each([
    'bandwidth',
    'requests',
    'shard',
    'http',
    'polyaxon',
    'objectTags',
    'interval',
    'retryTimeout',
    'store',
  ])('rejects an object that cannot become a text, as the value of %s', async (key) => {
    const config = writeConfigFile(JSON.stringify({ [key]: { toString: 1 } }));

    if (key === 'objectTags') expect((await read({ config })).values.objectTags).toEqual({ toString: '1' });
    else await expect(read({ config })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  });

  it('requires a file that is set, and names the source of its path', async () => {
    const missing = join(createTempDir(), 'missing.json');

    await expect(read({ config: missing })).rejects.toThrow(`--config: ${missing}: cannot be read: `);
    await expect(read({}, { POLYTRACK_CONFIG: missing })).rejects.toThrow(
      `POLYTRACK_CONFIG: ${missing}: cannot be read: `,
    );
  });
});

describe('the value of a setting', () => {
  it.each<[Flags, string, string]>([
    [{ concurrency: '0' }, '--concurrency: "0" is out of range', 'Use a whole number from 1 to 64.'],
    [
      { concurrency: '2.5' },
      '--concurrency: "2.5" is not a whole number',
      'Use a whole number from 1 to 64.',
    ],
    [{ requests: 'many' }, '--requests: "many" is not a number', 'Use a number from 0.1 to 100,000.'],
    [{ interval: '' }, '--interval: "" is not a number', 'Use a number of seconds from 0.1 to 3,600.'],
    [{ uuidSeed: '' }, '--uuid-seed: value is empty', 'Pass a non-empty string, or drop the flag.'],
    [{ include: ['a', ''] }, '--include: value is empty', 'Pass a non-empty string, or drop the flag.'],
    [{ manifests: 'maybe' }, '--manifests: "maybe" is not a boolean', 'Use true or false.'],
    [
      { bandwidth: 'fast' },
      '--bandwidth: "fast" is not a size',
      'Use a number of bytes with a unit, such as 500k, 10MB or 1MiB.',
    ],
    [
      { asRun: 'first' },
      '--as-run: "first" is not a uuid',
      'Use 32 hexadecimal digits, or no value to derive the uuid from the path.',
    ],
    [
      { cluster: '.hidden' },
      '--cluster: ".hidden" is not a valid cluster name',
      'Use up to 64 letters, digits, "-", "_" and ".", not starting with "."; or kubernetes:<name>.',
    ],
    [
      { cluster: 'kubernetes:Team' },
      '--cluster: "kubernetes:Team" does not name a lease of Kubernetes',
      'Use up to 52 lower-case letters, digits and "-", not at the ends.',
    ],
    [{ shard: '4/4' }, '--shard: "4/4" does not exist', 'Shards begin at 0: use 0/4 to 3/4.'],
    [{ shard: 'first' }, '--shard: "first" is not a shard', 'Use i/n, such as 0/4 for the first of four.'],
    [
      { http: 'here' },
      '--http: "here" is not an address',
      'Use port or host:port, such as 9400 or 0.0.0.0:9400.',
    ],
  ])('%j: %s', async (flags, message, hint) => {
    await expect(read(flags)).rejects.toMatchObject({ code: 'ERR_CONFIG', message, hint });
  });

  it.each<[Flags, string]>([
    [{ endpoint: 'http://user:secret@host' }, '--endpoint: value is not the URL of an S3 endpoint'],
    [{ polyaxon: 'https://user:secret@host' }, '--polyaxon: value is not the URL of a Polyaxon server'],
  ])('%j: the error does not repeat credentials', async (flags, message) => {
    await expect(read(flags)).rejects.toMatchObject({ code: 'ERR_CONFIG', message });
  });

  it.each<[unknown, number]>([
    ['500', 500],
    ['500k', 500_000],
    ['10MB', 10_000_000],
    ['1MiB', 2 ** 20],
    ['1.5 GB/s', 1.5e9],
    [7, 7],
  ])('reads %j as bytes', async (bandwidth, expected) => {
    expect((await read({ bandwidth: bandwidth as string })).values.bandwidth).toBe(expected);
  });

  it('reads numbers, booleans and lists from the file', async () => {
    const config = writeConfigFile(
      '{"concurrency": 2, "manifests": false, "exclude": ["a", "b"], "asRun": true}',
    );

    expect((await read({ config })).values).toMatchObject({
      ...{ concurrency: 2, manifests: false, exclude: ['a', 'b'], asRun: true },
    });
  });
});

describe('parseFlag', () => {
  it.each<[string, number]>([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
  ])('reads %j as a duration', (olderThan, expected) => {
    expect(parseFlag({ olderThan }, 'olderThan')).toBe(expected);
  });

  it('names the flag', () => {
    expect(() => parseFlag({ olderThan: 'soon' }, 'olderThan')).toThrow(
      '--older-than: "soon" is not a duration',
    );
    expect(() => parseFlag({ keep: '-1' }, 'keep')).toThrow('--keep: "-1" is out of range');
    expect(parseFlag({}, 'keep')).toBeUndefined();
  });
});

describe('flags', () => {
  it('set nothing without arguments', () => {
    for (const command of ['sync', 'watch', 'import', 'status', 'check', 'verify', 'clean', 'pull', 'ls'])
      expect(parse(command), command).toEqual({});
  });

  it.each([
    ['--no-mirror', 'POLYTRACK_MIRROR', 'true', 'mirror', false],
    ['--hardlinks', 'POLYTRACK_HARDLINKS', 'false', 'hardlinks', true],
    ['--one-file-system', 'POLYTRACK_ONE_FILE_SYSTEM', '0', 'oneFileSystem', true],
    ['--no-one-file-system', 'POLYTRACK_ONE_FILE_SYSTEM', '1', 'oneFileSystem', false],
    ['--no-poll', 'POLYTRACK_POLL', 'true', 'poll', false],
    ['--no-export-events', 'POLYTRACK_EXPORT_EVENTS', 'true', 'exportEvents', false],
  ] as const)('%s overrides %s=%s', async (flag, variable, value, name, expected) => {
    const environment = { [variable]: value };

    expect((await read({}, environment)).values[name]).toBe(!expected);
    expect((await read(parse('sync', flag), environment)).values[name]).toBe(expected);
  });

  it('have no aliases for old names', () => {
    const old = RULES.flatMap(({ name = '' }) => (name.startsWith('--') ? [name] : []));

    expect(old.length).toBeGreaterThan(8);
    for (const command of createTestProgram().commands)
      for (const flag of old) expect(command.parseOptions([flag]).unknown, command.name()).toEqual([flag]);
  });

  it('accept several patterns', () => {
    expect(parse('sync', '--include', 'a', 'b', '--exclude', 'c')).toEqual({
      include: ['a', 'b'],
      exclude: ['c'],
    });
  });
});

describe('resolveConfig', () => {
  it('requires a store', async () => {
    await expect(resolve({})).rejects.toMatchObject({
      message: 'no store is set',
      hint: 'Pass --store s3://bucket/prefix, or set POLYTRACK_STORE.',
    });
  });

  it('keeps journals in $XDG_STATE_HOME, or below the home directory', async () => {
    const flags = { store: 's3://bucket' };

    expect((await resolve(flags, { HOME: '/home/a' })).config.stateDirectory).toBe(
      '/home/a/.local/state/polytrack',
    );
    expect((await resolve(flags, { XDG_STATE_HOME: '/state' })).config.stateDirectory).toBe(
      '/state/polytrack',
    );
  });

  it('sets a region for an endpoint, unless one is set', async () => {
    const flags = { store: 's3://bucket', endpoint: 'http://host:9000/' };

    expect((await resolve(flags)).config.s3).toEqual({ endpoint: 'http://host:9000', region: 'us-east-1' });
    expect((await resolve({ ...flags, region: 'eu' })).config.s3.region).toBe('eu');
    expect((await resolve({ store: 's3://bucket' })).config.s3.region).toBeUndefined();
  });

  it('accepts --force only with --mirror', async () => {
    const flags = { store: 's3://bucket', force: true };

    expect((await resolve({ ...flags, mirror: true })).config.mirror).toBe('force');
    await expect(resolve(flags)).rejects.toMatchObject({
      message: '--force: needs --mirror',
      hint: 'Add --mirror, or drop --force.',
    });
  });

  it.each<[string | boolean, string | undefined]>([
    ['http://host:8000', 'http://host:8000'],
    ['localhost:8000', 'http://localhost:8000'],
    ['polyaxon://host', 'https://host'],
    [true, 'http://from-environment'],
    ['on', 'http://from-environment'],
    ['off', undefined],
    [false, undefined],
  ])('reports to the Polyaxon server of %j', async (polyaxon, host) => {
    const environment = { POLYAXON_HOST: 'http://from-environment', POLYAXON_CONTEXT_ROOT: createTempDir() };

    const { config } = await resolve({ store: 's3://bucket', polyaxon }, environment);

    expect(config.api?.connection().host).toBe(host);
  });

  it('reports to a store that is a Polyaxon server, unless polyaxon is false', async () => {
    const store = 'polyaxon://localhost:8000/owner/project';

    const { config } = await resolve({ store });
    expect(config.store).toBe('polyaxon+http://localhost:8000/owner/project');
    expect(config.api?.place).toEqual({ owner: 'owner', project: 'project' });
    expect((await resolve({ store, polyaxon: false })).config.api).toBeUndefined();
  });
});
