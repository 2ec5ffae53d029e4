import { execFileSync } from 'node:child_process';
import fs, { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { copyToFreePath, inspectArtifact } from '../../src/run/artifact-files.js';
import { createTempDir } from '../support/temp-dir.js';

function createTree(): string {
  const directory = createTempDir();
  mkdirSync(join(directory, 'b/c'), { recursive: true });
  for (const name of ['z', 'b/y', 'b/c/x']) writeFileSync(join(directory, name), '12345');
  return directory;
}

describe('inspectArtifact', () => {
  it('lists the files of a directory in sorted order, with their total size', async () => {
    const directory = createTree();

    expect(await inspectArtifact(directory, '/run')).toEqual({
      path: directory,
      isDirectory: true,
      sizeBytes: 15,
      files: ['b/c/x', 'b/y', 'z'],
      leftOut: [],
    });
  });

  it.each([
    ['files', { files: 2, bytes: 100 }],
    ['bytes', { files: 100, bytes: 14 }],
  ])('rejects a directory with too many %s, and names the directory', async (_what, limits) => {
    const directory = createTree();

    await expect(inspectArtifact(directory, '/run', limits)).rejects.toMatchObject({
      code: 'ERR_ARTIFACT_TOO_LARGE',
      message: `${directory} has more than ${limits.files} files or ${limits.bytes} bytes`,
      hint: expect.stringContaining('logDirRef'),
    });
  });

  it('skips special files without waiting for them', async () => {
    const directory = createTree();
    execFileSync('mkfifo', [join(directory, 'pipe')]);

    expect((await inspectArtifact(directory, '/run')).leftOut).toEqual(['pipe']);
  });

  it.each([
    ['a directory that contains the run', (directory: string) => [directory, join(directory, 'runs/1')]],
    ['the run directory', (directory: string) => [directory, directory]],
    [
      'a pipe',
      (directory: string) => {
        execFileSync('mkfifo', [join(directory, 'pipe')]);
        return [join(directory, 'pipe'), '/run'];
      },
    ],
    ['an empty path', () => ['', '/run']],
  ])('rejects %s', async (_what, prepare) => {
    const [path = '', run = ''] = prepare(createTree());

    await expect(inspectArtifact(path, run)).rejects.toMatchObject({ code: 'ERR_ARTIFACT_INVALID' });
  });
});

describe('copyToFreePath', () => {
  it.each(['with', 'without'])(
    'F73: gives each of many simultaneous copies its own name, %s hard links',
    async (links) => {
      if (links === 'without') {
        const { link } = fs.promises;
        fs.promises.link = () => Promise.reject(Object.assign(new Error('EPERM'), { code: 'EPERM' }));
        syncBuiltinESMExports();
        onTestFinished(() => {
          fs.promises.link = link;
          syncBuiltinESMExports();
        });
      }
      const source = createTempDir();
      const assets = join(createTempDir(), 'assets');
      for (let i = 0; i < 12; i++) {
        mkdirSync(join(source, `${i}/directory`), { recursive: true });
        for (const name of ['model', 'directory/part']) writeFileSync(join(source, `${i}/${name}`), `${i}`);
      }

      // Files and directories of the same name, as from several methods and processes.
      const paths = await Promise.all(
        Array.from({ length: 12 }, async (_, i) => {
          const kind = i % 2 === 0 ? 'model' : 'directory';
          const artifact = await inspectArtifact(join(source, `${i}/${kind}`), '/run');
          return copyToFreePath(artifact, assets, 'model_1', '.bin');
        }),
      );

      expect(new Set(paths).size).toBe(12);
      expect(readdirSync(assets).sort()).toEqual(paths.map((path) => path.slice(assets.length + 1)).sort());
      const contents = paths.map((path, i) => readFileSync(i % 2 === 0 ? path : join(path, 'part'), 'utf8'));
      expect(contents).toEqual(paths.map((_, i) => `${i}`));
    },
  );
});
