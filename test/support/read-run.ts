/** Reads the files of a run. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isEventFileName } from '../../src/format/event-file-name.js';
import { decodeEvent } from '../../src/format/wire/decode-event.js';
import type { Event, SummaryValue } from '../../src/format/wire/messages.js';
import type { RunArtifact, RunRecord } from '../../src/index.js';
import { decodeRecords } from './decode-records.js';

/** Returns all complete events of a directory's event files, in the order in which TensorBoard reads them. */
export function readEvents(directory: string): Event[] {
  return readdirSync(directory)
    .filter(isEventFileName)
    .sort()
    .flatMap((name) => decodeRecords(readFileSync(join(directory, name))).records.map(decodeEvent));
}

export interface ReadValue extends SummaryValue {
  readonly step: number | bigint;
  readonly wallTime: number;
}

/** Returns all summary values of a directory's event files, with their step and wall time. */
export function readValues(directory: string): ReadValue[] {
  return readEvents(directory).flatMap(({ step, wallTime, what }) =>
    what.kind === 'summary' ? what.values.map((value) => ({ ...value, step, wallTime })) : [],
  );
}

export function readRunFile(runDirectory: string): RunRecord {
  return JSON.parse(readFileSync(join(runDirectory, 'run.plx.json'), 'utf8')) as RunRecord;
}

export function readLineage(runDirectory: string): RunArtifact[] {
  return JSON.parse(readFileSync(join(runDirectory, 'lineages.plx.json'), 'utf8')) as RunArtifact[];
}
