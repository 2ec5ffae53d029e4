/**
 * Finds the event files below a directory, in bounded time: a working directory may contain a data set.
 */

import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { EVENT_FILE_MARK } from '../../../src/format/event-file-name.js';
import { RUN_FILE } from '../../../src/run-directory/layout.js';

/** More entries than training programs have beside their data. */
const MAX_ENTRIES = 100_000;
const SKIPPED: readonly string[] = ['node_modules', '__pycache__', 'site-packages'];

interface FoundEventFiles {
  /** In the order of their directories. */
  readonly files: readonly { readonly directory: string; readonly name: string }[];
  /** Whether there were too many entries. */
  readonly isCut: boolean;
}

/** Skips hidden directories, links, packages, the directory `ignored`, and run directories. Directories that cannot be read are skipped too. */
export async function findEventFiles(top: string, ignored: string): Promise<FoundEventFiles> {
  const files: { directory: string; name: string }[] = [];
  const waiting = [top];
  let entries = 0;
  for (let directory = waiting.shift(); directory !== undefined; directory = waiting.shift()) {
    const below: string[] = [];
    const names: string[] = [];
    let isRun = false;
    try {
      for await (const entry of await opendir(directory)) {
        entries++;
        if (entries > MAX_ENTRIES) return { files, isCut: true };
        if (entry.isDirectory() && !entry.name.startsWith('.') && !SKIPPED.includes(entry.name))
          below.push(join(directory, entry.name));
        else if (entry.isFile() && entry.name.includes(EVENT_FILE_MARK)) names.push(entry.name);
        isRun ||= entry.name === RUN_FILE;
      }
    } catch {
      continue; // It was removed meanwhile, or is not ours to read.
    }
    if (isRun) continue;
    for (const name of names.sort()) files.push({ directory, name });
    for (const path of below.sort()) if (path !== ignored) waiting.push(path);
  }
  return { files, isCut: false };
}
