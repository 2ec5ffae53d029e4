// The common parts of all measurements: arguments, output, temporary files and cleanup.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const UNITS = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Parses a size such as `1GiB`, `64 MiB` or `1000`. Returns bytes. */
export function parseSize(text) {
  const [, number, unit] = /^([\d.]+)\s*(KiB|MiB|GiB|)$/.exec(text) ?? [];
  if (number === undefined) throw new Error(`size is "${text}", expected a size such as 64MiB`);
  return Math.round(Number(number) * UNITS[unit]);
}

export function toMiB(bytes) {
  return `${(bytes / UNITS.MiB).toFixed(1)} MiB`;
}

/**
 * Runs a measurement: `measure({ values, directory, onEnd, say })` returns its figures and failures.
 *
 * `values` are the arguments by the names in `defaults`, all strings. With `--json`, only the result goes to stdout. Exits with 1 if there
 * are failures. Removes `directory` at the end, unless `--keep` is given.
 */
export async function runMeasurement(defaults, measure) {
  const options = Object.fromEntries(Object.entries(defaults).map(([name]) => [name, { type: 'string' }]));
  const { values } = parseArgs({
    options: {
      ...options,
      json: { type: 'boolean' },
      keep: { type: 'boolean' },
      verbose: { type: 'boolean' },
    },
  });
  const directory = mkdtempSync(join(tmpdir(), 'polytrack-bench-'));
  const enders = [];
  const cleanUp = async () => {
    for (const end of enders.splice(0).reverse()) await end();
    if (!values.keep) rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  };
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
  const startMs = performance.now();
  const say = (text) => {
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1).padStart(7);
    console.error(`${seconds} s  ${text}`);
  };
  try {
    const context = { values: { ...defaults, ...values }, directory, onEnd: (end) => enders.push(end), say };
    const { figures, failures } = await measure(context);
    print(figures, failures, values.json === true);
    process.exitCode = failures.length === 0 ? 0 : 1;
  } finally {
    await cleanUp();
  }
}

function print(figures, failures, isJson) {
  if (isJson) {
    console.log(JSON.stringify({ figures, failures }));
    return;
  }
  const width = Math.max(...Object.keys(figures).map((name) => name.length));
  for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(width)}  ${value}`);
  for (const failure of failures) console.log(`FAILED: ${failure}`);
}
