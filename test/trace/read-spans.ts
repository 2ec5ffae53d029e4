/** Reads the spans that a run has written in Polyaxon's format. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '../../src/run/run.js';
import type { SpanJson } from '../../src/trace/span.js';

export function readSpans(run: Run): SpanJson[] {
  const directory = join(run.paths.run, 'events', 'span');
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .flatMap((file) => readFileSync(join(directory, file), 'utf8').split('\n'))
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(JSON.parse(line).span) as SpanJson);
}
