/**
 * Lists the packages that a program may load, with their versions, from the files of package managers.
 */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

type PackageVersion = readonly [name: string, version: string];

const LOCK_FILES: readonly (readonly [file: string, manager: string])[] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
];

const DEPENDENCY_FIELDS = [
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'peerDependencies',
] as const;
const PACKAGE_NAME = /^(?:@[\w.~-]+\/)?[\w~-][\w.~-]*$/;

/**
 * Lists the packages installed for the program in `directory`, sorted by name, then version. Never rejects; empty when none are found.
 *
 * Reads `node_modules/.package-lock.json`, where npm lists the installed packages, else `package-lock.json`. For other package managers,
 * looks up the dependencies of `package.json` in `node_modules`.
 */
export async function listPackages(directory: string): Promise<PackageVersion[]> {
  const directories = listUpwards(directory);
  const packages =
    (await readLockFile(directories, join('node_modules', '.package-lock.json'))) ??
    (await readLockFile(directories, 'package-lock.json')) ??
    (await readLockFile(directories, 'npm-shrinkwrap.json')) ??
    (await resolveDependencies(directories));
  const unique = new Map(packages.map((entry) => [entry.join('\0'), entry]));
  return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

/** Returns the package manager, with its version if known: `npm/10.8.2`, `yarn@4.9.1`, `pnpm`; or null. */
export async function findPackageManager(
  directory: string,
  environment: NodeJS.ProcessEnv,
): Promise<string | null> {
  // Set by npm, pnpm, yarn and bun for the scripts they run: `pnpm/9.1.0 npm/? node/v20.19.0 linux x64`.
  const agent = environment.npm_config_user_agent?.split(' ')[0];
  if (agent !== undefined && agent !== '') return agent;
  for (const parent of listUpwards(directory)) {
    const declared = fieldOf(await readJson(join(parent, 'package.json')), 'packageManager');
    if (typeof declared === 'string') return declared.replace(/\+.*$/, '');
    const lock = LOCK_FILES.find(([file]) => existsSync(join(parent, file)));
    if (lock !== undefined) return lock[1];
  }
  return null;
}

function listUpwards(directory: string): string[] {
  const path = resolve(directory);
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...listUpwards(parent)];
}

/** Reads the nearest npm lock file; undefined when none exists, or when a project of another package manager is nearer. */
async function readLockFile(
  directories: readonly string[],
  file: string,
): Promise<PackageVersion[] | undefined> {
  for (const directory of directories) {
    const lock = await readJson(join(directory, file));
    if (lock !== undefined) return listLocked(lock);
    const isForeign = LOCK_FILES.some(
      ([name, manager]) => manager !== 'npm' && existsSync(join(directory, name)),
    );
    if (isForeign) return undefined;
  }
  return undefined;
}

/** Lists `packages` by path, or before version 2 nested `dependencies` by name. Source: docs.npmjs.com, "package-lock.json". */
function listLocked(lock: unknown): PackageVersion[] {
  const packages = entriesOf(fieldOf(lock, 'packages'));
  if (packages.length > 0) {
    return packages.flatMap(([path, entry]) => {
      const name = fieldOf(entry, 'name') ?? path.split('node_modules/').at(-1);
      return path === '' || fieldOf(entry, 'link') === true ? [] : toPackage(name, entry);
    });
  }
  return entriesOf(fieldOf(lock, 'dependencies')).flatMap(([name, entry]) => [
    ...toPackage(name, entry),
    ...listLocked({ dependencies: fieldOf(entry, 'dependencies') }),
  ]);
}

async function resolveDependencies(directories: readonly string[]): Promise<PackageVersion[]> {
  const home = directories.findIndex((directory) => existsSync(join(directory, 'package.json')));
  if (home < 0) return [];
  const manifest = await readJson(join(directories[home]!, 'package.json'));
  const names = new Set(
    DEPENDENCY_FIELDS.flatMap((field) => entriesOf(fieldOf(manifest, field)).map(([name]) => name)),
  );
  const found = await Promise.all(
    [...names]
      .filter((name) => PACKAGE_NAME.test(name))
      .map((name) => resolvePackage(name, directories.slice(home))),
  );
  return found.flat();
}

async function resolvePackage(name: string, directories: readonly string[]): Promise<PackageVersion[]> {
  for (const directory of directories) {
    const manifest = await readJson(join(directory, 'node_modules', name, 'package.json'));
    if (manifest !== undefined) return toPackage(name, manifest);
  }
  return [];
}

function toPackage(name: unknown, entry: unknown): PackageVersion[] {
  const version = fieldOf(entry, 'version');
  return typeof name === 'string' && typeof version === 'string' ? [[name, version]] : [];
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    // The file is missing or incomplete.
    return undefined;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
