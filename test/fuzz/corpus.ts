/** The inputs that are kept: for each target a file, with an input in base64 in each line. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export function readCorpus(target: string): Buffer[] {
  const path = toCorpusPath(target);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => Buffer.from(line, 'base64'));
}

/** Adds inputs, and leaves out those that the corpus has. */
export function addToCorpus(target: string, inputs: readonly Buffer[]): void {
  const path = toCorpusPath(target);
  const lines = new Set([...readCorpus(target), ...inputs].map((input) => input.toString('base64')));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${[...lines].join('\n')}\n`);
}

function toCorpusPath(target: string): string {
  return join(process.cwd(), 'fixtures/fuzz', `${target}.txt`);
}
