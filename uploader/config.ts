/** Flags, environment and configuration file → one frozen `SyncConfig` that says, for each value, which source won. */

import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { messageOf } from '../src/errors.js';
import { ConfigError } from './errors.js';
import type { FileSystem } from './io/file-system.js';
import { isAbsent } from './io/system-error.js';
import { readWholeFile } from './io/whole-file.js';

export interface SyncConfig {
  /** A run directory, or a root of runs. */
  readonly path: string;
  /** `s3://bucket/prefix` or `file:///path`. */
  readonly store: string;
  /** Where journals and locks are kept. */
  readonly stateDirectory: string;
  /** Files sent at the same time. */
  readonly concurrency: number;
  /** How long a store may fail before a file, or the pass, is given up. */
  readonly patienceMs: number;
  readonly isDryRun: boolean;
  readonly s3: {
    readonly endpoint?: string | undefined;
    readonly region?: string | undefined;
    readonly pathStyle?: boolean | undefined;
  };
}

/** Values as they stand on the command line: the names are those of the long flags in camel case. */
export type SyncFlags = Partial<Record<SettingName, string | boolean>> & {
  config?: string;
  dryRun?: boolean;
};

export interface ResolvedConfig {
  readonly config: SyncConfig;
  /** For each setting that has a value: the flag, the variable, the file, or `default`. */
  readonly sources: Readonly<Record<string, string>>;
}

type SettingName = 'store' | 'stateDir' | 'concurrency' | 'retryFor' | 'endpoint' | 'region' | 'pathStyle';
type Environment = Readonly<Record<string, string | undefined>>;

/** The variables of each setting, the first that is set wins. AWS names: AWS SDKs and Tools Reference Guide. */
const VARIABLES: Readonly<Record<SettingName, readonly string[]>> = {
  store: ['POLYTRACK_STORE'],
  stateDir: ['POLYTRACK_STATE_DIR'],
  concurrency: ['POLYTRACK_CONCURRENCY'],
  retryFor: ['POLYTRACK_RETRY_FOR'],
  endpoint: ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'],
  region: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
  pathStyle: ['POLYTRACK_PATH_STYLE'],
};

/** 8 small files at once hide a latency of 50 ms well enough; bodies in memory are bounded elsewhere. */
const DEFAULT_CONCURRENCY = 8;
const DEFAULT_RETRY_SECONDS = 60;
const MAX_CONFIG_BYTES = 1024 * 1024;

/** Resolves the settings of a pass. Throws `ConfigError`. */
export async function resolveConfig(
  path: string,
  flags: SyncFlags,
  environment: Environment,
  fileSystem: FileSystem,
): Promise<ResolvedConfig> {
  const file = await readConfigFile(flags.config, environment, fileSystem);
  const sources: Record<string, string> = {};
  const read = (name: SettingName): Found | undefined => {
    const found = findFlag(name, flags) ?? findVariable(name, environment) ?? findInFile(name, file);
    sources[name] = found?.source ?? 'default';
    return found;
  };

  const store = read('store');
  if (store === undefined)
    throw new ConfigError('no store is named', 'Name it with --store s3://bucket/prefix.');
  const config: SyncConfig = Object.freeze({
    path: resolve(path),
    store: toText(store),
    stateDirectory: toStateDirectory(read('stateDir'), environment),
    concurrency: toNumber(read('concurrency'), { min: 1, max: 64, isInteger: true }) ?? DEFAULT_CONCURRENCY,
    patienceMs: (toNumber(read('retryFor'), { min: 0, max: 86_400 }) ?? DEFAULT_RETRY_SECONDS) * 1000,
    isDryRun: flags.dryRun === true,
    s3: Object.freeze(toS3Settings(read('endpoint'), read('region'), read('pathStyle'))),
  });
  return { config, sources };
}

interface Found {
  readonly value: unknown;
  readonly source: string;
}

function findFlag(name: SettingName, flags: SyncFlags): Found | undefined {
  const source = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return flags[name] === undefined ? undefined : { value: flags[name], source };
}

function findVariable(name: SettingName, environment: Environment): Found | undefined {
  const variable = VARIABLES[name].find((candidate) => (environment[candidate] ?? '') !== '');
  return variable === undefined ? undefined : { value: environment[variable], source: variable };
}

function findInFile(name: SettingName, file: ConfigFile | null): Found | undefined {
  const value = file?.values[name];
  return file === null || value === undefined ? undefined : { value, source: file.path };
}

interface ConfigFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** The file that was named, which must exist, else the one at the usual place, which need not. */
async function readConfigFile(
  flag: string | undefined,
  environment: Environment,
  fileSystem: FileSystem,
): Promise<ConfigFile | null> {
  const named = flag ?? environment.POLYTRACK_CONFIG;
  const path = resolve(
    named ?? join(toHome(environment, 'XDG_CONFIG_HOME', '.config'), 'polytrack', 'config.json'),
  );
  let text: string;
  try {
    text = (await readWholeFile(fileSystem, path, MAX_CONFIG_BYTES)).toString('utf8');
  } catch (cause) {
    if (named === undefined && isAbsent(cause)) return null;
    throw new ConfigError(
      `${path}: cannot be read: ${messageOf(cause)}`,
      'Name another file with --config.',
      { cause },
    );
  }
  return { path, values: parseConfigFile(path, text) };
}

function parseConfigFile(path: string, text: string): Readonly<Record<string, unknown>> {
  const hint = `Write a JSON object with some of: ${Object.keys(VARIABLES).join(', ')}.`;
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${path}: is no JSON: ${messageOf(cause)}`, hint, { cause });
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw new ConfigError(`${path}: holds no JSON object`, hint);
  const unknown = Object.keys(values).find((name) => !(name in VARIABLES));
  if (unknown !== undefined)
    throw new ConfigError(`${path}: there is no setting ${JSON.stringify(unknown)}`, hint);
  return values as Readonly<Record<string, unknown>>;
}

/** Source: XDG Base Directory Specification: `$XDG_STATE_HOME`, else `~/.local/state`. */
function toStateDirectory(found: Found | undefined, environment: Environment): string {
  if (found !== undefined) return resolve(toText(found));
  return join(toHome(environment, 'XDG_STATE_HOME', join('.local', 'state')), 'polytrack');
}

function toHome(environment: Environment, variable: string, fallback: string): string {
  const named = environment[variable] ?? '';
  return named !== '' ? named : join(environment.HOME ?? homedir(), fallback);
}

function toS3Settings(
  endpoint: Found | undefined,
  region: Found | undefined,
  pathStyle: Found | undefined,
): SyncConfig['s3'] {
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

function toText({ value, source }: Found): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new ConfigError(`${source}: a text is needed`, 'Give it a value.');
}

function toNumber(
  found: Found | undefined,
  range: { min: number; max: number; isInteger?: boolean },
): number | undefined {
  if (found === undefined) return undefined;
  const { value, source } = found;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const isFit = typeof number === 'number' && number >= range.min && number <= range.max;
  if (isFit && (range.isInteger !== true || Number.isInteger(number))) return number;
  const kind = range.isInteger === true ? 'a whole number' : 'a number';
  throw new ConfigError(
    `${source}: ${JSON.stringify(value)} is not ${kind} from ${range.min} to ${range.max}`,
    'Correct it.',
  );
}

function toBoolean({ value, source }: Found): boolean {
  if (value === true || value === 'true' || value === '1') return true;
  if (value === false || value === 'false' || value === '0') return false;
  throw new ConfigError(`${source}: ${JSON.stringify(value)} is neither true nor false`, 'Correct it.');
}
