/**
 * Shows that the simulator and the tests beside it find errors: makes those of breakages.mjs one at a time in a temporary copy of the sources,
 * runs the tests that must find it, and expects one to fail. The tests pass without it, which is tried first. Prints the table of breakages.md.
 *
 *     node test/simulation/find-breakages.mjs [--rows 16-22,48] [--save]
 *
 * `--save` writes the rows into breakages.md. The tests of S3, Google and Azure need their servers (`npm run peers`).
 */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BREAKAGES, NAMES_OF_TESTS } from './breakages.mjs';

const REPOSITORY = join(import.meta.dirname, '../..');
const TABLE = join(import.meta.dirname, 'breakages.md');
const COPIED = [
  'src',
  'uploader',
  'test',
  'scripts',
  'bench',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
];
/** Tests of the built command do not see the error, but must pass. */
const LINKED = ['node_modules', 'fixtures', 'dist'];

/** Returns the title of the first test that fails, null if all pass. A file that cannot be loaded has found nothing. */
function findFailure(directory, group) {
  const { status, stdout, stderr } = spawnSync(
    'npx',
    ['vitest', 'run', '--maxWorkers=1', '--bail=1', ...NAMES_OF_TESTS[group]],
    { cwd: directory, env: { ...process.env, CI: '' }, encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of a terminal
  const lines = (stdout + stderr).replace(/\x1b\[\d+m/g, '').split('\n');
  const line = lines.find((text) => /^\s*×/.test(text));
  return status === 0 || line === undefined ? null : line.trim().replace(/^× |\s+\d+ms$/g, '');
}

function parseRows(text) {
  const all = BREAKAGES.map((_, index) => index + 1);
  const ranges = text.split(',').map((range) => range.split('-').map(Number));
  const rows = all.filter((row) => ranges.some(([first, last = first]) => row >= first && row <= last));
  if (rows.length === 0) throw new Error(`--rows ${text}: there are rows 1 to ${all.length}`);
  return rows;
}

/** Replaces the row of the same number in the table, or adds it at the end. */
function save(row, line) {
  const lines = readFileSync(TABLE, 'utf8').trimEnd().split('\n');
  const at = lines.findIndex((each) => each.startsWith(`| ${row} |`));
  if (at === -1) lines.push(line);
  else lines[at] = line;
  writeFileSync(TABLE, `${lines.join('\n')}\n`);
}

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: `1-${BREAKAGES.length}` },
    save: { type: 'boolean', default: false },
  },
});
const rows = parseRows(values.rows);
const copy = mkdtempSync(join(tmpdir(), 'breakages-'));
const passed = new Set();
let missed = 0;
console.log('| | What is broken | File | Found by | Test |\n| --- | --- | --- | --- | --- |');
try {
  for (const name of COPIED) cpSync(join(REPOSITORY, name), join(copy, name), { recursive: true });
  for (const name of LINKED) symlinkSync(join(REPOSITORY, name), join(copy, name));
  for (const row of rows) {
    const [what, file, right, wrong, group] = BREAKAGES[row - 1];
    if (!passed.has(group)) {
      // Once more, because a test may need more time than a busy machine gives it.
      const failure = findFailure(copy, group) && findFailure(copy, group);
      if (failure !== null) throw new Error(`the tests of ${group} fail without a breakage: ${failure}`);
      passed.add(group);
    }
    const path = join(copy, file);
    const source = readFileSync(path, 'utf8');
    if (source.split(right).length !== 2) throw new Error(`${file} does not contain once: ${right}`);
    writeFileSync(
      path,
      source.replace(right, () => wrong),
    );
    const title = findFailure(copy, group);
    writeFileSync(path, source);
    if (title === null) missed += 1;
    const finder = title === null ? '**nothing**' : group === 'known' ? 'simulator' : 'test';
    const line = `| ${row} | ${what} | ${file} | ${finder} | ${title ?? ''} |`;
    console.log(line);
    if (values.save) save(row, line);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(missed === 0 ? 'every breakage is found' : `${missed} breakages are not found`);
process.exitCode = missed === 0 ? 0 : 1;
