/** A run with many names: every row reaches its Polyaxon event file, although rows wait until they can be written together. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Run } from '../../src/run/run.js';
import { createTempDir } from '../support/temp-dir.js';

const NAMES = Array.from({ length: 300 }, (_, i) => `layer_${i}`);

describe('Run with many names and Polyaxon event files', () => {
  function startRun(flushIntervalMs: number): Run {
    return new Run({ root: createTempDir(), formats: ['polyaxon'], trackLogs: false, flushIntervalMs });
  }

  function logStep(run: Run, step: number): void {
    for (const name of NAMES) run.logMetric(name, step / 10, { step });
  }

  /** The steps in the file of each name, as one set of texts. */
  function readSteps(run: Run): Set<string> {
    const texts = NAMES.map((name) =>
      readFileSync(join(run.paths.run, 'events/metric', `${name}.plx`), 'utf8'),
    );
    return new Set(
      texts.map((text) =>
        text
          .split('\n')
          .slice(1)
          .map((row) => row.split('|')[0])
          .join(),
      ),
    );
  }

  it('has all rows in the files after flush and after end', async () => {
    const run = startRun(60_000);

    logStep(run, 0);
    await run.flush();
    logStep(run, 1);
    await run.flush();
    const flushed = readSteps(run);
    logStep(run, 2);
    await run.end();

    expect(flushed).toEqual(new Set(['0,1']));
    expect(readSteps(run)).toEqual(new Set(['0,1,2']));
  });

  it('writes rows within the flush interval, without flush', async () => {
    const run = startRun(100);

    logStep(run, 0);
    await run.flush();
    logStep(run, 1);

    await vi.waitFor(() => expect(readSteps(run)).toEqual(new Set(['0,1'])), 10_000);
    await run.end();
  });
});
