/** Runs with Polyaxon's own files, and those files: events row by row, assets as bytes. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '../../src/index.js';
import { startRun } from './start-run.js';

/** Runs a program of logging calls to its end, and gives the directory of the run that they leave. */
export async function logForPolyaxon(calls: (run: Run) => unknown): Promise<string> {
  const { run } = startRun({ formats: ['polyaxon'] });
  await calls(run);
  await run.end();
  return run.paths.run;
}

/** The bytes of `assets/<path>`. */
export function readAsset(runDirectory: string, path: string): Buffer {
  return readFileSync(join(runDirectory, 'assets', path));
}

export interface PlxRow {
  /** As it is written: digits, or nothing. */
  readonly step: string;
  readonly timestamp: string;
  /** A metric as text, everything else as its JSON; of text and HTML the text itself. */
  readonly value: unknown;
}

const LINES_KINDS = ['html', 'text', 'chart', 'span'];

/** The rows of `events/<kind>/<name>.plx`. */
export function readPlx(runDirectory: string, kind: string, name: string): PlxRow[] {
  const [first, ...lines] = readFileSync(join(runDirectory, 'events', kind, `${name}.plx`), 'utf8').split(
    '\n',
  );
  if (LINES_KINDS.includes(kind)) return lines.map((line) => toJsonRow(kind, line));
  if (first !== `step|timestamp|${kind}`) throw new Error(`${kind}/${name}.plx begins with ${first}`);
  return lines.map((line) => {
    const [step = '', timestamp = '', value = ''] = line.split('|');
    return { step, timestamp, value: kind === 'metric' ? value : JSON.parse(value) };
  });
}

/** The values of `readPlx`. */
export function readPlxValues(runDirectory: string, kind: string, name: string): unknown[] {
  return readPlx(runDirectory, kind, name).map(({ value }) => value);
}

function toJsonRow(kind: string, line: string): PlxRow {
  const { step, timestamp, [kind]: value } = JSON.parse(line) as Record<string, string | number | null>;
  const isText = kind === 'html' || kind === 'text';
  return {
    step: String(step ?? ''),
    timestamp: String(timestamp),
    value: isText ? value : JSON.parse(String(value)),
  };
}
