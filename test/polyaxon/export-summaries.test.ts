/** Random runs: Polyaxon's client, with pandas, computes the same summaries from the exported files as the export. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type EventsSummary, Exporter } from '../../src/polyaxon/export/exporter.js';
import { describeWithPeers } from '../support/peers.js';
import { runPolyaxonPython } from '../support/polyaxon.js';
import { imagesValue, polyaxonValue, scalarValue, textValue, toEvent } from '../support/summary-events.js';
import { createTempDir } from '../support/temp-dir.js';

const SCRIPT = fileURLToPath(new URL('summarize.py', import.meta.url));
const SERIES = 60;
/** Differs in each run. A failure prints it, and SEED=… repeats the run. */
const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

type PythonSummary = EventsSummary & { readonly values: readonly string[] };

/** Numbers whose sums and squares do not overflow; pandas returns infinity for others. */
const number = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: -1e3, max: 1e3, noNaN: true }).filter(isOrdinary) },
  { weight: 2, arbitrary: fc.double({ min: -1e100, max: 1e100, noNaN: true }).filter(isOrdinary) },
  fc.constantFrom(Number.NaN, 0, 1, 0.1, 1e16, 1e-5),
);
const withInfinities = fc.oneof(
  { weight: 5, arbitrary: number },
  fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);
const metric = fc.oneof(
  { weight: 4, arbitrary: fc.array(number, { minLength: 1, maxLength: 60 }) },
  fc.array(withInfinities, { minLength: 1, maxLength: 12 }),
);
const step = fc.oneof(
  fc.integer({ min: -5, max: 1e6 }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
/** Times that pandas supports: 1677 to 2262; some without microseconds. */
const wallTime = fc.oneof(
  fc.double({ min: -1e9, max: 8e9, noNaN: true }),
  fc.integer({ min: 0, max: 2 ** 31 }),
);

function isOrdinary(value: number): boolean {
  return value === 0 || Math.abs(value) > 1e-100;
}

/** Exports random series, writes the files and returns their summaries by path. */
function writeRandomRun(directory: string): Map<string, EventsSummary> {
  const exporter = new Exporter();
  const series = fc.sample(metric, { numRuns: SERIES, seed: SEED });
  const total = series.reduce((sum, values) => sum + values.length, 0) + SERIES * 3;
  const steps = fc.sample(step, { numRuns: total, seed: SEED });
  const times = fc.sample(wallTime, { numRuns: total, seed: SEED + 1 });
  const texts = fc.sample(fc.string({ unit: 'binary' }), { numRuns: SERIES, seed: SEED });
  let at = 0;
  const eventTime = (): [number | bigint, number] => [steps[at]!, times[at++]!];
  for (const [i, values] of series.entries()) {
    for (const value of values) exporter.push(toEvent(...eventTime(), scalarValue(`metric ${i}`, value)));
  }
  for (const text of texts) {
    exporter.push(toEvent(...eventTime(), textValue('texts', [text])));
    exporter.push(toEvent(...eventTime(), imagesValue('images', Uint8Array.of(1))));
    const value = { kind: 'custom', x: [0.5], y: [1], annotation: text };
    exporter.push(toEvent(...eventTime(), polyaxonValue({ kind: 'curve', name: 'curves', value })));
  }
  for (const { path, bytes } of exporter.take().appends) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), bytes);
  }
  return new Map(exporter.artifacts().map(({ path, summary }) => [path, summary]));
}

/** Numbers agree to 1e-12 of the largest value of their series, which is the precision of their sums. */
function expectSame(path: string, ours: EventsSummary, theirs: PythonSummary): void {
  const { metric: ourMetric, ...ourRest } = ours;
  const { metric: theirMetric, values, ...theirRest } = theirs;
  expect(ourRest, path).toEqual(theirRest);
  const sizes = values.map((value) => Math.abs(Number(value))).filter(Number.isFinite);
  const tolerance = Math.max(0, ...(ourMetric === undefined ? [] : sizes)) * 1e-12;
  for (const [field, expected] of Object.entries(theirMetric ?? {})) {
    const found = ourMetric?.[field as keyof typeof ourMetric] ?? null;
    const message = `${path} ${field}: ${found}, expected ${expected} (SEED=${SEED})`;
    const isQuartile = field.endsWith('%');
    // numpy returns NaN for infinite neighbours with weight 0.
    if (expected === null && isQuartile && values.some((value) => value.endsWith('inf'))) continue;
    if (expected === null || found === null) expect(found, message).toBe(expected);
    else expect(Math.abs(found - expected), message).toBeLessThanOrEqual(tolerance);
  }
}

describeWithPeers(['polyaxon'], "Polyaxon's client reading exported files", () => {
  it(`summarizes ${SERIES} random series like the export`, async () => {
    const directory = createTempDir();
    const ours = writeRandomRun(directory);

    const { stdout } = await runPolyaxonPython(SCRIPT, [directory]);

    const theirs: Record<string, PythonSummary> = JSON.parse(stdout);
    expect(Object.keys(theirs).toSorted()).toEqual([...ours.keys()].toSorted());
    for (const [path, summary] of ours) expectSame(path, summary, theirs[path]!);
  });
});
