/** Runs small programs that use the built package, each in a separate process. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The built entry points. */
const ENTRIES = { polytrack: 'index.js', 'polytrack/format': 'format/index.js' } as const;

/** Starts a program whose first line imports `names` from an entry point of the built package. Its standard output is piped. */
export function spawnScript(
  names: string,
  body: string,
  env: NodeJS.ProcessEnv = {},
  door: keyof typeof ENTRIES = 'polytrack',
  flags: readonly string[] = [],
): ChildProcess {
  const entry = new URL(`../../dist/src/${ENTRIES[door]}`, import.meta.url);
  if (!existsSync(fileURLToPath(entry))) throw new Error('the package is not built: npm run build');
  const code = `import { ${names} } from ${JSON.stringify(entry.href)};\n${body}`;
  return spawn(process.execPath, [...flags, '--input-type=module', '--eval', code], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
