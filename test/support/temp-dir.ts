import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

/** Creates a directory that is removed when the test has finished. */
export function createTempDir(): string {
  const directory = create();
  onTestFinished(() => remove(directory));
  return directory;
}

/** Creates a directory for all tests of a file, in `beforeAll`; it is removed after the last test. */
export function createSharedTempDir(): string {
  const directory = create();
  shared.push(directory);
  return directory;
}

const shared: string[] = [];
afterAll(() => {
  for (const directory of shared.splice(0)) remove(directory);
});

function create(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'polytrack-test-')));
}

function remove(directory: string): void {
  // A run whose root is the directory has a link beside it.
  for (const path of [directory, `${directory}-tensorboard`])
    rmSync(path, { recursive: true, force: true, maxRetries: 10 });
}
