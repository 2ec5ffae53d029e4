/**
 * Finds the event files below a log directory. As in TensorBoard, a run is a directory with files whose name contains
 * `tfevents`. Event files that are hidden from TensorBoard are listed too.
 *
 * Follows links to directories, but visits each directory once.
 * Source: tensorboard/backend/event_processing/io_wrapper.py.
 */

import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isEventFileName } from '../event-file-name.js';

/** The event files of one directory. */
export interface RunFiles {
  /** The path relative to the log directory, with `/`; `.` for the log directory itself. */
  readonly run: string;
  readonly directory: string;
  /** The file names, in read order. */
  readonly files: readonly string[];
}

/** The runs below `path`, sorted by name. If `path` is a file, only that file. Throws the file system's error. */
export async function listEventFiles(path: string): Promise<RunFiles[]> {
  if (!(await stat(path)).isDirectory()) {
    return [{ run: '.', directory: dirname(path), files: [basename(path)] }];
  }
  const runs: RunFiles[] = [];
  await walk(path, '.', new Set(), runs);
  return runs.sort((a, b) => (a.run < b.run ? -1 : 1));
}

async function walk(directory: string, run: string, seen: Set<string>, runs: RunFiles[]): Promise<void> {
  const real = await realpath(directory);
  if (seen.has(real)) return;
  seen.add(real);
  const files: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    // Ignore a link whose target does not exist.
    const target = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
    if (target?.isDirectory())
      await walk(path, run === '.' ? entry.name : `${run}/${entry.name}`, seen, runs);
    else if (target?.isFile() && isEventFileName(entry.name)) files.push(entry.name);
  }
  if (files.length > 0) runs.push({ run, directory, files: files.sort() });
}
