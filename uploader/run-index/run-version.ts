/** The version of what a row of the index is derived from: the run file, and the sizes of the event files. Pure. */

import { createHash } from 'node:crypto';
import { isEventFileName } from '../../src/format/event-file-name.js';
import { TENSORBOARD_DIRECTORY } from '../../src/run-directory/layout.js';

/** `runFileEtag`: of the stored run file. `files`: paths and sizes of stored files, each with the segments that follow its object; others than event files are ignored. */
export function toRunVersion(
  runFileEtag: string,
  files: Iterable<{ readonly path: string; readonly sizeBytes: number }>,
): string {
  const lines: string[] = [];
  for (const { path, sizeBytes } of files) if (isIndexedFile(path)) lines.push(`${path}\0${sizeBytes}\n`);
  const hash = createHash('sha256').update(`${runFileEtag}\n`);
  for (const line of lines.sort()) hash.update(line);
  return hash.digest('hex').slice(0, 32);
}

/** Whether a file is one of the event files from which the metrics of a row are read. */
export function isIndexedFile(path: string): boolean {
  return (
    path.startsWith(`${TENSORBOARD_DIRECTORY}/`) && isEventFileName(path.slice(path.lastIndexOf('/') + 1))
  );
}
