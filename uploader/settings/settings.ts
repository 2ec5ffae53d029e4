/** Where a setting's value comes from: flag, environment variable, configuration file; and what a value of each kind looks like. */

import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { messageOf } from '../../src/base/errors.js';
import { ConfigError } from '../base/errors.js';
import type { FileSystem } from '../base/io/file-system.js';
import { isAbsent } from '../base/io/system-error.js';
import { readWholeFile } from '../base/io/whole-file.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables of each setting, the first that is set wins. AWS names: AWS SDKs and Tools Reference Guide. */
const VARIABLES = {
  store: ['POLYTRACK_STORE'],
  stateDir: ['POLYTRACK_STATE_DIR'],
  concurrency: ['POLYTRACK_CONCURRENCY'],
  retryFor: ['POLYTRACK_RETRY_FOR'],
  interval: ['POLYTRACK_INTERVAL'],
  bandwidth: ['POLYTRACK_BANDWIDTH'],
  requests: ['POLYTRACK_REQUESTS'],
  grace: ['POLYTRACK_GRACE'],
  include: [],
  exclude: [],
  asRun: [],
  project: ['POLYTRACK_PROJECT'],
  polyaxon: ['POLYTRACK_POLYAXON'],
  createProject: ['POLYTRACK_CREATE_PROJECT'],
  projectEvents: ['POLYTRACK_PROJECT_EVENTS'],
  eventRequests: ['POLYTRACK_EVENT_REQUESTS'],
  rootId: ['POLYTRACK_ROOT_ID'],
  hints: ['POLYTRACK_HINTS'],
  hardlinks: ['POLYTRACK_HARDLINKS'],
  crossDevice: ['POLYTRACK_CROSS_DEVICE'],
  share: ['POLYTRACK_SHARE'],
  receipts: ['POLYTRACK_RECEIPTS'],
  mirror: ['POLYTRACK_MIRROR'],
  http: ['POLYTRACK_HTTP'],
  endpoint: ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'],
  region: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
  pathStyle: ['POLYTRACK_PATH_STYLE'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type SettingName = keyof typeof VARIABLES;
export const SETTING_NAMES = Object.keys(VARIABLES) as readonly SettingName[];

/** A value, and what gave it: for messages. */
export interface Found {
  readonly value: unknown;
  readonly source: string;
}

export type FlagValues = Partial<Record<SettingName, string | boolean | readonly string[]>>;

const MAX_CONFIG_BYTES = 1024 * 1024;

/** Finds the values of settings; remembers what gave each. */
export class Settings {
  /** For each setting that was asked for: the flag, the variable, the file, or `default`. */
  readonly sources: Record<string, string> = {};
  readonly #flags: FlagValues;
  readonly #environment: Environment;
  readonly #file: ConfigFile | null;

  private constructor(flags: FlagValues, environment: Environment, file: ConfigFile | null) {
    this.#flags = flags;
    this.#environment = environment;
    this.#file = file;
  }

  /** Reads the configuration file: the one that is named, which must exist, else the one at the usual place. Throws `ConfigError`. */
  static async read(
    flags: FlagValues & { readonly config?: string | undefined },
    environment: Environment,
    fileSystem: FileSystem,
  ): Promise<Settings> {
    return new Settings(flags, environment, await readConfigFile(flags.config, environment, fileSystem));
  }

  find(name: SettingName): Found | undefined {
    const found = this.#findFlag(name) ?? this.#findVariable(name) ?? this.#findInFile(name);
    this.sources[name] = found?.source ?? 'default';
    return found;
  }

  #findFlag(name: SettingName): Found | undefined {
    const value = this.#flags[name];
    const source = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === undefined ? undefined : { value, source };
  }

  #findVariable(name: SettingName): Found | undefined {
    const names: readonly string[] = VARIABLES[name];
    const variable = names.find((candidate) => (this.#environment[candidate] ?? '') !== '');
    return variable === undefined ? undefined : { value: this.#environment[variable], source: variable };
  }

  #findInFile(name: SettingName): Found | undefined {
    const value = this.#file?.values[name];
    return this.#file === null || value === undefined ? undefined : { value, source: this.#file.path };
  }
}

export function toText({ value, source }: Found): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new ConfigError(`${source}: a text is needed`, 'Give it a value.');
}

/** A list of texts; a single text is a list of one. */
export function toTexts(found: Found | undefined): readonly string[] {
  if (found === undefined) return [];
  const values = Array.isArray(found.value) ? found.value : [found.value];
  return values.map((value: unknown) => toText({ value, source: found.source }));
}

export function toNumber(
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

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/** Bytes: a number, or one with a unit (`500k`, `10MB`, `1MiB`). */
export function toBytes(found: Found | undefined): number | undefined {
  if (found === undefined) return undefined;
  const text = String(found.value).trim();
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?(?:\/s)?$/i.exec(text);
  const bytes = match === null ? Number.NaN : Number(match[1]) * BYTE_UNITS[(match[2] ?? '').toLowerCase()]!;
  if (bytes >= 1) return bytes;
  const hint = 'Write it as a number with a unit, such as 500k, 10MB or 1MiB.';
  throw new ConfigError(`${found.source}: ${JSON.stringify(found.value)} is no number of bytes`, hint);
}

const DURATION_MS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3.6e6, d: 86.4e6, w: 604.8e6 };

/** Milliseconds of `90s`, `30m`, `12h`, `7d` or `2w`. */
export function toDurationMs(found: Found | undefined): number | undefined {
  if (found === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)\s*([smhdw])$/.exec(String(found.value).trim());
  if (match !== null) return Number(match[1]) * DURATION_MS[match[2] ?? '']!;
  const hint = 'Write it with a unit, such as 90s, 30m, 12h, 7d or 2w.';
  throw new ConfigError(`${found.source}: ${JSON.stringify(found.value)} is no duration`, hint);
}

export function toBoolean({ value, source }: Found): boolean {
  if (value === true || value === 'true' || value === '1') return true;
  if (value === false || value === 'false' || value === '0') return false;
  throw new ConfigError(`${source}: ${JSON.stringify(value)} is neither true nor false`, 'Correct it.');
}

/** The directory that the variable of the XDG Base Directory Specification names, else the one below the home directory. */
export function toHome(environment: Environment, variable: string, fallback: string): string {
  const named = environment[variable] ?? '';
  return named !== '' ? named : join(environment.HOME ?? homedir(), fallback);
}

interface ConfigFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

async function readConfigFile(
  flag: string | undefined,
  environment: Environment,
  fileSystem: FileSystem,
): Promise<ConfigFile | null> {
  const named = flag ?? environment.POLYTRACK_CONFIG;
  const usual = join(toHome(environment, 'XDG_CONFIG_HOME', '.config'), 'polytrack', 'config.json');
  const path = resolve(named ?? usual);
  let text: string;
  try {
    text = (await readWholeFile(fileSystem, path, MAX_CONFIG_BYTES)).toString('utf8');
  } catch (cause) {
    if (named === undefined && isAbsent(cause)) return null;
    const message = `${path}: cannot be read: ${messageOf(cause)}`;
    throw new ConfigError(message, 'Name another file with --config.', { cause });
  }
  return { path, values: parseConfigFile(path, text) };
}

function parseConfigFile(path: string, text: string): Readonly<Record<string, unknown>> {
  const hint = `Write a JSON object with some of: ${SETTING_NAMES.join(', ')}.`;
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
