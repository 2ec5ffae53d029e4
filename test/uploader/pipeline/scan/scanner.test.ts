import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SummaryWriter } from '../../../../src/index.js';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { EVENT_FILE, makeRun, writeFiles } from '../../support/run-tree.js';
import { createScanner, type Snapshot, scanRun as scan } from '../../support/scan.js';
import { systemError, wrapFileSystem } from '../../support/wrapped-file-system.js';

const pathsOf = ({ files }: Snapshot): string[] => files.map(({ relPath }) => relPath);

describe('Scanner: one run', () => {
  it('finds all files of a run with size and timestamps in nanoseconds', async () => {
    const run = makeRun(createTempDir(), {
      [EVENT_FILE]: 'events',
      'outputs/a/b/c/deep.txt': 'x',
      empty: '',
    });

    const snapshot = await scan(run);

    expect(pathsOf(snapshot)).toEqual([
      'empty',
      'lineages.plx.json',
      'outputs/a/b/c/deep.txt',
      EVENT_FILE,
      'run.plx.json',
    ]);
    const stat = await nodeFileSystem.lstat(join(run, EVENT_FILE));
    expect(snapshot.files[3]).toEqual({
      relPath: EVENT_FILE,
      sizeBytes: 6,
      mtimeNs: stat.mtimeNs,
      ctimeNs: stat.ctimeNs,
      ino: stat.ino,
    });
    expect(snapshot.skipped).toEqual([]);
    expect(snapshot.problems).toEqual([]);
  });

  it('reports symlinks without following them: to a file, a directory, nothing, itself, its own run', async () => {
    const outside = createTempDir();
    writeFiles(outside, { 'secret.txt': 'secret', 'directory/secret.txt': 'secret' });
    const run = makeRun(createTempDir());
    mkdirSync(join(run, 'outputs'));
    symlinkSync(join(outside, 'secret.txt'), join(run, 'outputs/to-file'));
    symlinkSync(join(outside, 'directory'), join(run, 'outputs/to-directory'));
    symlinkSync('/nowhere', join(run, 'outputs/to-nowhere'));
    symlinkSync('to-itself', join(run, 'outputs/to-itself'));
    symlinkSync('..', join(run, 'outputs/to-run'));

    const snapshot = await scan(run);

    expect(pathsOf(snapshot)).toEqual(['lineages.plx.json', 'run.plx.json']);
    expect(snapshot.skipped.map(({ path, reason }) => `${path} ${reason}`).sort()).toEqual([
      'outputs/to-directory symbolic-link',
      'outputs/to-file symbolic-link',
      'outputs/to-itself symbolic-link',
      'outputs/to-nowhere symbolic-link',
      'outputs/to-run symbolic-link',
    ]);
  });

  it('reports FIFOs and sockets without opening them, and sends both names of a hard link', async () => {
    const run = makeRun(createTempDir(), { 'outputs/file': 'x' });
    execFileSync('mkfifo', [join(run, 'outputs/fifo')]);
    linkSync(join(run, 'outputs/file'), join(run, 'outputs/second-name'));
    const server = createServer().listen(join(run, 'outputs/socket'));
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));

    const snapshot = await scan(run);

    expect(pathsOf(snapshot)).toContain('outputs/second-name');
    expect(snapshot.skipped.map(({ path, reason }) => `${path} ${reason}`).sort()).toEqual([
      'outputs/fifo not-regular',
      'outputs/socket not-regular',
    ]);
  });

  it('excludes unfinished files, the reserved directory, and files and directories of tools or with secret-like names', async () => {
    const run = makeRun(createTempDir(), {
      'outputs/model.bin.partial': 'x',
      'outputs/.plx/lease.json': 'x',
      'outputs/.git/config': 'x',
      'outputs/.env': 'x',
      'outputs/.aws/credentials': 'x',
    });

    const snapshot = await scan(run);

    expect(pathsOf(snapshot)).toEqual(['lineages.plx.json', 'run.plx.json']);
    expect(snapshot.skipped.map(({ path, reason }) => `${path} ${reason}`).sort()).toEqual([
      'outputs/.aws secret-shape',
      'outputs/.env secret-shape',
      'outputs/.git tool',
      'outputs/.plx reserved',
      'outputs/model.bin.partial unfinished',
    ]);
  });

  it("excludes polytrack's own files without reporting them", async () => {
    const logs = createTempDir();
    const root = join(logs, 'plx-runs');
    const run = makeRun(root, {
      '.plx/heartbeat-main.json': 'x',
      'run.plx.json.partial': 'x',
      'lineages.plx.json.partial': 'x',
    });
    for (const links of [`${root}-tensorboard`, join(root, 'tensorboard')]) {
      mkdirSync(links);
      for (const name of ['run-00000000', 'of the user']) symlinkSync(run, join(links, name));
    }
    // Event files of another writer make all directories around the root a run, too.
    const writer = new SummaryWriter(logs);
    writer.addScalar('loss', 1, 0);
    await writer.close();

    const snapshot = await scan(logs);

    expect(
      pathsOf(snapshot)
        .map((path) => basename(path))
        .sort(),
    ).toEqual([basename(writer.currentFile!), 'lineages.plx.json', 'run.plx.json']);
    expect(snapshot.skipped.map(({ path, reason }) => `${path} ${reason}`)).toEqual([
      'outputs/tensorboard/plx-runs-tensorboard/of the user symbolic-link',
      'outputs/tensorboard/plx-runs/tensorboard/of the user symbolic-link',
    ]);
  });

  it('encodes names with newlines, percent signs and invalid UTF-8 to distinct keys', async () => {
    const run = makeRun(createTempDir());
    const names = ['line\nbreak', 'line%0Abreak', 'é', 'e\u0301'].map((name) => Buffer.from(name));
    for (const name of [...names, Buffer.from([0x78, 0xff])])
      writeFileSync(Buffer.concat([Buffer.from(`${run}/`), name]), 'x');

    const snapshot = await scan(run);

    expect(new Set(pathsOf(snapshot))).toEqual(
      new Set([
        'line%0Abreak',
        'line%250Abreak',
        'é',
        'e\u0301',
        'x%FF',
        'lineages.plx.json',
        'run.plx.json',
      ]),
    );
  });

  it('reports a problem for a name that is too long after encoding', async () => {
    const run = makeRun(createTempDir(), { ['%'.repeat(100)]: 'x' });

    const snapshot = await scan(run);

    expect(snapshot.problems).toMatchObject([{ code: 'ERR_NAME_TOO_LONG', path: '%25'.repeat(100) }]);
    expect(pathsOf(snapshot)).toEqual(['lineages.plx.json', 'run.plx.json']);
  });

  it('scans a tree that is 400 directories deep', async () => {
    const deep = Array.from({ length: 400 }, () => 'd').join('/');
    const run = makeRun(createTempDir(), { [`${deep}/file`]: 'x' });

    expect(pathsOf(await scan(run))[0]).toBe(`${deep}/file`);
  });

  it('reports a directory that cannot be listed and scans the others', async () => {
    const run = makeRun(createTempDir(), { 'closed/a': 'x', 'open/b': 'x' });
    const fileSystem = wrapFileSystem({
      readDirectory: (path) =>
        path.toString().endsWith('/closed')
          ? Promise.reject(systemError('EACCES'))
          : nodeFileSystem.readDirectory(path),
    });

    const snapshot = await scan(run, fileSystem);

    expect(pathsOf(snapshot)).toContain('open/b');
    expect(snapshot.problems).toMatchObject([{ code: 'ERR_FILE_UNREADABLE', path: 'closed' }]);
  });

  it('has not seen a root that could not be listed, and visits it as soon as it can', async () => {
    const root = createTempDir();
    makeRun(root, { 'outputs/b': 'x' });
    let failing = 0;
    const fileSystem = wrapFileSystem({
      readDirectory: (path) => {
        if (path.toString() === root && failing-- === 1) return Promise.reject(systemError('EIO'));
        return nodeFileSystem.readDirectory(path);
      },
    });
    const { scanner, sink, rootWatch } = createScanner(root, { fileSystem });
    failing = 2; // the check before the scan succeeds, and that of the visit fails
    await scanner.scanAll();
    expect(sink.runs).toEqual([]);
    expect(rootWatch.unavailableReason).toContain('EIO');

    expect(await rootWatch.isThere()).toBe(true);
    expect(scanner.hasSeenAll).toBe(false);
    await scanner.scanLate();

    expect(scanner.hasSeenAll).toBe(true);
    expect(sink.runs).toHaveLength(1);
  });

  it('ignores a file or directory that is deleted during the scan', async () => {
    const run = makeRun(createTempDir(), { 'gone/a': 'x', 'outputs/b': 'x' });
    const gone = /\/gone$|\/b$/;
    const fileSystem = wrapFileSystem({
      readDirectory: (path) =>
        gone.test(path.toString())
          ? Promise.reject(systemError('ENOENT'))
          : nodeFileSystem.readDirectory(path),
      lstatAll: async (paths) => {
        const stats = await nodeFileSystem.lstatAll(paths);
        return stats.map((stat, index) =>
          paths[index]!.toString().endsWith('/b') ? systemError('ENOENT') : stat,
        );
      },
    });

    const snapshot = await scan(run, fileSystem);

    expect(pathsOf(snapshot)).toEqual(['lineages.plx.json', 'run.plx.json']);
    expect(snapshot.problems).toEqual([]);
  });

  it('reports a run directory that does not exist', async () => {
    expect((await scan('/nowhere/at/all')).problems).toMatchObject([
      { code: 'ERR_FILE_UNREADABLE', path: '.' },
    ]);
  });
});
