/** Runs the measurements of `bench/` in a short form, as separate processes that check their own results. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export interface Measurement {
  /** Printed figures, by name. */
  readonly figures: Readonly<Record<string, string | number>>;
  /** Failed checks, as sentences. */
  readonly failures: readonly string[];
}

/** Runs `bench/<name>.mjs`, which needs the built package. Rejects when the process ends without a result. */
export async function runMeasurement(
  name: string,
  options: Readonly<Record<string, string>>,
): Promise<Measurement> {
  const path = fileURLToPath(new URL(`../../bench/${name}.mjs`, import.meta.url));
  const args = Object.entries(options).flatMap(([option, value]) => [`--${option}`, value]);
  const child = spawn(process.execPath, [path, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
  // On SIGTERM, the program stops its child processes and removes its files.
  onTestFinished(() => void (child.exitCode ?? child.kill('SIGTERM')));
  const stdout = collectText(child.stdout);
  const stderr = collectText(child.stderr);
  await once(child, 'close');
  try {
    return JSON.parse(stdout()) as Measurement;
  } catch (cause) {
    throw new Error(`${name} ended without a result: ${stderr()}`, { cause });
  }
}

function collectText(stream: Readable): () => string {
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  return () => Buffer.concat(pieces).toString();
}
