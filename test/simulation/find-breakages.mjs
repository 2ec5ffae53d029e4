/**
 * Shows that the simulator and the tests beside it find errors: makes one at a time in a temporary copy of the sources, runs the test that must
 * find it, and expects it to fail.
 *
 *     node test/simulation/find-breakages.mjs [number of the first breakage] [number of the last]
 */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '../..');
const COPIED = ['src', 'uploader', 'test', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
const NAMES_OF_TESTS = {
  journal: ['test/uploader/pipeline/journal/power-loss.test.ts'],
  lock: ['test/uploader/base/io/lock-file.test.ts'],
  record: ['test/format/record/record-codec.test.ts'],
  known: ['test/simulation/simulation.test.ts', '-t', 'breaks no invariant when'],
};

const SYNC_PARENTS = 'return parent === directory ? [directory] : [directory, ...withParents(parent)];';

/** What is broken, in which file, the right text and the wrong one, and what must find it: tests, or chaos from a seed. */
const BREAKAGES = [
  [
    'no sync of the directory after the rename of a journal snapshot',
    'uploader/pipeline/journal/journal-writer.ts',
    'await io.fileSystem.rename(temporaryPath, path);\n    await io.fileSystem.syncDirectory(paths.directory);',
    'await io.fileSystem.rename(temporaryPath, path);',
    'journal',
  ],
  [
    'a journal snapshot is not read back',
    'uploader/pipeline/journal/journal-writer.ts',
    'await this.#requireWhole(temporaryPath);',
    '',
    'journal',
  ],
  [
    'a journal snapshot is not synced',
    'uploader/pipeline/journal/journal-writer.ts',
    'await file.sync();\n    await this.#requireWhole',
    'await this.#requireWhole',
    'journal',
  ],
  [
    'no sync at rotation',
    'src/format/writer/event-file-writer.ts',
    'this.#closeFile(this.#options.fsync);',
    'this.#closeFile(false);',
    'known',
  ],
  [
    'the longest record is not checked',
    'src/format/record/record-codec.ts',
    "if (dataBytes > MAX_DATA_BYTES) throw new CorruptRecordError(fileOffset, 'length');",
    '',
    'record',
  ],
  [
    'the search for a header ends one byte early',
    'src/format/record/record-codec.ts',
    'at + HEADER_BYTES <= bytes.length; at++',
    'at + HEADER_BYTES < bytes.length; at++',
    'record',
  ],
  [
    'a copied run directory replaces the run in the store (da3cbc1)',
    'uploader/engine/context/run-owners.ts',
    'if (named !== null && !takesOver && !isSame(named)) {',
    'if (named === null && !takesOver) {',
    'known',
  ],
  [
    'a deleted event file is not restored (b8ea1a7)',
    'src/format/writer/event-file-writer.ts',
    'if (file?.restore === undefined) return;',
    'if (file?.restore !== undefined || file === undefined) return;',
    'known',
  ],
  [
    'a flush syncs only the directory of an event file (42e98e3)',
    'src/format/writer/disk-event-file.ts',
    SYNC_PARENTS,
    'return parent === directory ? [] : [directory];',
    'known',
  ],
  [
    'a sync that cannot list the root is complete (42e98e3)',
    'uploader/engine/build-report.ts',
    'if (reason !== null) {',
    'if (reason === undefined) {',
    'known',
  ],
  [
    'a root that cannot be read is an error without a code (42e98e3)',
    'uploader/run-directory/locate-runs.ts',
    'throw new NotARunError(path, messageOf(cause), { cause });\n  }\n}\n\nasync function findPlace',
    'throw cause;\n  }\n}\n\nasync function findPlace',
    'known',
  ],
  [
    'a lock of a clock that was ahead blocks the root (42e98e3)',
    'uploader/base/io/lock-file.ts',
    'return Math.abs(io.clock.wallTime() * 1000 - Number(mtimeNs / 1_000_000n)) > OTHER_HOST_STALE_MS;',
    'return io.clock.wallTime() * 1000 - Number(mtimeNs / 1_000_000n) > OTHER_HOST_STALE_MS;',
    'lock',
  ],
  [
    'a journal that cannot be read is an error without a code (77572b9)',
    'uploader/pipeline/journal/journal-files.ts',
    "throw new StateDirectoryError(paths.directory, 'read the journal', { cause });",
    'throw cause;',
    1,
  ],
  [
    'content that the store had is not kept (f026574)',
    'uploader/pipeline/commit/previous-versions.ts',
    'if (replaced.object.sizeBytes === 0) return',
    'if (replaced.object.sizeBytes >= 0) return',
    1,
  ],
  [
    'older bytes replace newer ones without a copy (f026574)',
    'uploader/pipeline/commit/send-file.ts',
    'if (target.keptBytes > 0) return',
    'if (target.keptBytes >= 0) return',
    1,
  ],
  [
    'half a record is stored while the run is written',
    'uploader/pipeline/commit/target.ts',
    'const sendsAll = isWhole || quiet >= RECORD_TIMEOUT_MS;',
    'const sendsAll = isWhole || quiet >= 0;',
    1,
  ],
  [
    'a conflict counts as stored',
    'uploader/store/base/commit-outcome.ts',
    "if (object.commitId !== commitId && !isTarget) return { status: 'conflict' };",
    '',
    1,
  ],
  [
    'mirror removes without a copy (d2f4f19)',
    'uploader/engine/mirror.ts',
    "const copy = store.capabilities.versioning === 'on' ? null : await this.#copy(id, run, object, signal);",
    'const copy = id < 0 ? await this.#copy(id, run, object, signal) : null;',
    1,
  ],
  [
    'an append to a directory as a store is not synced',
    'uploader/store/file/append.ts',
    'await file.write(bytes, start);\n  }\n  await file.sync();',
    'await file.write(bytes, start);\n  }',
    1,
  ],
  [
    'a new object of a directory as a store is not synced',
    'uploader/store/file/file-store.ts',
    '  await file.sync();\n  return crc;',
    '  return crc;',
    1,
  ],
  [
    'bytes that changed while they were read are stored',
    'uploader/store/base/commit-engine.ts',
    "if (body?.crc32 !== target.crc32) return { status: 'changed' };\n    const outcome: PutOutcome",
    "if (body === null) return { status: 'changed' };\n    const outcome: PutOutcome",
    1,
  ],
  ['a run file is not synced', 'src/base/atomic-file.ts', 'if (fsync) fsyncSync(fd);', '', 'known'],
];

const MAX_SEEDS = '1500';

function run(directory, test) {
  const env = { ...process.env, CI: '' };
  const command =
    typeof test === 'number'
      ? ['node', ['scripts/simulate.mjs', '--first-failure', '--seed', String(test), '--seeds', MAX_SEEDS]]
      : ['npx', ['vitest', 'run', '--maxWorkers=1', ...NAMES_OF_TESTS[test]]];
  const { status, stdout, stderr } = spawnSync(...command, { cwd: directory, env, encoding: 'utf8' });
  // A test that fails because nothing compiles has found nothing.
  const line = (stdout + stderr)
    .split('\n')
    .find((text) =>
      typeof test === 'number' ? text.startsWith('npm run simulate') : / FAIL |❯ .*✗|×/.test(text),
    );
  return { isFound: status !== 0 && line !== undefined, line };
}

const [first = 1, last = BREAKAGES.length] = process.argv.slice(2).map(Number);
const copy = mkdtempSync(join(tmpdir(), 'breakages-'));
let missed = 0;
try {
  for (const name of COPIED) cpSync(join(REPOSITORY, name), join(copy, name), { recursive: true });
  symlinkSync(join(REPOSITORY, 'node_modules'), join(copy, 'node_modules'));
  for (const [index, [what, file, right, wrong, test]] of BREAKAGES.entries()) {
    if (index + 1 < first || index + 1 > last) continue;
    const path = join(copy, file);
    const source = readFileSync(path, 'utf8');
    if (source.split(right).length !== 2) throw new Error(`${file} does not contain once: ${right}`);
    writeFileSync(
      path,
      source.replace(right, () => wrong),
    );
    const { isFound, line = '' } = run(copy, test);
    writeFileSync(path, source);
    if (!isFound) missed += 1;
    console.log(
      `${index + 1}. ${isFound ? 'found' : 'NOT FOUND'}: ${what}\n     ${line.trim().slice(0, 160)}`,
    );
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(missed === 0 ? 'every breakage is found' : `${missed} breakages are not found`);
process.exitCode = missed === 0 ? 0 : 1;
