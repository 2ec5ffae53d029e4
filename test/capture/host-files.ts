/** System files of a fake host. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HostFiles } from '../../src/capture/host.js';
import { createTempDir } from '../support/temp-dir.js';

export function createHost(contents: Record<string, string>): HostFiles {
  const files = { root: createTempDir() };
  writeHostFiles(files, contents);
  return files;
}

export function writeHostFiles({ root }: HostFiles, contents: Record<string, string>): void {
  for (const [path, content] of Object.entries(contents)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}
