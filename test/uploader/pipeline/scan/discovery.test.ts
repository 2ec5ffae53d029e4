import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../../../src/format/record/record-codec.js';
import { NotARunError } from '../../../../uploader/base/errors.js';
import type { ScannedRun } from '../../../../uploader/pipeline/inventory/scan-sink.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { makeRun, OTHER_RUN, RUN, writeFiles } from '../../support/run-tree.js';
import { createScanner, locateRuns as locate } from '../../support/scan.js';

describe('discovery of runs', () => {
  it('finds the runs of a root, and skips symlinks and other directories', async () => {
    const root = createTempDir();
    const other = makeRun(root, {}, OTHER_RUN);
    const run = makeRun(root);
    mkdirSync(join(root, 'runs', 'scratch'));
    writeFileSync(join(root, 'runs', 'notes.txt'), 'x');
    symlinkSync(run, join(root, 'runs', 'latest'));

    const located = await locate(root);

    expect(located.root).toBe(root);
    expect(located.runs).toEqual([
      [RUN, run],
      [OTHER_RUN, other],
    ]);
    expect(located.skipped).toEqual([
      { path: 'runs/latest', reason: 'symbolic-link' },
      { path: 'runs/notes.txt', reason: 'not-a-run' },
      { path: 'runs/scratch', reason: 'not-a-run' },
    ]);
  });

  it('keeps only the bytes of a path in memory, not a whole buffer of a pool', async () => {
    const root = createTempDir();
    makeRun(root);
    const { scanner, sink } = createScanner(root);
    await scanner.scanAll();

    const [{ directory }] = sink.runs as [ScannedRun];
    expect(directory.buffer.byteLength).toBe(directory.length);
  });

  it('uses the parent root for a run that is named directly', async () => {
    const root = createTempDir();
    const run = makeRun(root);

    expect(await locate(run)).toMatchObject({ root, runs: [[RUN, run]] });
  });

  it('recognises a run anywhere by the uuid in its run file', async () => {
    const directory = createTempDir();
    writeFiles(directory, { 'run.plx.json': JSON.stringify({ uuid: RUN }) });

    expect(await locate(directory)).toMatchObject({ root: directory, runs: [[RUN, directory]] });
  });

  it.each([
    ['absent', null],
    ['incomplete', '{"uuid":'],
    ['without a uuid', '{"name":"x"}'],
  ])('takes the uuid from the path when the run file is %s', async (_, content) => {
    const root = createTempDir();
    const run = join(root, 'runs', RUN);
    mkdirSync(run, { recursive: true });
    if (content !== null) writeFileSync(join(run, 'run.plx.json'), content);

    expect((await locate(run)).runs).toEqual([[RUN, run]]);
    expect((await locate(root)).runs).toEqual([[RUN, run]]);
  });

  it('prefers the uuid in the run file to the path, and reports a second directory of the same run', async () => {
    const root = createTempDir();
    const run = makeRun(root);
    writeFiles(join(root, 'runs', 'copy'), { 'run.plx.json': JSON.stringify({ uuid: RUN }) });

    const located = await locate(root);

    expect(located.runs).toEqual([[RUN, run]]);
    expect(located.problems).toMatchObject([{ code: 'ERR_RUN_DUPLICATE', path: 'runs/copy' }]);
  });

  it('does not read a run file through a symlink', async () => {
    const elsewhere = createTempDir();
    writeFiles(elsewhere, { 'run.plx.json': JSON.stringify({ uuid: OTHER_RUN }) });
    const directory = createTempDir();
    symlinkSync(join(elsewhere, 'run.plx.json'), join(directory, 'run.plx.json'));

    await expect(locate(directory)).rejects.toThrow('has no uuid of 32 hex digits');
  });

  it('reports a run file that is damaged, and takes nothing below it for another run', async () => {
    const root = createTempDir();
    makeRun(root);
    writeFiles(join(root, 'backup', 'renamed'), {
      'run.plx.json': '',
      'outputs/tensorboard/events.out.tfevents.1.host': encodeRecord(new Uint8Array(9)),
    });

    const located = await locate(root);

    expect(located.runs.map(([uuid]) => uuid)).toEqual([RUN]);
    expect(located.problems).toMatchObject([
      { code: 'ERR_FILE_UNREADABLE', path: 'backup/renamed/run.plx.json' },
    ]);
  });

  it('follows a symlink that the user names', async () => {
    const root = createTempDir();
    makeRun(root);
    const link = join(createTempDir(), 'link');
    symlinkSync(root, link);

    expect((await locate(link)).root).toBe(root);
  });

  it.each([
    ['an empty directory', (directory: string) => directory, 'neither run.plx.json nor runs/'],
    [
      'a path that does not exist',
      (directory: string) => join(directory, 'nothing'),
      'the directory does not exist',
    ],
    [
      'a file',
      (directory: string) => {
        writeFileSync(join(directory, 'file'), 'x');
        return join(directory, 'file');
      },
      'is not a directory',
    ],
    [
      'a run file with an invalid uuid',
      (directory: string) => {
        writeFileSync(join(directory, 'run.plx.json'), '{"uuid":"../../etc"}');
        return directory;
      },
      'has no uuid',
    ],
  ])('rejects %s', async (_, prepare, message) => {
    const path = prepare(createTempDir());

    await expect(locate(path)).rejects.toThrow(NotARunError);
    await expect(locate(path)).rejects.toThrow(message);
  });
});
