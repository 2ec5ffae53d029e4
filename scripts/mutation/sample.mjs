/** Plugins of StrykerJS: a random sample of the mutants, and a record of each as soon as it is tested, so that an interrupted run has a result. */

import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';

/** The sample: the mutants with the smallest hash of seed, place and replacement. */
class Sample {
  static inject = ['options'];
  #options;
  #sampled = new Set();

  constructor(options) {
    this.#options = options.sample;
  }

  async init() {}

  /** Receives all mutants at once. */
  group(mutants) {
    const ranked = mutants.map(({ id, ...mutant }) => ({ id, rank: this.#rank(mutant) }));
    ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
    this.#sampled = new Set(ranked.slice(0, this.#options.size).map(({ id }) => id));
    return [mutants.map(({ id }) => id)];
  }

  /** StrykerJS leaves out of the score what does not compile. */
  async check(mutants) {
    const results = mutants.map(({ id }) => [
      id,
      this.#sampled.has(id) ? { status: 'passed' } : { status: 'compileError', reason: 'not in the sample' },
    ]);
    return Object.fromEntries(results);
  }

  #rank({ fileName, location, replacement }) {
    return createHash('sha1')
      .update(JSON.stringify([this.#options.seed, toPath(fileName), location, replacement]))
      .digest('hex');
  }
}

/** Appends a line of JSON for each mutant, and prints those that no test finds. */
class Results {
  static inject = ['options'];
  #path;
  #caught = 0;
  #tested = 0;

  constructor(options) {
    this.#path = options.sample.results;
    writeFileSync(this.#path, '');
  }

  onMutantTested({ fileName, location, status, replacement, mutatorName }) {
    const path = toPath(fileName);
    const { line, column } = location.start;
    appendFileSync(
      this.#path,
      `${JSON.stringify({ path, line, column, status, mutatorName, replacement })}\n`,
    );
    const isCaught = status === 'Killed' || status === 'Timeout';
    if (!isCaught && status !== 'Survived' && status !== 'NoCoverage') return;
    this.#tested += 1;
    if (isCaught) this.#caught += 1;
    console.log(`${this.#caught} of ${this.#tested} caught; ${status} ${path}:${line}:${column}`);
    if (isCaught) return;
    const [changed, ...more] = readRange(fileName, location).split('\n');
    const rest = more.length === 0 ? '' : ' …';
    console.log(`    ${readFileSync(fileName, 'utf8').split('\n')[line - 1].trim()}`);
    console.log(`    ${changed}${rest} → ${replacement.split('\n')[0]}`);
  }
}

function readRange(fileName, { start, end }) {
  const lines = readFileSync(fileName, 'utf8')
    .split('\n')
    .slice(start.line - 1, end.line);
  lines[lines.length - 1] = lines.at(-1).slice(0, end.column - 1);
  lines[0] = lines[0].slice(start.column - 1);
  return lines.join('\n');
}

function toPath(fileName) {
  return fileName.replace(/^.*?\/(src|uploader)\//, '$1/');
}

export const strykerPlugins = [
  { kind: 'Checker', name: 'sample', injectableClass: Sample },
  { kind: 'Reporter', name: 'results', injectableClass: Results },
];
