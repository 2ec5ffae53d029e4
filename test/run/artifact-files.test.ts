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
  it('lists the files of a directory in order, with their size together', async () => {
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
  ])('refuses a directory of too many %s, and names it', async (_what, limits) => {
    const directory = createTree();

    await expect(inspectArtifact(directory, '/run', limits)).rejects.toMatchObject({
      code: 'ERR_ARTIFACT_TOO_LARGE',
      message: `${directory} has more than ${limits.files} files or ${limits.bytes} bytes`,
      hint: expect.stringContaining('logDirRef'),
    });
  });

  it('leaves out what is no regular file, and waits for none', async () => {
    const directory = createTree();
    execFileSync('mkfifo', [join(directory, 'pipe')]);

    expect((await inspectArtifact(directory, '/run')).leftOut).toEqual(['pipe']);
  });

  it.each([
    ['a directory that holds the run', (directory: string) => [directory, join(directory, 'runs/1')]],
    ['the run itself', (directory: string) => [directory, directory]],
    [
      'a pipe',
      (directory: string) => {
        execFileSync('mkfifo', [join(directory, 'pipe')]);
        return [join(directory, 'pipe'), '/run'];
      },
    ],
    ['an empty path', () => ['', '/run']],
  ])('refuses %s', async (_what, prepare) => {
    const [path = '', run = ''] = prepare(createTree());

    await expect(inspectArtifact(path, run)).rejects.toMatchObject({ code: 'ERR_ARTIFACT_INVALID' });
  });
});
