// A dry run of the release, from fresh clones of the last commit: `npm run release-check`, with `-- --tag v0.1.0` for a tag, and with `-- --no-site` without
// the documentation site, which needs the registry.
//
//   1. The tarball is the same, byte by byte, from two directories.
//   2. package.json has what provenance and the registry need.
//   3. The public API is that of docs/api.
//   4. CHANGELOG.md has a section for the version; with a tag, one with a date.
//   5. The documentation site can be built.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProblems } from './release-facts.mjs';

const repository = fileURLToPath(new URL('..', import.meta.url));
const tag = process.argv.includes('--tag') ? process.argv[process.argv.indexOf('--tag') + 1] : undefined;
const hasSite = !process.argv.includes('--no-site');
const home = mkdtempSync(join(tmpdir(), 'polytrack-release-'));
try {
  const packed = ['a', 'another-directory'].map((name) => pack(join(home, name)));
  const [{ hash, clone }] = packed;
  report(
    'tarball reproducible',
    packed.every((each) => each.hash === hash),
    `sha256 ${hash}`,
  );
  const read = (path) => readFileSync(join(clone, path), 'utf8');
  const problems = findProblems(JSON.parse(read('package.json')), read('CHANGELOG.md'), tag);
  report('package.json and CHANGELOG.md', problems.length === 0, problems.join('; '));
  report('public API', succeeds(clone, process.execPath, ['scripts/api-report.mjs', '--check']));
  if (hasSite) report('documentation site', succeeds(clone, 'npm', ['run', 'site']));
} finally {
  rmSync(home, { recursive: true, force: true });
}

/** Packs a fresh clone. Its modules are those of this repository. */
function pack(clone) {
  execFileSync('git', ['clone', '--quiet', repository, clone]);
  symlinkSync(join(repository, 'node_modules'), join(clone, 'node_modules'));
  run(clone, 'npm', ['run', 'build']);
  run(clone, 'npm', ['pack', '--ignore-scripts']);
  const name = readdirSync(clone).find((each) => each.endsWith('.tgz'));
  return {
    clone,
    hash: createHash('sha256')
      .update(readFileSync(join(clone, name)))
      .digest('hex'),
  };
}

function run(cwd, command, args) {
  execFileSync(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
}

function succeeds(cwd, command, args) {
  try {
    run(cwd, command, args);
    return true;
  } catch (error) {
    console.error(String(error.stderr));
    return false;
  }
}

function report(what, isGood, detail = '') {
  console.log(`${isGood ? 'ok' : 'FAILS'}  ${what}${detail === '' ? '' : `: ${detail}`}`);
  if (!isGood) process.exitCode = 1;
}
