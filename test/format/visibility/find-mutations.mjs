/**
 * Shows that the comparison with TensorBoard and Polyaxon finds errors in the model: makes one error at a time in the sources, runs the comparison
 * with fewer programs, and expects it to fail. Restores the sources afterwards.
 *
 *     node test/format/visibility/find-mutations.mjs [number of the first error] [number of the last error]
 */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '../../..');
const MODEL = 'src/format/visibility';
const TENSORBOARD = 'test/tensorboard/visibility.test.ts';
const POLYAXON = 'test/polyaxon-server/visibility.test.ts';

/** What is wrong, in which file, the right text and the wrong one, the comparison that must find it, and the first program if it is not 1. */
const ERRORS = [
  [
    'the fast reader keeps points of an equal step',
    `${MODEL}/fast-reader.ts`,
    'stepOf(earlier) >= step',
    'stepOf(earlier) > step',
  ],
  [
    'the fast reader keeps the points that a value it cannot read removes',
    `${MODEL}/fast-reader.ts`,
    'if (series.sample.capacity === 0) return;',
    'if (series.sample.capacity === 0 || this.codes.at(point) === kind) return;',
  ],
  [
    'the fast reader reads numbers of every shape',
    `${MODEL}/fast-reader.ts`,
    ' && tensor.shape.length === 0;',
    ';',
  ],
  [
    'the fast reader reads float64',
    `${MODEL}/fast-reader.ts`,
    'tensor.isSound && tensor.dtype === DataType.FLOAT &&',
    'tensor.isSound && tensor.dtype !== DataType.STRING &&',
  ],
  [
    'the fast reader shows events without a finite wall time',
    `${MODEL}/fast-reader.ts`,
    'if (Number.isFinite(wallTime)) this',
    'if (!Number.isNaN(wallTime)) this',
  ],
  [
    'the fast reader stops at a wrong CRC of the data',
    `${MODEL}/fast-reader.ts`,
    'if (!hasEvent) this.#isStopped = true;',
    'this.#isStopped = true;',
  ],
  [
    'the fast reader keeps 1001 numbers',
    `${MODEL}/fast-reader.ts`,
    'const CAPACITIES = [0, 1000,',
    'const CAPACITIES = [0, 1001,',
  ],
  [
    'the first session start of a run removes points in the Python reader',
    `${MODEL}/python-reader.ts`,
    'if (this.#hasStarted) for',
    'for',
  ],
  [
    'a session start keeps the points of its step in the Python reader',
    `${MODEL}/python-reader.ts`,
    '(point) => points.stepOf(point) >= step,',
    '(point) => points.stepOf(point) > step,',
  ],
  [
    'files of version 1 are like those of version 2',
    `${MODEL}/python-reader.ts`,
    'if (this.#version < 2 && step < this.#lastStep) {',
    'if (this.#version < 0 && step < this.#lastStep) {',
  ],
  [
    'metadata of earlier files fill in the data class',
    `${MODEL}/python-reader.ts`,
    '    this.#firstInFile.clear();\n',
    '',
    TENSORBOARD,
    390,
  ],
  [
    'a restart that removes all images breaks no page',
    `${MODEL}/python-reader.ts`,
    "plugin === 'images' || (",
    '(',
  ],
  [
    'the Python reader shows every image of a step',
    `${MODEL}/python-reader.ts`,
    'hasOneBlobPerStep: true',
    'hasOneBlobPerStep: false',
  ],
  [
    'the Python reader draws its sample from another range',
    `${MODEL}/series-sample.ts`,
    'const drawn = this.#python.below(this.#seen + 1);',
    'const drawn = this.#python.below(this.#seen + 2);',
  ],
  [
    'the page of histograms shows all of them',
    `${MODEL}/pages.ts`,
    'histograms: page(TENSOR, 500, 51, false)',
    'histograms: page(TENSOR, 500, 500, false)',
  ],
  [
    'numbers on a tag of text break nothing',
    `${MODEL}/pages.ts`,
    'if (!isString && elements > 0) return REASON_CODES.broken;',
    '',
  ],
  [
    'the first start of a job removes points in Polyaxon',
    'src/polyaxon/export/polyaxon-viewer.ts',
    'if (isFirst && step <= 0) return;',
    '',
    POLYAXON,
  ],
  [
    'a restart keeps the points of its step in Polyaxon',
    'src/polyaxon/export/polyaxon-viewer.ts',
    'points.stepOf(point) < step ||',
    'points.stepOf(point) <= step ||',
    POLYAXON,
  ],
];

/** The number of programs, from which it is known that they contain every kind of error. */
const PROGRAMS = process.env.POLYTRACK_VISIBILITY_PROGRAMS ?? '300';

function compare(test, seed) {
  const { status, stdout, stderr } = spawnSync('npx', ['vitest', 'run', test], {
    cwd: REPOSITORY,
    env: {
      ...process.env,
      POLYTRACK_VISIBILITY_PROGRAMS: PROGRAMS,
      POLYTRACK_VISIBILITY_SEED: String(seed),
    },
    encoding: 'utf8',
  });
  // A difference, or a page that was not expected to fail. A comparison that fails for another reason has found nothing.
  const line = (stdout + stderr).split('\n').find((text) => /seed-|plugin\/\S+: 500/.test(text));
  return { isFound: status !== 0 && line !== undefined, line };
}

const [first = 1, last = ERRORS.length] = process.argv.slice(2).map(Number);
let missed = 0;
for (const [index, [what, file, right, wrong, test = TENSORBOARD, seed = 1]] of ERRORS.entries()) {
  if (index + 1 < first || index + 1 > last) continue;
  const path = join(REPOSITORY, file);
  const source = readFileSync(path, 'utf8');
  if (source.split(right).length !== 2) throw new Error(`${file} does not contain once: ${right}`);
  try {
    writeFileSync(
      path,
      source.replace(right, () => wrong),
    );
    const { isFound, line = '' } = compare(test, seed);
    if (!isFound) missed += 1;
    console.log(
      `${index + 1}. ${isFound ? 'found' : 'NOT FOUND'}: ${what}\n     ${line.trim().slice(0, 140)}`,
    );
  } finally {
    writeFileSync(path, source);
  }
}
console.log(missed === 0 ? 'every error is found' : `${missed} errors are not found`);
process.exitCode = missed === 0 ? 0 : 1;
