/**
 * Measures what the tests catch: changes the code in small ways (mutants), one at a time, and counts those that a test finds.
 *
 *     npm run mutation -- journal                           a random sample of 100 mutants of an area (areas.mjs)
 *     npm run mutation -- record --sample 1000 --seed 2     all mutants, if there are fewer
 *     npm run mutation -- --since origin/main --least 85    lines that have changed since a commit, in all areas; fails if the score is
 *                                                           surely below 85 %: the whole interval of 95 % is
 *
 * StrykerJS and the Node.js 22 that it needs are installed in .mutation/, because only this command needs them. Each result is a line in
 * .mutation/<area>.jsonl. Ctrl+C prints the score of the mutants tested so far.
 */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { parseArgs } from 'node:util';
import { AREAS } from './areas.mjs';

const REPOSITORY = join(import.meta.dirname, '../..');
const HOME = join(REPOSITORY, '.mutation');
const PACKAGES = join(HOME, 'node_modules/@stryker-mutator');
const VERSION = '10.1.1';
const NODE = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
const NODE_VERSION = '22.23.3';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    since: { type: 'string' },
    least: { type: 'string', default: '0' },
  },
});
const names = positionals.length === 0 && values.since !== undefined ? Object.keys(AREAS) : positionals;
if (names.length === 0 || names.some((name) => AREAS[name] === undefined))
  throw new Error(`Name an area: ${Object.keys(AREAS).join(', ')}`);

function install() {
  mkdirSync(HOME, { recursive: true });
  writeFileSync(join(HOME, 'package.json'), '{ "private": true }\n');
  const stryker = ['core', 'vitest-runner'].map((each) => `@stryker-mutator/${each}@${VERSION}`);
  const packages = [...stryker, `${NODE}@${NODE_VERSION}`];
  execFileSync('npm', ['install', '--ignore-scripts', '--legacy-peer-deps', ...packages], {
    cwd: HOME,
    stdio: 'inherit',
  });
  // The runner must use the Vitest of the tests.
  symlinkSync(join(REPOSITORY, 'node_modules/vitest'), join(HOME, 'node_modules/vitest'));
}

/** The changed lines of the area's sources, as StrykerJS takes them: `<path>:<first>-<last>`. */
function findChangedLines(commit, sources) {
  const diff = execFileSync('git', ['diff', '--unified=0', commit, '--', 'src', 'uploader'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  let path = '';
  const ranges = [];
  for (const line of diff.split('\n')) {
    if (line.startsWith('+++ ')) path = line.slice('+++ b/'.length);
    const hunk = /^@@ \S+ \+(\d+)(?:,(\d+))? @@/.exec(line);
    const count = Number(hunk?.[2] ?? 1);
    if (hunk === null || count === 0 || !sources.some((glob) => matchesGlob(path, glob))) continue;
    ranges.push(`${path}:${hunk[1]}-${Number(hunk[1]) + count - 1}`);
  }
  return ranges;
}

/** Prints the score, and returns the upper end of its interval in percent. */
function printScore(name, results) {
  const lines = readFileSync(results, 'utf8').trimEnd().split('\n');
  const mutants = lines.filter((line) => line !== '').map((line) => JSON.parse(line));
  const count = (...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length;
  const caught = count('Killed', 'Timeout');
  const tested = caught + count('Survived', 'NoCoverage');
  if (tested === 0) {
    console.log(`${name}: no mutant was tested`);
    return 100;
  }
  const score = caught / tested;
  // Wilson's interval of 95 %.
  const z = 1.96 ** 2 / tested;
  const middle = (score + z / 2) / (1 + z);
  const half = (1.96 * Math.sqrt((score * (1 - score)) / tested + z / tested / 4)) / (1 + z);
  const percent = (share) => (100 * share).toFixed(1);
  console.log(
    `${name}: ${caught} of ${tested} mutants caught, ${percent(score)} % (95 %: ${percent(middle - half)} to ${percent(middle + half)}), ` +
      `${count('Timeout')} of them by a time limit; ${mutants.length} mutants exist, ${count('Ignored')} of them run only while a module loads and are not counted`,
  );
  return 100 * (middle + half);
}

/** Returns whether the score of the area is high enough. */
async function measure(name) {
  const { sources, tests } = AREAS[name];
  const mutate = values.since === undefined ? sources : findChangedLines(values.since, sources);
  if (mutate.length === 0) {
    console.log(`${name}: no changed lines`);
    return true;
  }
  const results = join(HOME, `${name}.jsonl`);
  const config = {
    mutate,
    testRunner: 'vitest',
    vitest: { configFile: 'scripts/mutation/vitest.config.mjs', related: false },
    plugins: [join(PACKAGES, 'vitest-runner/dist/src/index.js'), join(import.meta.dirname, 'sample.mjs')],
    checkers: ['sample'],
    sample: { size: Number(values.sample), seed: values.seed, results },
    concurrency: 1,
    coverageAnalysis: 'perTest',
    ignoreStatic: true,
    tempDirName: join(HOME, `sandbox-${name}`),
    ignorePatterns: ['docs', 'bench', 'examples', 'build', '.mutation'],
    tsconfigFile: 'none',
    reporters: ['results'],
    timeoutMS: 60_000,
    dryRunTimeoutMinutes: 15,
    warnings: { unknownOptions: false },
  };
  const configFile = join(HOME, `${name}.config.json`);
  writeFileSync(configFile, JSON.stringify(config));
  const child = spawn(
    join(HOME, 'node_modules', NODE, 'bin/node'),
    [join(PACKAGES, 'core/bin/stryker.js'), 'run', configFile],
    { cwd: REPOSITORY, env: { ...process.env, MUTATION_TESTS: JSON.stringify(tests) }, stdio: 'inherit' },
  );
  // Ctrl+C ends StrykerJS, too.
  process.on('SIGINT', () => child.kill('SIGINT'));
  const [code] = await once(child, 'exit');
  const highest = printScore(name, results);
  if (code !== 0) process.exit(1);
  return highest >= Number(values.least);
}

if (!existsSync(join(HOME, 'node_modules', NODE))) install();
const failed = [];
for (const name of names) if (!(await measure(name))) failed.push(name);
if (failed.length > 0) {
  console.log(`The tests of these areas find fewer than ${values.least} %: ${failed.join(', ')}`);
  process.exitCode = 1;
}
