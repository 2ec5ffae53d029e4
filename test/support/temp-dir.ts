import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

/** A new directory, removed when the test that made it has finished. */
export function createTempDir(): string {
  const directory = create();
  onTestFinished(() => remove(directory));
  return directory;
}

/** A new directory for all tests of a file, made in `beforeAll` and removed after the last of them. */
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
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}
