/** Where this package is installed. */

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const OWN_PACKAGE = 'polytrack';
const MAX_LEVELS = 5;

/** The part of this package's package.json that is used here. */
interface OwnManifest {
  readonly version: string;
  readonly engines?: { readonly node?: string };
  /** The optional packages, with the ranges of their versions. */
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Returns the version of this package; undefined when it is bundled into a program. */
export function findOwnVersion(): string | undefined {
  return findOwnManifest()?.version;
}

/** Returns the package.json of this package; undefined when it is bundled into a program. */
export function findOwnManifest(): OwnManifest | undefined {
  return findPackage()?.manifest;
}

/** Returns the version of a package that this one can import; undefined if it is not installed. */
export function findInstalledVersion(name: string): string | undefined {
  try {
    for (const directory of createRequire(ownUrl() ?? process.argv[1] ?? '').resolve.paths(name) ?? []) {
      // Not by `resolve`, because a package may hide its package.json.
      const path = join(directory, name, 'package.json');
      if (!existsSync(path)) continue;
      const { version } = JSON.parse(readFileSync(path, 'utf8')) as { readonly version?: unknown };
      if (typeof version === 'string') return version;
    }
  } catch {
    // It is damaged, so it cannot be imported either.
  }
  return undefined;
}

/**
 * Returns the path of the `polytrack` command. When the package is bundled into a program, returns that of the package that is installed
 * beside the program; undefined if there is none.
 */
export function findCommand(): string | undefined {
  const directory = findPackage()?.directory ?? findInstalledPackage();
  if (directory === undefined) return undefined;
  const command = join(directory, 'dist', 'uploader', 'cli.js');
  return existsSync(command) ? command : undefined;
}

function findInstalledPackage(): string | undefined {
  try {
    const program = ownUrl() ?? process.argv[1] ?? '';
    return dirname(createRequire(program).resolve(`${OWN_PACKAGE}/package.json`));
  } catch {
    return undefined;
  }
}

/** Undefined in a CommonJS bundle. */
function ownUrl(): string | undefined {
  return import.meta.url;
}

function findPackage(): { readonly directory: string; readonly manifest: OwnManifest } | undefined {
  const url = ownUrl();
  if (url === undefined) return undefined;
  let directory = dirname(fileURLToPath(url));
  for (let level = 0; level < MAX_LEVELS; level++) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
      const { name, version } = manifest as { name?: unknown; version?: unknown };
      if (name === OWN_PACKAGE && typeof version === 'string')
        return { directory, manifest: manifest as OwnManifest };
    } catch {
      // Not in this directory.
    }
    directory = dirname(directory);
  }
  return undefined;
}
