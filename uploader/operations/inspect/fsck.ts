/**
 * What is wrong with event files, and what each of TensorBoard's two readers does about it.
 *
 * Source of the effects: TensorBoard 2.21.0 and its data server 0.7.2, each observed on damaged files.
 */

import { basename, join } from 'node:path';
import { EVENT_FILE_MARK } from '../../../src/format/event-file-name.js';
import { listEventFiles } from '../../../src/format/reader/list-event-files.js';
import { type Damage, scanFile } from './scan-file.js';

export type ProblemKind = Damage['part'] | 'tail' | 'wallTime' | 'noFileVersion' | 'directoryName';

export interface Problem {
  readonly kind: ProblemKind;
  /** Of the first byte concerned. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/** What a problem is, and what TensorBoard's fast reader (`rust`) and its Python reader do about it. */
export const PROBLEM_TEXTS: Readonly<
  Record<ProblemKind, { readonly what: string; readonly rust: string; readonly python: string }>
> = {
  tail: {
    what: 'the file ends in the middle of a record',
    rust: 'waits for the rest',
    python: 'waits for the rest',
  },
  torn: {
    what: 'a record was cut, and others follow it',
    rust: 'stops here: what follows in this file is not shown',
    python: 'stops here: what follows in this file is not shown',
  },
  length: {
    what: 'the CRC of a length does not match',
    rust: 'stops here, with a warning: what follows in this file is not shown',
    python: 'stops here: what follows in this file is not shown',
  },
  data: {
    what: 'the CRC of a record does not match',
    rust: 'shows the record as it is, changed values included, unless it cannot be parsed: then it stops here',
    python: 'stops here: what follows in this file is not shown',
  },
  event: {
    what: 'a record holds no event',
    rust: 'stops here, with a warning: what follows in this file is not shown',
    python: 'stops loading: no run is updated until TensorBoard is started anew',
  },
  wallTime: {
    what: 'a wall time is not finite',
    rust: 'drops the event; at NaN it stops here',
    python: 'shows the event',
  },
  noFileVersion: {
    what: 'the file does not begin with its version',
    rust: 'shows it',
    python: 'removes points whenever a step is smaller than the one before',
  },
  directoryName: {
    what: `the name of the directory contains "${EVENT_FILE_MARK}"`,
    rust: 'shows it',
    python: 'takes the directory for a file: no list of runs is served',
  },
};

export interface FileCheck {
  readonly run: string;
  readonly path: string;
  readonly records: number;
  readonly problems: readonly Problem[];
}

/** Checks a file, or all event files below a directory. Throws what the file system says. */
export async function checkFiles(path: string): Promise<FileCheck[]> {
  const checks: FileCheck[] = [];
  for (const { run, directory, files } of await listEventFiles(path)) {
    for (const [i, name] of files.entries()) {
      const check = await checkFile(run, join(directory, name));
      const isNamedBadly = i === 0 && basename(directory).includes(EVENT_FILE_MARK);
      const problems = isNamedBadly
        ? [{ kind: 'directoryName' as const, offset: 0, sizeBytes: 0 }, ...check.problems]
        : check.problems;
      checks.push({ ...check, problems });
    }
  }
  return checks;
}

async function checkFile(run: string, path: string): Promise<FileCheck> {
  const problems: Problem[] = [];
  let records = 0;
  const scan = scanFile(path);
  for (;;) {
    const next = await scan.next();
    if (next.done === true) {
      const { damage, tailBytes } = next.value;
      for (const { part, offset, sizeBytes } of damage) problems.push({ kind: part, offset, sizeBytes });
      problems.sort((a, b) => a.offset - b.offset);
      if (tailBytes > 0) problems.push({ kind: 'tail', offset: next.value.tailOffset, sizeBytes: tailBytes });
      return { run, path, records, problems };
    }
    const { event, offset, sizeBytes } = next.value;
    if (records === 0 && event.what.kind !== 'fileVersion') {
      problems.push({ kind: 'noFileVersion', offset, sizeBytes: 0 });
    }
    if (!Number.isFinite(event.wallTime)) problems.push({ kind: 'wallTime', offset, sizeBytes });
    records++;
  }
}
