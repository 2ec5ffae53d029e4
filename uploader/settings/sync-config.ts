/** Flags, environment and configuration file → one frozen `SyncConfig` that says, for each value, which source won. */

import { join, resolve } from 'node:path';
import { RUN_UUID_PATTERN } from '../../src/run-directory/layout.js';
import { ConfigError } from '../base/errors.js';
import type { FileSystem } from '../base/io/file-system.js';
import { findConnection, type PolyaxonConnection } from '../polyaxon-api/connection.js';
import { parsePolyaxonUrl, toPolyaxonUrl } from '../polyaxon-api/polyaxon-url.js';
import type { RunPlace } from '../polyaxon-api/project-directory.js';
import {
  type Environment,
  type FlagValues,
  type Found,
  Settings,
  toBoolean,
  toBytes,
  toHome,
  toNumber,
  toText,
  toTexts,
} from './settings.js';

/** Where health and metrics are served. */
export interface HttpAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** How a Polyaxon server is told of runs. */
export interface PolyaxonApi {
  /** A function, so that no print of a configuration shows its secrets. */
  readonly connection: () => PolyaxonConnection;
  /** Where runs belong that do not say. */
  readonly place: Partial<RunPlace>;
  /** Whether a project that is missing is made. */
  readonly createsProject: boolean;
}

export interface SyncConfig {
  /** A run directory, a root of runs, or a directory of TensorBoard log directories. */
  readonly path: string;
  /** `s3://bucket/prefix`, `file:///path`, or `polyaxon+https://host/owner/project`. */
  readonly store: string;
  /** Where journals and locks are kept. */
  readonly stateDirectory: string;
  /** Files sent at the same time. */
  readonly concurrency: number;
  /** How long a store may fail before a file, or a single pass, is given up. While watching there is no end to it. */
  readonly patienceMs: number;
  readonly isDryRun: boolean;
  readonly s3: {
    readonly endpoint?: string | undefined;
    readonly region?: string | undefined;
    readonly pathStyle?: boolean | undefined;
  };
  /** How the store's Polyaxon server is reached; a function, so that no print of a configuration shows its secrets. */
  readonly polyaxon?: (() => PolyaxonConnection) | undefined;
  /** The Polyaxon server that is told of runs: their data, lineage and status. Default: none. */
  readonly api?: PolyaxonApi | undefined;
  /** Take runs whose writers do not say how they end as ended. For a single pass. Default false. */
  readonly takesEnded?: boolean | undefined;
  /** How often a growing file is brought up to date. Default 10,000. */
  readonly intervalMs?: number | undefined;
  /** Bytes sent each second, at most. Default: no limit. */
  readonly bandwidth?: number | undefined;
  /** Requests each second, at most. Default: no limit. */
  readonly requests?: number | undefined;
  /** How long the uploader may go on once it is told to stop. Default 30,000. */
  readonly graceMs?: number | undefined;
  /** Sent although its name says no; syntax of `.gitignore`, relative to the root. */
  readonly include?: readonly string[] | undefined;
  /** Left out. Likewise. */
  readonly exclude?: readonly string[] | undefined;
  /** Take the path as one run, whatever is in it: under this uuid, or under one that is made of its place. */
  readonly asRun?: boolean | string | undefined;
  /** The Polyaxon project of runs that do not say. */
  readonly project?: string | undefined;
  /** Whether event files are projected to Polyaxon's. Default: when they go to Polyaxon. */
  readonly projectsEvents?: boolean | undefined;
  /** How many of Polyaxon's event files are brought up to date each second, on average, while watching. Default 10. */
  readonly eventRequests?: number | undefined;
  /** From what the uuids of directories without one are made. Default: the host and the resolved path. */
  readonly rootId?: string | undefined;
  /** Whether a file watcher is asked for hints. Default true. */
  readonly useHints?: boolean | undefined;
  /** Whether files with several names are sent. Default true. */
  readonly allowHardLinks?: boolean | undefined;
  /** Whether what is mounted inside of the root is sent. Default false. */
  readonly allowOtherDevices?: boolean | undefined;
  /** While watching: uploaders of this group, at the same store, share out the runs that they see. Default: every uploader for itself. */
  readonly share?: string | undefined;
  /** Whether runs that have ended and are stored get a receipt in the store. Default true. */
  readonly writesReceipts?: boolean | undefined;
  /** Whether objects of files that were deleted on disk are removed; `force`: however many they are. Default false. */
  readonly mirror?: boolean | 'force' | undefined;
  /** While watching: where health and metrics are served. Default: nowhere. */
  readonly http?: HttpAddress | undefined;
}

/** Values as they stand on the command line: the names are those of the long flags in camel case. */
export type SyncFlags = FlagValues & {
  config?: string;
  dryRun?: boolean;
  /** Take runs whose writers do not say how they end as ended. */
  takesEnded?: boolean;
  /** Where no store is named. */
  defaultStore?: string;
  /** Tell the Polyaxon server of the environment, where none is named. */
  tellsPolyaxon?: boolean;
  /** Of `mirror`. */
  force?: boolean;
};

export interface ResolvedConfig {
  readonly config: SyncConfig;
  /** For each setting: the flag, the variable, the file, or `default`. */
  readonly sources: Readonly<Record<string, string>>;
}

/** 8 small files at once hide a latency of 50 ms well enough; bodies in memory are bounded elsewhere. */
const DEFAULT_CONCURRENCY = 8;
const DEFAULT_RETRY_SECONDS = 60;
export const DEFAULT_INTERVAL_MS = 10_000;
export const DEFAULT_GRACE_MS = 30_000;
export const DEFAULT_EVENT_REQUESTS = 10;

/** Resolves the settings. Throws `ConfigError`. */
export async function resolveConfig(
  path: string,
  flags: SyncFlags,
  environment: Environment,
  fileSystem: FileSystem,
): Promise<ResolvedConfig> {
  const settings = await Settings.read(flags, environment, fileSystem);
  const store = settings.find('store') ?? toDefault(flags.defaultStore);
  if (store === undefined)
    throw new ConfigError('no store is named', 'Name it with --store s3://bucket/prefix.');
  const destination = await toStore(toText(store), environment, fileSystem);
  const config: SyncConfig = Object.freeze({
    path: resolve(path),
    ...destination,
    stateDirectory: toStateDirectory(settings.find('stateDir'), environment),
    concurrency:
      toNumber(settings.find('concurrency'), { min: 1, max: 64, isInteger: true }) ?? DEFAULT_CONCURRENCY,
    patienceMs: toMs(settings.find('retryFor'), { min: 0, max: 86_400 }) ?? DEFAULT_RETRY_SECONDS * 1000,
    isDryRun: flags.dryRun === true,
    s3: Object.freeze(toS3Settings(settings)),
    intervalMs: toMs(settings.find('interval'), { min: 0.1, max: 3_600 }) ?? DEFAULT_INTERVAL_MS,
    bandwidth: toBytes(settings.find('bandwidth')),
    requests: toNumber(settings.find('requests'), { min: 0.1, max: 100_000 }),
    graceMs: toMs(settings.find('grace'), { min: 0, max: 86_400 }) ?? DEFAULT_GRACE_MS,
    include: toTexts(settings.find('include')),
    exclude: toTexts(settings.find('exclude')),
    asRun: toAsRun(settings.find('asRun')),
    project: toOptionalText(settings.find('project')),
    api: await toApi(settings, destination, flags.tellsPolyaxon === true, environment, fileSystem),
    takesEnded: flags.takesEnded === true,
    projectsEvents: toOptionalBoolean(settings.find('projectEvents')),
    eventRequests: toNumber(settings.find('eventRequests'), { min: 0.1, max: 100_000 }),
    rootId: toOptionalText(settings.find('rootId')),
    useHints: toOptionalBoolean(settings.find('hints')) ?? true,
    allowHardLinks: toOptionalBoolean(settings.find('hardlinks')) ?? true,
    allowOtherDevices: toOptionalBoolean(settings.find('crossDevice')) ?? false,
    share: toGroup(settings.find('share')),
    writesReceipts: toOptionalBoolean(settings.find('receipts')) ?? true,
    mirror: toMirror(settings.find('mirror'), flags.force === true),
    http: toHttpAddress(settings.find('http')),
  });
  return { config, sources: settings.sources };
}

/** The store, with everything said that the environment says of it: it names journals, and two servers must not share one. */
async function toStore(
  url: string,
  environment: Environment,
  fileSystem: FileSystem,
): Promise<Pick<SyncConfig, 'store' | 'polyaxon'>> {
  if (!/^polyaxon(\+\w+)?:/i.test(url)) return { store: url };
  const location = parsePolyaxonUrl(url);
  const connection = await findConnection({ host: location.host ?? undefined }, environment, fileSystem);
  return { store: toPolyaxonUrl(location, connection.host), polyaxon: () => connection };
}

function toDefault(value: string | undefined): Found | undefined {
  return value === undefined ? undefined : { value, source: 'default' };
}

/** The server that is told of runs: the one that is named, or the one that is the store. */
async function toApi(
  settings: Settings,
  { store, polyaxon }: Pick<SyncConfig, 'store' | 'polyaxon'>,
  isNeeded: boolean,
  environment: Environment,
  fileSystem: FileSystem,
): Promise<PolyaxonApi | undefined> {
  const found =
    settings.find('polyaxon') ?? (isNeeded && polyaxon === undefined ? toDefault('true') : undefined);
  const createsProject = toOptionalBoolean(settings.find('createProject')) ?? false;
  const isOff = found !== undefined && /^(false|off|no|0)$/i.test(String(found.value));
  if (isOff || (found === undefined && polyaxon === undefined)) return undefined;
  const location = parsePolyaxonUrl(found === undefined ? store : toApiUrl(found));
  const known = found === undefined ? polyaxon?.() : undefined;
  const connection =
    known ?? (await findConnection({ host: location.host ?? undefined }, environment, fileSystem));
  const { owner, project } = location;
  const place = owner === null || project === null ? {} : { owner, project };
  return Object.freeze({ connection: () => connection, place, createsProject });
}

/** `http://host` and `host:port` will do as well; without a value it is the server that the environment names. */
function toApiUrl(found: Found): string {
  if (found.value === true || /^(true|on|yes|1)$/i.test(String(found.value))) return 'polyaxon://';
  const text = toText(found);
  if (/^https?:/i.test(text)) return `polyaxon+${text}`;
  return /^polyaxon(\+\w+)?:/i.test(text) ? text : `polyaxon://${text}`;
}

/** Source: XDG Base Directory Specification: `$XDG_STATE_HOME`, else `~/.local/state`. */
export function toStateDirectory(found: Found | undefined, environment: Environment): string {
  if (found !== undefined) return resolve(toText(found));
  return join(toHome(environment, 'XDG_STATE_HOME', join('.local', 'state')), 'polytrack');
}

function toS3Settings(settings: Settings): SyncConfig['s3'] {
  const endpoint = settings.find('endpoint');
  const region = settings.find('region');
  const pathStyle = settings.find('pathStyle');
  return {
    ...(endpoint === undefined ? {} : { endpoint: toEndpoint(endpoint) }),
    ...(region === undefined ? toDefaultRegion(endpoint) : { region: toText(region) }),
    ...(pathStyle === undefined ? {} : { pathStyle: toBoolean(pathStyle) }),
  };
}

/** Servers with an endpoint of their own seldom have regions, and every request must name one. */
function toDefaultRegion(endpoint: Found | undefined): { region?: string } {
  return endpoint === undefined ? {} : { region: 'us-east-1' };
}

function toEndpoint(found: Found): string {
  const text = toText(found);
  const url = URL.canParse(text) ? new URL(text) : null;
  // Credentials in it would end up in the journal's name of the store; not even the message repeats them.
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new ConfigError(
      `${found.source}: this is no endpoint`,
      'Write it as http://host:port or https://host, without user or password.',
    );
  return url.href.replace(/\/$/, '');
}

function toAsRun(found: Found | undefined): boolean | string {
  if (found === undefined || typeof found.value === 'boolean') return found?.value === true;
  const text = toText(found).replaceAll('-', '').toLowerCase();
  if (RUN_UUID_PATTERN.test(text)) return text;
  throw new ConfigError(
    `${found.source}: ${JSON.stringify(found.value)} is no uuid`,
    'Give 32 hex digits, or nothing: then the uuid is made of the place.',
  );
}

/** It becomes part of a key. */
function toGroup(found: Found | undefined): string | undefined {
  if (found === undefined) return undefined;
  const text = toText(found);
  if (/^[\w-][\w.-]{0,63}$/.test(text)) return text;
  throw new ConfigError(
    `${found.source}: ${JSON.stringify(text)} is no name of a group`,
    'Use up to 64 letters, digits, "-", "_" and ".".',
  );
}

function toMirror(found: Found | undefined, isForced: boolean): boolean | 'force' {
  const isOn = toOptionalBoolean(found) ?? false;
  if (!isForced) return isOn;
  if (isOn) return 'force';
  throw new ConfigError('--force: there is nothing to force', 'Give it together with --mirror.');
}

/** `9400`, `:9400`, `0.0.0.0:9400`, `[::1]:9400`. */
function toHttpAddress(found: Found | undefined): HttpAddress | undefined {
  if (found === undefined) return undefined;
  const match = /^(?:(?:\[([0-9a-f:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/i.exec(String(found.value));
  const port = Number(match?.[3] ?? Number.NaN);
  if (match !== null && port <= 65_535) return { host: match[1] || match[2] || '127.0.0.1', port };
  throw new ConfigError(
    `${found.source}: ${JSON.stringify(found.value)} is no address`,
    'Write it as port or host:port, such as 9400 or 0.0.0.0:9400; without a host it is reached from this host only.',
  );
}

function toMs(found: Found | undefined, range: { min: number; max: number }): number | undefined {
  const seconds = toNumber(found, range);
  return seconds === undefined ? undefined : seconds * 1000;
}

function toOptionalText(found: Found | undefined): string | undefined {
  return found === undefined ? undefined : toText(found);
}

function toOptionalBoolean(found: Found | undefined): boolean | undefined {
  return found === undefined ? undefined : toBoolean(found);
}
