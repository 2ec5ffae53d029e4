/** A program starts to write at every step of a deletion: it finds the whole run, or the marker of a cleaned one. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Diagnostics } from '../../../../src/base/diagnostics.js';
import { Heartbeat } from '../../../../src/run-directory/heartbeat.js';
import type { FileSystem } from '../../../../uploader/base/io/file-system.js';
import { nodeIo } from '../../../../uploader/base/io/io.js';
import type { RelPath } from '../../../../uploader/base/rel-path.js';
import { type DeletedRun, deleteRun } from '../../../../uploader/operations/clean/delete-run.js';
import { RunActivity } from '../../../../uploader/run-directory/run-activity.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { makeRun, writeFiles } from '../../support/run-tree.js';

const FILES = { 'outputs/a.bin': 'a', 'outputs/deep/b.bin': 'b', 'outputs/c.bin': 'c' };
const HEARTBEAT = '.plx/heartbeat-main.json';
const END = '.plx/end-main.json';

interface Deletion {
  readonly run: string;
  readonly deleted: DeletedRun;
  readonly calls: number;
  /** Whether the program found a marker when it had started; undefined if it did not start. */
  readonly foundMarker: boolean | undefined;
  /** How many files were not yet deleted when the program started, except for one that was about to be: it had been checked before. */
  readonly owed: number;
}

/** Deletes a run. A program starts to write before call number `startAt` to the file system, counted from 0. */
async function deleteWhile(startAt: number): Promise<Deletion> {
  const run = makeRun(createTempDir(), { ...FILES, [HEARTBEAT]: '{}', [END]: '{}' });
  let calls = 0;
  let foundMarker: boolean | undefined;
  let owed = 0;
  let heartbeat: Heartbeat | undefined;
  const start = (next: string): void => {
    const isAside = readdirSync(join(run, '.plx')).some((name) => name.startsWith('aside-'));
    owed = countFiles(run) + (isAside && next !== 'unlink' ? 1 : 0);
    heartbeat = new Heartbeat(run, 'main', { intervalMs: 60_000, diagnostics: new Diagnostics() });
    foundMarker = existsSync(join(run, '.plx/cleaned.json'));
  };
  const fileSystem = Object.fromEntries(
    Object.entries(nodeIo.fileSystem).map(([name, call]) => [
      name,
      (...args: unknown[]) => {
        if (calls === startAt) start(name);
        calls += 1;
        return (call as (...all: unknown[]) => unknown)(...args);
      },
    ]),
  ) as unknown as FileSystem;
  const directory = Buffer.from(run);
  const files = await Promise.all(
    Object.keys(FILES).map(async (path) => {
      const localPath = Buffer.from(join(run, path));
      return {
        path: path as RelPath,
        localPath,
        version: await nodeIo.fileSystem.lstat(localPath),
        sha256: '',
      };
    }),
  );
  const activity = await RunActivity.open(nodeIo, directory);
  const deleted = await deleteRun(fileSystem, directory, {
    files,
    marker: {
      run: 'r',
      store: 's3://a',
      storeId: 's3://a',
      manifest: 'm',
      at: '2026-01-01T00:00:00Z',
      digests: [],
    },
    isAll: false,
    touched: new Set(),
    findObstacle: async () => ((await activity.hasChanged()) ? 'a program writes' : null),
    findDoubt: () => Promise.resolve(null),
  });
  heartbeat?.end({ status: 'failed', exit_code: 1, signal: null, reason: '', message: null, ended_at: '' });
  return { run, deleted, calls, foundMarker, owed };
}

function countFiles(run: string): number {
  return Object.keys(FILES).filter((path) => existsSync(join(run, path))).length;
}

describe('deleteRun', () => {
  it('F106: leaves the whole run, or a marker, to a program that starts at any step', async () => {
    const { calls, deleted } = await deleteWhile(Number.POSITIVE_INFINITY);
    expect(deleted).toMatchObject({ files: 3, failure: null });
    const seen = { whole: 0, marked: 0 };

    for (let startAt = 0; startAt < calls; startAt += 1) {
      const { run, deleted: some, foundMarker } = await deleteWhile(startAt);
      const left = countFiles(run);
      const isMarked = existsSync(join(run, '.plx/cleaned.json'));

      expect(left + some.files, `started before call ${startAt}`).toBe(3);
      if (left < 3)
        expect({ startAt, isMarked, foundMarker }).toEqual({ startAt, isMarked: true, foundMarker: true });
      else expect({ startAt, isMarked }).toEqual({ startAt, isMarked: false });
      seen[left === 3 ? 'whole' : 'marked'] += 1;
    }

    expect(seen.whole).toBeGreaterThan(3);
    expect(seen.marked).toBeGreaterThan(3);
  });

  it('F106: deletes no file once a program has started, not even one that is moved aside', async () => {
    const { calls } = await deleteWhile(Number.POSITIVE_INFINITY);

    for (let startAt = 0; startAt < calls; startAt += 1) {
      const { run, owed } = await deleteWhile(startAt);

      expect(countFiles(run), `started before call ${startAt}`).toBe(owed);
    }
  });

  it('F106: keeps the file of a program that takes the name while the file is moved aside', async () => {
    const run = makeRun(createTempDir(), FILES);
    const directory = Buffer.from(run);
    const localPath = Buffer.from(join(run, 'outputs/a.bin'));
    const version = await nodeIo.fileSystem.lstat(localPath);
    await nodeIo.fileSystem.makeDirectory(join(run, '.plx'), 0o755);

    const deleted = await deleteRun(nodeIo.fileSystem, directory, {
      files: [{ path: 'outputs/a.bin' as RelPath, localPath, version, sha256: '' }],
      marker: {
        run: 'r',
        store: 's3://a',
        storeId: 's3://a',
        manifest: 'm',
        at: '2026-01-01T00:00:00Z',
        digests: [],
      },
      isAll: false,
      touched: new Set(),
      findObstacle: () => Promise.resolve(null),
      findDoubt: async () => {
        writeFiles(run, { 'outputs/a.bin': 'newer' });
        return 'in doubt';
      },
    });

    expect(deleted.files).toBe(0);
    const [, aside = ''] = /its former content is in (\S+):/.exec(deleted.failure?.reason ?? '') ?? [];
    expect((await nodeIo.fileSystem.lstat(aside)).ino).toBe(version.ino);
    expect((await nodeIo.fileSystem.lstat(localPath)).sizeBytes).toBe(5);
  });
});
