/** Finds the value of each setting: flag, environment variable, configuration file, default, in this order. */

import { join, resolve } from 'node:path';
import { parseBoundedJson } from '../../src/base/bounded-json.js';
import { quote } from '../../src/base/describe.js';
import { messageOf } from '../../src/base/errors.js';
import { findSimilar } from '../../src/base/options.js';
import { ConfigError } from '../base/errors.js';
import type { FileSystem } from '../base/io/file-system.js';
import { homeDirectory } from '../base/io/home-directory.js';
import { isAbsent } from '../base/io/system-error.js';
import { readWholeFile } from '../base/io/whole-file.js';
import {
  FLAGS,
  type FlagName,
  type Flags,
  type FlagValue,
  REMOVED_SETTINGS,
  type Row,
  SETTINGS,
  type SettingValues,
  toFlag,
  variablesOf,
} from './table.js';
import type { Found, SecondsType } from './value-types.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface FoundSettings {
  readonly values: SettingValues;
  /** For each setting: the flag, the variable, the path of the configuration file, or `default`. */
  readonly sources: Readonly<Record<string, string>>;
}

interface ConfigFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

const MAX_CONFIG_BYTES = 1024 * 1024;

/** Reads all settings. A configuration file that is set must exist; the one at the default path need not. Throws `ConfigError`. */
export async function readSettings(
  flags: Flags,
  environment: Environment,
  fileSystem: FileSystem,
): Promise<FoundSettings> {
  return parseSettings(flags, environment, await readConfigFile(flags, environment, fileSystem));
}

/** Parses a flag that is not a setting. Throws `ConfigError`. */
export function parseFlag<Name extends FlagName>(flags: Flags, name: Name): FlagValue<Name> | undefined {
  const found = findFlag(flags, name);
  return found === undefined ? undefined : (FLAGS[name].type.parse(found) as FlagValue<Name>);
}

/** Returns the directory in a variable of the XDG Base Directory Specification, or `fallback` below the home directory. */
export function toXdgDirectory(environment: Environment, variable: string, fallback: string): string {
  const named = environment[variable] ?? '';
  return named !== '' ? named : join(homeDirectory(environment), fallback);
}

function parseSettings(flags: Flags, environment: Environment, file: ConfigFile | null): FoundSettings {
  for (const [name, hint] of Object.entries(REMOVED_SETTINGS)) {
    const found = findVariable(environment, name) ?? findInFile(file, name);
    if (found !== undefined) throw new ConfigError(`${found.source}: ${toFlag(name)} was removed`, hint);
  }
  const values: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  for (const [name, row] of Object.entries<Row>(SETTINGS)) {
    const found =
      findFlag(flags, name as keyof Flags) ?? findVariable(environment, name) ?? findInFile(file, name);
    sources[name] = found?.source ?? 'default';
    const { suffix = '' } = row.type as Partial<SecondsType>;
    const used = found ?? (row.default === undefined ? undefined : { value: row.default, source: 'default' });
    values[`${name}${suffix}`] = used === undefined ? undefined : row.type.parse(used);
  }
  return { values: values as SettingValues, sources };
}

function findFlag(flags: Flags, name: keyof Flags): Found | undefined {
  const value = flags[name];
  return value === undefined ? undefined : { value, source: toFlag(name) };
}

function findVariable(environment: Environment, name: string): Found | undefined {
  const variable = variablesOf(name).find((candidate) => (environment[candidate] ?? '') !== '');
  return variable === undefined ? undefined : { value: environment[variable], source: variable };
}

function findInFile(file: ConfigFile | null, key: string): Found | undefined {
  const value = file?.values[key];
  return file === null || value === undefined ? undefined : { value, source: file.path, key };
}

async function readConfigFile(
  flags: Flags,
  environment: Environment,
  fileSystem: FileSystem,
): Promise<ConfigFile | null> {
  const named = findFlag(flags, 'config') ?? findVariable(environment, 'config');
  const usual = join(toXdgDirectory(environment, 'XDG_CONFIG_HOME', '.config'), 'polytrack', 'config.json');
  const path = resolve(named === undefined ? usual : FLAGS.config.type.parse(named));
  let text: string;
  try {
    // Kubernetes mounts the keys of a ConfigMap as links.
    const found = await fileSystem.realPath(path);
    text = (await readWholeFile(fileSystem, found, MAX_CONFIG_BYTES)).toString('utf8');
  } catch (cause) {
    if (named === undefined && isAbsent(cause)) return null;
    const subject = named === undefined ? path : `${named.source}: ${path}`;
    const hint = 'Make the file readable, with at most 1 MiB, or pass another one with --config.';
    throw new ConfigError(`${subject}: cannot be read: ${messageOf(cause)}`, hint, { cause });
  }
  return { path, values: parseConfigFile(path, text) };
}

function parseConfigFile(path: string, text: string): Readonly<Record<string, unknown>> {
  const hint = 'Write one JSON object, such as { "store": "s3://bucket/prefix" }.';
  let values: unknown;
  try {
    values = parseBoundedJson(text);
  } catch (cause) {
    throw new ConfigError(`${path}: is not valid JSON: ${messageOf(cause)}`, hint, { cause });
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    throw new ConfigError(`${path}: is not a JSON object`, hint);
  const known = { ...SETTINGS, ...REMOVED_SETTINGS };
  const unknown = Object.keys(values).find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined)
    throw new ConfigError(`${path}: ${quote(unknown)} is not a setting`, toSuggestion(unknown));
  return values as Readonly<Record<string, unknown>>;
}

/** Suggests the most similar setting. Also recognises flag and variable names: `retry-timeout`, `POLYTRACK_RETRY_TIMEOUT`. */
function toSuggestion(unknown: string): string {
  const names = Object.keys(SETTINGS);
  const similar = findSimilar(unknown.replace(/^polytrack_/i, ''), names);
  if (similar !== undefined) return `Did you mean ${JSON.stringify(similar)}?`;
  return `Use one of: ${names.join(', ')}.`;
}
