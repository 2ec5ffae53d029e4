/** Creates runs and reads their Polyaxon files: events row by row, assets as bytes. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '../../src/index.js';
import { startRun } from './start-run.js';

/** Runs logging calls to their end and returns the run directory. */
export async function logForPolyaxon(calls: (run: Run) => unknown): Promise<string> {
  const { run } = startRun({ formats: ['polyaxon'] });
  await calls(run);
  await run.end();
  return run.paths.run;
}

/** Returns the bytes of `assets/<path>`. */
export function readAsset(runDirectory: string, path: string): Buffer {
  return readFileSync(join(runDirectory, 'assets', path));
}

export interface PlxRow {
  /** The step as written: digits, or an empty string. */
  readonly step: string;
  readonly timestamp: string;
  /** The value: the raw text of a metric, text or HTML; parsed JSON for other kinds. */
  readonly value: unknown;
}

const LINES_KINDS = ['html', 'text', 'chart', 'span'];

/** Returns the rows of `events/<kind>/<name>.plx`. */
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

/** Returns the values of `readPlx`. */
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
