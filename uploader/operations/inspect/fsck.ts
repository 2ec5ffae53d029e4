/**
 * Finds problems in event files, and says how each of TensorBoard's two readers handles them.
 *
 * Source of the effects: TensorBoard 2.21.0 and its data server 0.7.2, each observed on damaged files.
 */

import { basename, join } from 'node:path';
import { EVENT_FILE_MARK, isHiddenFileName } from '../../../src/format/event-file-name.js';
import type { ReadEvent } from '../../../src/format/reader/event-file-reader.js';
import { listEventFiles } from '../../../src/format/reader/list-event-files.js';
import { type Damage, scanFile } from './scan-file.js';

type ProblemKind = Damage['part'] | 'tail' | 'wallTime' | 'noFileVersion' | 'directoryName';

interface Problem {
  readonly kind: ProblemKind;
  /** The offset of the first affected byte. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Describes each problem, and how TensorBoard's fast reader (`rust`) and its Python reader handle it. */
export const PROBLEM_TEXTS: Readonly<
  Record<ProblemKind, { readonly what: string; readonly rust: string; readonly python: string }>
> = {
  tail: {
    what: 'the file ends in the middle of a record',
    rust: 'waits for the rest',
    python: 'waits for the rest',
  },
  torn: {
    what: 'a record is cut short, and other records follow it',
    rust: 'stops here: the rest of this file is not shown',
    python: 'stops here: the rest of this file is not shown',
  },
  length: {
    what: 'the CRC of a record length does not match',
    rust: 'stops here with a warning: the rest of this file is not shown',
    python: 'stops here: the rest of this file is not shown',
  },
  data: {
    what: 'the CRC of a record does not match',
    rust: 'shows the record with its changed values, or stops here if the record cannot be parsed',
    python: 'stops here: the rest of this file is not shown',
  },
  event: {
    what: 'a record does not contain an event',
    rust: 'stops here with a warning: the rest of this file is not shown',
    python: 'stops loading: no run is updated until TensorBoard is restarted',
  },
  wallTime: {
    what: 'a wall time is not finite',
    rust: 'drops the event, or stops here if the wall time is NaN',
    python: 'shows the event',
  },
  noFileVersion: {
    what: 'the file does not begin with a file version',
    rust: 'shows the file',
    python: 'removes points whenever a step is smaller than the previous one',
  },
  directoryName: {
    what: `the name of the directory contains "${EVENT_FILE_MARK}"`,
    rust: 'shows the files',
    python: 'treats the directory as a file: the list of runs stays empty',
  },
};

export interface FileCheck {
  readonly run: string;
  readonly path: string;
  /** Whether TensorBoard ignores the file. */
  readonly isHidden: boolean;
  readonly records: number;
  readonly problems: readonly Problem[];
}

/** Checks a file, or all event files below a directory. Throws the error of the file system. */
export async function checkFiles(path: string, signal?: AbortSignal): Promise<FileCheck[]> {
  const checks: FileCheck[] = [];
  for (const { run, directory, files } of await listEventFiles(path)) {
    for (const [i, name] of files.entries()) {
      const check = await checkFile(run, join(directory, name), signal);
      const isNamedBadly = i === 0 && basename(directory).includes(EVENT_FILE_MARK);
      const problems = isNamedBadly
        ? [{ kind: 'directoryName' as const, offset: 0, sizeBytes: 0 }, ...check.problems]
        : check.problems;
      checks.push({ ...check, problems });
    }
  }
  return checks;
}

async function checkFile(run: string, path: string, signal: AbortSignal | undefined): Promise<FileCheck> {
  const problems: Problem[] = [];
  let records = 0;
  const onRecord = ({ event, offset, sizeBytes }: ReadEvent): void => {
    if (records === 0 && event.what.kind !== 'fileVersion')
      problems.push({ kind: 'noFileVersion', offset, sizeBytes: 0 });
    if (!Number.isFinite(event.wallTime)) problems.push({ kind: 'wallTime', offset, sizeBytes });
    records++;
  };
  const { damage, tailBytes, tailOffset } = await scanFile(path, onRecord, signal);
  for (const { part, offset, sizeBytes } of damage) problems.push({ kind: part, offset, sizeBytes });
  problems.sort((a, b) => a.offset - b.offset);
  if (tailBytes > 0) problems.push({ kind: 'tail', offset: tailOffset, sizeBytes: tailBytes });
  return { run, path, isHidden: isHiddenFileName(basename(path)), records, problems };
}
