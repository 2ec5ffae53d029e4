/** Where this package is installed. */

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const OWN_PACKAGE = 'polytrack';
const MAX_LEVELS = 5;

/** Returns the version of this package; undefined when it is bundled into a program. */
export function findOwnVersion(): string | undefined {
  return findPackage()?.version;
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

function findPackage(): { readonly directory: string; readonly version: string } | undefined {
  const url = ownUrl();
  if (url === undefined) return undefined;
  let directory = dirname(fileURLToPath(url));
  for (let level = 0; level < MAX_LEVELS; level++) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
      const { name, version } = manifest as { name?: unknown; version?: unknown };
      if (name === OWN_PACKAGE && typeof version === 'string') return { directory, version };
    } catch {
      // Not in this directory.
    }
    directory = dirname(directory);
  }
  return undefined;
}
