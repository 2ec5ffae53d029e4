import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectArtifact } from '../../src/run/artifact-files.js';
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
