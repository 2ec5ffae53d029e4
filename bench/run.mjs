// Runs the benchmarks of polytrack, its peers and the theoretical floor side by side, in several rounds.
//
//   npm run bench                              all benchmarks
//   npm run bench -- scalars reading           only the named benchmarks
//   npm run bench -- --rounds 3 --out a.json   another number of rounds, another output file
//
// Each contestant of each round is a separate process. Peers are installed on first use, at the versions that scripts/peers.mjs pins. Prints a
// table for each benchmark, and writes all measurements to .bench/results.json. docs/performance.md describes the method.

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runContest } from './support/contest.mjs';
import { formatContest } from './support/table.mjs';

const repository = fileURLToPath(new URL('..', import.meta.url));
const SUITE = fileURLToPath(new URL('suite/', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    out: { type: 'string', default: join(repository, '.bench', 'results.json') },
    'no-peers': { type: 'boolean', default: false },
  },
});
const suites = await loadSuites(positionals);
if (!existsSync(join(repository, 'dist', 'src', 'index.js')))
  throw new Error('dist/ does not exist; run npm run build');
setUpPeers(suites);

const directory = mkdtempSync(join(tmpdir(), 'polytrack-bench-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const results = { machine: describeMachine(), contests: [] };
for (const suite of suites) {
  const rounds = Number(values.rounds ?? suite.rounds ?? 3);
  const contest = await runContest(suite, { rounds, directory, hasPeers: !values['no-peers'] });
  results.contests.push(contest);
  console.log(formatContest(contest));
}
results.machine.loadAtEnd = loadavg().map((load) => Number(load.toFixed(2)));
mkdirSync(dirname(values.out), { recursive: true });
writeFileSync(values.out, `${JSON.stringify(results, undefined, 1)}\n`);
console.error(`wrote ${values.out}`);

/** Loads the benchmarks with these names, or all. A benchmark is the export `suite` of `suite/<name>.mjs`. */
async function loadSuites(names) {
  const known = readdirSync(SUITE)
    .filter((file) => file.endsWith('.mjs'))
    .map((file) => file.slice(0, -'.mjs'.length));
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`unknown benchmarks: ${unknown.join(', ')}; expected some of ${known.join(', ')}`);
  const wanted = names.length === 0 ? known : names;
  return Promise.all(
    wanted.map(async (name) => {
      const { suite } = await import(`./suite/${name}.mjs`);
      return { name, ...suite };
    }),
  );
}

/** Installs the peers. The table marks peers that cannot be installed. `needs` names programs that all contestants use, so --no-peers keeps them. */
function setUpPeers(wanted) {
  const peers = new Set(wanted.flatMap(({ needs = [] }) => needs));
  if (!values['no-peers'])
    for (const { contestants } of wanted) for (const { peer } of contestants) peers.add(peer);
  peers.delete(undefined);
  if (peers.size === 0) return;
  const args = [join(repository, 'scripts', 'peers.mjs'), '--if-possible', '--only', [...peers].join(',')];
  spawnSync(process.execPath, args, { stdio: ['ignore', 2, 2] });
}

function describeMachine() {
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  return {
    polytrack: version,
    node: process.version,
    processor: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${process.platform} ${release()}`,
    loadAtStart: loadavg().map((load) => Number(load.toFixed(2))),
  };
}
