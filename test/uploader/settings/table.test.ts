/** Checks each row of the table of settings: it appears in `--help` and docs/settings.md, and its variables and key are read. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { createProgram } from '../../../uploader/commands/program.js';
import { readSettings } from '../../../uploader/settings/settings.js';
import { resolveConfig } from '../../../uploader/settings/sync-config.js';
import {
  FLAGS,
  GROUPS,
  type Row,
  SETTINGS,
  type SettingName,
  toFlag,
  variablesOf,
} from '../../../uploader/settings/table.js';
import {
  bytes,
  cluster,
  directories,
  endpoint,
  httpAddress,
  optionalUuid,
  patterns,
  polyaxonServer,
  type SecondsType,
  SecretUrl,
  shard,
  tags,
  toggle,
  type ValueType,
  webhook,
} from '../../../uploader/settings/value-types.js';
import { NO_TERMINAL } from '../../support/no-terminal.js';
import { createTempDir } from '../../support/temp-dir.js';

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../../docs/settings.md'), 'utf8');
const ROWS = Object.entries<Row>({ ...SETTINGS, ...FLAGS });
const SETTING_ROWS = Object.entries<Row>(SETTINGS);
const RANGES = SETTING_ROWS.flatMap(([name, { type }]): [string, string][] =>
  type.range === undefined ? [] : [[name, type.range]],
);
const UUID = '0123456789abcdef0123456789abcdef';

const program = createProgram(
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

/** A value of each type that differs from all defaults, in its written and its parsed form. */
const SAMPLES = new Map<ValueType<unknown>, readonly [string, unknown]>([
  [endpoint, ['http://localhost:9000/', 'http://localhost:9000']],
  [optionalUuid, [UUID, UUID]],
  [patterns, ['*.log', ['*.log']]],
  [tags, ['team=vision', { team: 'vision' }]],
  [directories, ['exp*', ['exp*']]],
  [bytes, ['2kB', 2_000]],
  [shard, ['1/4', { index: 1, count: 4 }]],
  [cluster, ['team', 'team']],
  [webhook, ['https://hooks.example.com/x', new SecretUrl(new URL('https://hooks.example.com/x'))]],
  [httpAddress, ['0.0.0.0:9400', { host: '0.0.0.0', port: 9400 }]],
  [
    polyaxonServer,
    [
      'https://host/owner/project',
      { scheme: 'polyaxon', host: 'https://host', owner: 'owner', project: 'project' },
    ],
  ],
]);

function sampleOf({ type, default: usual }: Row): readonly [string, unknown] {
  if (type === toggle) return [String(usual !== true), usual !== true];
  const [, word] = /^<([^|>]+)\|/.exec(type.placeholder ?? '') ?? [];
  if (word !== undefined) return [word, word];
  if (type.range !== undefined) return ['2', 'suffix' in type ? 2_000 : 2];
  return SAMPLES.get(type) ?? ['sample', 'sample'];
}

function propertyOf(name: string, { type }: Row): string {
  return `${name}${(type as Partial<SecondsType>).suffix ?? ''}`;
}

/** Returns the flags that `--help` and the docs list: those that change the default. */
function shownFlags(name: string, { default: usual, negation }: Row): string[] {
  const off = toFlag(name).replace('--', '--no-');
  if (usual === true) return [off];
  return negation === undefined ? [toFlag(name)] : [toFlag(name), off];
}

function writeConfigFile(values: object): string {
  const path = join(createTempDir(), 'config.json');
  writeFileSync(path, JSON.stringify(values));
  return path;
}

async function read(flags: object, environment: Record<string, string> = {}) {
  const found = await readSettings(flags, { HOME: createTempDir(), ...environment }, nodeIo.fileSystem);
  return { values: found.values as unknown as Record<string, unknown>, sources: found.sources };
}

function toHelpLines(command: Command): string[] {
  return command.helpInformation().match(/^ {2}(?:-\w, )?--[a-z-]+/gm) ?? [];
}

describe('the table', () => {
  it.each(ROWS.filter(([, row]) => row.default === true))(
    '%s, which is on by default, says what turning it off does',
    (_, row) => {
      expect(row.negation).toMatch(/^\w/);
    },
  );

  it('has every row in exactly one group', () => {
    const grouped = Object.values(GROUPS).flatMap((rows) => Object.keys(rows));

    expect([...grouped].sort()).toEqual(ROWS.map(([name]) => name).sort());
  });

  it('names exactly the commands that have flags', () => {
    const commands = program.commands
      .filter(({ options }) => options.length > 0)
      .map((command) => command.name());

    expect([...new Set(ROWS.flatMap(([, row]) => row.commands))].sort()).toEqual([...commands].sort());
  });
});

describe.each(program.commands.map((command) => [command.name(), command] as const))(
  '%s --help',
  (name, command) => {
    it('lists the flags of each of its rows once, and no others', () => {
      const flags = ROWS.filter(([, row]) => (row.commands as readonly string[]).includes(name)).flatMap(
        ([key, row]) => shownFlags(key, row),
      );

      const listed = toHelpLines(command).map((line) => line.replace(/^.*?--/, '--'));

      expect(listed.sort()).toEqual([...flags, '--help'].sort());
    });

    it('has one unique sentence for each flag', () => {
      const sentences = command.options.filter(({ hidden }) => !hidden).map(({ description }) => description);

      expect(sentences.filter((sentence) => sentence.length < 8)).toEqual([]);
      expect(new Set(sentences).size).toBe(sentences.length);
    });

    it('has no option that is not in the table', () => {
      const names = command.options.map((option) => option.attributeName());

      expect(names.filter((key) => !(key in SETTINGS) && !(key in FLAGS))).toEqual([]);
    });
  },
);

describe('docs/settings.md', () => {
  it.each(ROWS)('has %s once', (name, row) => {
    for (const flag of shownFlags(name, row))
      expect(DOCUMENT.match(new RegExp(`^\\| .*\`${flag}[ \`].*\\|`, 'gm')), flag).toHaveLength(1);
    for (const variable of variablesOf(name))
      expect(DOCUMENT.split(`\`${variable}\``), variable).toHaveLength(2);
    if (name in SETTINGS) expect(DOCUMENT).toMatch(new RegExp(`^\\|.*\\| \`${name}\` \\|`, 'm'));
  });
});

describe.each(SETTING_ROWS)('the setting %s', (name, row) => {
  const [written, parsed] = sampleOf(row);
  const property = propertyOf(name, row);

  it('has its default without a value', async () => {
    const { values, sources } = await read({});

    const scale = 'suffix' in row.type ? 1000 : 1;
    const expected = typeof row.default === 'number' ? row.default * scale : row.default;
    expect(property in values).toBe(true);
    expect(values[property]).toEqual(expected);
    expect(values[property]).not.toEqual(parsed);
    expect(sources[name]).toBe('default');
  });

  it('is read from the flag', async () => {
    const { values, sources } = await read({ [name]: written });

    expect(values[property]).toEqual(parsed);
    expect(sources[name]).toBe(toFlag(name));
  });

  it.each(variablesOf(name))('is read from %s', async (variable) => {
    const { values, sources } = await read({}, { [variable]: written });

    expect(values[property]).toEqual(parsed);
    expect(sources[name]).toBe(variable);
  });

  it('is read from the configuration file', async () => {
    const config = writeConfigFile({ [name]: written });

    const { values, sources } = await read({ config });

    expect(values[property]).toEqual(parsed);
    expect(sources[name]).toBe(config);
  });

  it('names the source of an invalid value', async () => {
    const config = writeConfigFile({ [name]: null });

    await expect(read({ config })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining(`${config}: ${name}: `),
      hint: expect.stringMatching(/^(Use|Pass) .*\.$/),
    });
  });
});

describe.each(RANGES)('the setting %s, from %s', (name, range) => {
  it('names the source of a value out of range', async () => {
    const [min, max] = range.split(' to ').map((bound) => Number(bound.replaceAll(',', ''))) as [
      number,
      number,
    ];
    const config = writeConfigFile({ [name]: max + 1 });
    const expected = (source: string) => ({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(new RegExp(`^${source}: .* is out of range$`)),
      hint: expect.stringMatching(new RegExp(`^Use a .*number.* from ${range}\\.$`)),
    });

    await expect(read({ [name]: String(min - 1) })).rejects.toMatchObject(expected(toFlag(name)));
    await expect(read({ config })).rejects.toMatchObject(expected(`${config}: ${name}`));
    for (const variable of variablesOf(name))
      await expect(read({}, { [variable]: String(max + 1) })).rejects.toMatchObject(expected(variable));
  });
});

describe('SyncConfig', () => {
  /** Settings in another form, with the expected properties for each sample. */
  const COMPOSED: Partial<Record<SettingName, object>> = {
    store: { store: 'sample' },
    stateDir: { stateDirectory: join(process.cwd(), 'sample') },
    endpoint: { s3: { endpoint: 'http://localhost:9000', region: 'us-east-1' } },
    region: { s3: { region: 'sample' } },
    pathStyle: { s3: { pathStyle: true } },
    sse: { s3: { sse: 'AES256' } },
    kmsKey: { s3: { kmsKey: 'sample' } },
    storageClass: { s3: { storageClass: 'sample' } },
    acl: { s3: { acl: 'sample' } },
    objectTags: { s3: { objectTags: { team: 'vision' } } },
    polyaxon: { api: { place: { owner: 'owner', project: 'project' }, createsProject: false } },
    mirror: { mirror: true },
    shards: { shard: { index: 1, count: 2 } },
    cluster: { cluster: { name: 'team', shards: 8 } },
  };

  it.each(SETTING_ROWS.filter(([name]) => name !== 'createProject'))('has %s', async (name, row) => {
    const [written, parsed] = sampleOf(row);

    const shards = name === 'cluster' ? { shards: 8 } : {};
    const flags = { store: 's3://bucket', ...shards, [name]: written };
    const environment = { HOME: createTempDir(), POD_INDEX: '1' };
    const { config } = await resolveConfig('.', flags, environment, nodeIo.fileSystem);

    const expected = COMPOSED[name as SettingName] ?? { [propertyOf(name, row)]: parsed };
    expect(config).toMatchObject(expected);
  });

  it('has createProject if runs are reported', async () => {
    const flags = { store: 's3://bucket', polyaxon: 'http://host', createProject: true };
    const { config } = await resolveConfig('.', flags, { HOME: createTempDir() }, nodeIo.fileSystem);

    expect(config.api).toMatchObject({ createsProject: true });
  });
});
