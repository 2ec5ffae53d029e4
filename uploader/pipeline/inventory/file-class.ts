/** Classifies a file by its path and name: how it grows, and how urgent it is. */

import { isEventFileName } from '../../../src/format/event-file-name.js';
import { LINEAGE_FILE, LOGS_DIRECTORY, RUN_FILE } from '../../../src/run-directory/layout.js';

/**
 * `event`: appended records of TensorBoard. `append`: appended lines of Polyaxon events. `log`: appended text that is sometimes
 * truncated and restarted. `artifact`: any other file; treated as written at once until it is seen to grow.
 */
export type FileClass = 'event' | 'log' | 'append' | 'artifact';

const LOG_NAME = /\.(log|out|err)(\.\d+)?$/i;

export function toFileClass(relPath: string): FileClass {
  const name = relPath.slice(relPath.lastIndexOf('/') + 1);
  if (isEventFileName(name)) return 'event';
  if (name.endsWith('.plx')) return 'append';
  return relPath.startsWith(`${LOGS_DIRECTORY}/`) || LOG_NAME.test(name) ? 'log' : 'artifact';
}

/** 0: files of the run; 1: the lineage file, which names them; 2: the run file. A phase waits for the earlier ones of its run. */
export type Phase = 0 | 1 | 2;

export function toPhase(relPath: string): Phase {
  if (relPath === RUN_FILE) return 2;
  return relPath === LINEAGE_FILE ? 1 : 0;
}
