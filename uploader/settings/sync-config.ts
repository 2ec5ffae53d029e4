/** Resolves the settings to one frozen `SyncConfig` and records the source of each setting. */

import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { describe } from '../../src/base/describe.js';
import { InvalidArgumentError } from '../../src/base/errors.js';
import { checkOptions, type OptionTable } from '../../src/base/options.js';
import { ConfigError } from '../base/errors.js';
import type { Transport } from '../base/http/transport.js';
import type { FileSystem } from '../base/io/file-system.js';
import type { Shard } from '../cluster/shards.js';
import { findConnection, type PolyaxonConnection } from '../polyaxon-api/connection.js';
import { NO_STORE, parsePolyaxonUrl, toPolyaxonUrl } from '../polyaxon-api/polyaxon-url.js';
import type { RunPlace } from '../polyaxon-api/project-directory.js';
import { type Cluster, findShards } from './find-shards.js';
import { type Environment, type FoundSettings, readSettings, toXdgDirectory } from './settings.js';
import { FLAGS, type Flags, type Row, SETTINGS, type SettingValues, toFlag } from './table.js';

/** How runs are reported to a Polyaxon server. */
export interface PolyaxonApi {
  /** A function, so that printing a configuration shows no secrets. */
  readonly connection: () => PolyaxonConnection;
  /** Owner and project of runs that do not name them. */
  readonly place: Partial<RunPlace>;
  /** Whether to create a missing project. */
  readonly createsProject: boolean;
  /** Sends the HTTP requests. Default: undici. */
  readonly transport?: Transport | undefined;
}

/** Settings that `SyncConfig` contains in another form. */
type Composed =
  | S3Setting
  | ('store' | 'stateDir' | 'mirror')
  | ('polyaxon' | 'createProject')
  | ('shard' | 'shards' | 'cluster');
type S3Setting =
  | ('endpoint' | 'region' | 'pathStyle')
  | ('sse' | 'kmsKey' | 'storageClass' | 'acl' | 'objectTags');

/** Each other property is a setting under its name in the table; `intervalMs` is `interval` in milliseconds. */
export interface SyncConfig extends Omit<SettingValues, Composed> {
  /** A run directory, a root of runs, or a directory of TensorBoard log directories. */
  readonly path: string;
  /** `s3://bucket/prefix`, `file:///path`, `polyaxon+https://host/owner/project`, or `none:` to report runs without their files. */
  readonly store: string;
  /** Holds journals and locks. */
  readonly stateDirectory: string;
  readonly isDryRun: boolean;
  readonly s3: Partial<Pick<SettingValues, S3Setting>>;
  /** The connection to a store that is a Polyaxon server; a function, so that printing a configuration shows no secrets. */
  readonly polyaxon?: (() => PolyaxonConnection) | undefined;
  /** The Polyaxon server to report runs to: their data, lineage and status. Default: none. */
  readonly api?: PolyaxonApi | undefined;
  /** For one-time syncs: treat runs whose writers do not record their end as ended. Default false. */
  readonly assumeEnded?: boolean | undefined;
  /** Overrides the name of the only run on the Polyaxon server. */
  readonly runName?: string | undefined;
  /** Whether `project` also applies to runs that name another one. Default false. */
  readonly overridesProject?: boolean | undefined;
  /** Whether to delete objects of files that were deleted on disk; `force`: without a limit on their number. */
  readonly mirror: boolean | 'force';
  /** The shard of runs to upload. Default: all runs. */
  readonly shard?: Shard | undefined;
  /** The cluster among whose uploaders a watch divides the shards. */
  readonly cluster?: Cluster | undefined;
}

type OwnProperty = Exclude<keyof SyncConfig, keyof Omit<SettingValues, Composed>>;

const OWN_PROPERTIES: OptionTable<Pick<SyncConfig, OwnProperty>> = {
  path: 'string',
  store: 'string',
  stateDirectory: 'string',
  isDryRun: 'boolean',
  s3: 'object',
  polyaxon: 'function',
  api: 'object',
  assumeEnded: 'boolean',
  runName: 'string',
  overridesProject: 'boolean',
  mirror: 'any',
  shard: 'object',
  cluster: 'object',
};

/** The table of `SyncConfig`; the names of settings come from their rows. */
const SYNC_CONFIG = {
  ...OWN_PROPERTIES,
  ...Object.fromEntries(
    Object.entries<Row>(SETTINGS)
      .map(([name, { type }]) => `${name}${'suffix' in type ? String(type.suffix) : ''}`)
      .filter((name) => !Object.hasOwn(OWN_PROPERTIES, name))
      .map((name) => [name, 'any']),
  ),
} as OptionTable<SyncConfig>;

/** Checks the configuration that a caller passes. Throws `ERR_OPTION_INVALID`. */
export function checkConfig(subject: string, config: SyncConfig): void {
  checkOptions(`the configuration of ${subject}`, config ?? null, SYNC_CONFIG);
  for (const name of ['path', 'store', 'stateDirectory'] as const) {
    if (typeof config[name] === 'string') continue;
    throw new InvalidArgumentError(
      'ERR_OPTION_INVALID',
      `${name} of the configuration of ${subject} is ${describe(config[name])}, expected a string`,
      'Pass the `config` that resolveConfig() returns.',
    );
  }
}

export type SyncFlags = Flags & {
  /** Treat runs whose writers do not record their end as ended. */
  readonly assumeEnded?: boolean;
  /** The store if none is set. */
  readonly defaultStore?: string;
  /** Without a store, runs are reported to the Polyaxon server that is set, and their files are not uploaded. */
  readonly mayOnlyReport?: boolean;
  /** Whether the flag `--project` also applies to runs that name another project. */
  readonly mayOverrideProject?: boolean;
  /** Whether to convert event files if that is not set. */
  readonly exportsEvents?: boolean;
};

const SYNC_FLAGS = {
  ...Object.fromEntries([...Object.keys(SETTINGS), ...Object.keys(FLAGS)].map((name) => [name, 'any'])),
  assumeEnded: 'boolean',
  defaultStore: 'string',
  mayOnlyReport: 'boolean',
  mayOverrideProject: 'boolean',
  exportsEvents: 'boolean',
} as OptionTable<SyncFlags>;

export interface ResolvedConfig extends Pick<FoundSettings, 'sources'> {
  readonly config: SyncConfig;
}

/** Resolves the settings. Throws `ConfigError`. */
export async function resolveConfig(
  path: string,
  flags: SyncFlags,
  environment: Environment,
  fileSystem: FileSystem,
): Promise<ResolvedConfig> {
  checkOptions('resolveConfig', flags, SYNC_FLAGS);
  const { values, sources } = await readSettings(flags, environment, fileSystem);
  const { store, stateDir, mirror, polyaxon, createProject, shard, shards, cluster, ...others } = values;
  const { endpoint, region, pathStyle, sse, kmsKey, storageClass, acl, objectTags, ...rest } = others;
  const connect = (host: string | null): Promise<PolyaxonConnection> =>
    findConnection({ host: host ?? undefined }, environment, fileSystem);
  checkLayout(values);
  const reportsOnly = flags.mayOnlyReport === true && polyaxon !== undefined && polyaxon !== false;
  const defaultStore = flags.defaultStore ?? (reportsOnly ? NO_STORE : undefined);
  const destination = await destinationFrom(store ?? defaultStore, connect);
  if (destination.store === NO_STORE && mirror)
    throw new ConfigError('--mirror: needs a store', 'Pass --store, or drop --mirror.');
  const api = await apiFrom(polyaxon, destination, createProject, connect);
  checkIdentity(flags, values, api);
  const config: SyncConfig = Object.freeze({
    ...rest,
    ...(flags.newUuid === true ? { asRun: randomUUID().replaceAll('-', '') } : {}),
    runName: flags.as,
    overridesProject: flags.mayOverrideProject === true && sources.project === toFlag('project'),
    exportEvents: rest.exportEvents ?? flags.exportsEvents,
    path: resolve(path),
    ...destination,
    stateDirectory: toStateDirectory(stateDir, environment),
    isDryRun: flags.dryRun === true,
    // Servers other than AWS rarely have regions, but every request must name one.
    s3: Object.freeze({
      ...{ endpoint, region: region ?? (endpoint && 'us-east-1'), pathStyle },
      ...{ sse, kmsKey, storageClass, acl, objectTags },
    }),
    api,
    assumeEnded: flags.assumeEnded === true,
    mirror: parseMirror(mirror, flags.force === true),
    ...findShards({ shard, shards, cluster, shardsSource: sources.shards }, environment),
  });
  return { config, sources };
}

/** Returns the state directory. Source: XDG Base Directory Specification: `$XDG_STATE_HOME`, else `~/.local/state`. */
export function toStateDirectory(stateDir: string | undefined, environment: Environment): string {
  const usual = join(toXdgDirectory(environment, 'XDG_STATE_HOME', join('.local', 'state')), 'polytrack');
  return resolve(stateDir ?? usual);
}

type Connect = (host: string | null) => Promise<PolyaxonConnection>;
type Destination = Pick<SyncConfig, 'store' | 'polyaxon'>;

/** Returns the store URL with its host, even if only the environment names it: the URL names journals, and servers must not share one. */
async function destinationFrom(url: string | undefined, connect: Connect): Promise<Destination> {
  if (url === undefined)
    throw new ConfigError('no store is set', 'Pass --store s3://bucket/prefix, or set POLYTRACK_STORE.');
  if (!/^polyaxon(\+\w+)?:/i.test(url)) return { store: url };
  const location = parsePolyaxonUrl(url);
  const connection = await connect(location.host);
  return { store: toPolyaxonUrl(location, connection.host), polyaxon: () => connection };
}

/** Returns the server to report runs to: the server that is set, else the store if it is a Polyaxon server. */
async function apiFrom(
  server: SettingValues['polyaxon'],
  { store, polyaxon }: Destination,
  createsProject: boolean,
  connect: Connect,
): Promise<PolyaxonApi | undefined> {
  if (server === false || (server === undefined && polyaxon === undefined)) return undefined;
  const { host, owner, project } = server ?? parsePolyaxonUrl(store);
  const connection = (server === undefined ? polyaxon?.() : undefined) ?? (await connect(host));
  const place = owner === null || project === null ? {} : { owner, project };
  return Object.freeze({ connection: () => connection, place, createsProject });
}

/** Rejects settings that make two different things of the path itself. */
function checkLayout({ group, split, asRun }: SettingValues): void {
  const named = [
    ...(asRun === undefined || asRun === false ? [] : ['--as-run']),
    ...(group?.includes('.') ? ['--group'] : []),
    ...(split?.includes('.') ? ['--split'] : []),
  ];
  const other = group === undefined ? '--split' : '--group';
  if (named[0] === '--as-run' && (group !== undefined || split !== undefined))
    throw new ConfigError(
      `--as-run: the whole path is one run, so ${other} has no meaning`,
      `Drop --as-run or ${other}.`,
    );
  if (named.length > 1)
    throw new ConfigError(
      '--group and --split: both name the path itself',
      "Give one of them a pattern, such as --group 'exp1'.",
    );
}

/** Rejects what contradicts the upload of one run under another name or uuid. */
function checkIdentity(
  { all, as, newUuid }: SyncFlags,
  { asRun, group, split, takeOver }: SettingValues,
  api: PolyaxonApi | undefined,
): void {
  const flag = newUuid === true ? '--new-uuid' : as === undefined ? null : '--as';
  if (flag === null) return;
  const isAsRun = asRun !== undefined && asRun !== false;
  const found = [
    ...(all === true ? ['--all'] : []),
    ...(group === undefined ? [] : ['--group']),
    ...(split === undefined ? [] : ['--split']),
    ...(flag === '--new-uuid' && isAsRun ? ['--as-run'] : []),
    ...(flag === '--new-uuid' && takeOver ? ['--take-over'] : []),
  ];
  if (found.length > 0)
    throw new ConfigError(`${flag}: has no meaning with ${found[0]}`, `Drop ${flag} or ${found[0]}.`);
  if (as !== undefined && api === undefined)
    throw new ConfigError(
      '--as: needs a Polyaxon server',
      'Add --polyaxon, or drop --as: other stores know runs by their uuid.',
    );
}

function parseMirror(mirror: boolean, isForced: boolean): boolean | 'force' {
  if (!isForced) return mirror;
  if (mirror) return 'force';
  throw new ConfigError('--force: needs --mirror', 'Add --mirror, or drop --force.');
}
