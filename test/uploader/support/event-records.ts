/** Event records for export tests, and the uninterrupted export of a log directory as the expected result. */

import { join } from 'node:path';
import { EventFileReader } from '../../../src/format/reader/event-file-reader.js';
import { listEventFiles } from '../../../src/format/reader/list-event-files.js';
import { encodeRecord } from '../../../src/format/record/record-codec.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import { type Event, SessionStatus } from '../../../src/format/wire/messages.js';
import { RETRACTION, retractedTags } from '../../../src/format/wire/retraction-value.js';
import { Exporter, type ExportTarget } from '../../../src/polyaxon/export/exporter.js';
import { ExportedFiles } from '../../support/exported-files.js';
import { imagesValue, scalarValue, textValue, toEvent } from '../../support/summary-events.js';

export function toRecord(event: Event): Buffer {
  return Buffer.from(encodeRecord(joinPieces(encodeEvent(event))));
}

/** Returns the records of `count` steps from `first` on: scalars `loss` and `acc/top 1`, and on some steps an image and a text. */
export function someRecords(count: number, first = 0): Buffer[] {
  return Array.from({ length: count }, (_, index) => {
    const step = first + index;
    const values = [scalarValue('loss', 1 / (step + 1)), scalarValue('acc/top 1', step)];
    if (step % 3 === 1) values.push(imagesValue('photo', tinyImage(step)));
    if (step % 4 === 2) values.push(textValue('note', [`step ${step}`]));
    return toRecord(toEvent(step, 1_700_000_000 + step / 7, ...values));
  });
}

/** Returns bytes with the header of a PNG of 2×3 pixels. */
function tinyImage(seed: number): Buffer {
  const header = Buffer.from('89504e470d0a1a0a0000000d49484452000000020000000308060000', 'hex');
  return Buffer.concat([header, Buffer.from(`00 pixels ${seed}`)]);
}

/** Returns the record of a SessionLog START. */
export function startRecord(step: number): Buffer {
  const what = { kind: 'sessionLog', status: SessionStatus.START } as const;
  return toRecord({ wallTime: 1_700_000_000, step, what });
}

/** Returns the record of a retraction. */
export function retractionRecord(tag: string, step: number): Buffer {
  return toRecord(toEvent(step, 1_700_000_000, { tag, value: RETRACTION }));
}

/** Exports a log directory without interruption. Returns all files as text and hexadecimal; damaged bytes are skipped. */
export async function exportAtOnce(
  logDirectory: string,
  target: ExportTarget = 'events',
): Promise<{ files: Record<string, string>; exporter: Exporter; inputs: Record<string, unknown> }> {
  const exporter = new Exporter({ target });
  const files = new ExportedFiles();
  for (const { run, directory, files: names } of await listEventFiles(logDirectory)) {
    for (const { event, isSuperseded, retracted } of await readAll(directory, names, target)) {
      const { step } = event;
      const endStep = (tag: string) => (isSuperseded || retracted.has(tag) ? step : undefined);
      exporter.push(event, run === '.' ? '' : run, endStep);
      files.take(exporter);
    }
  }
  return { files: files.toObject(), exporter, inputs: files.inputs };
}

/** Reads all events of a log directory, and marks what a later SessionLog START or retraction supersedes, one after the other. */
async function readAll(
  directory: string,
  names: readonly string[],
  target: ExportTarget,
): Promise<{ event: Event; isSuperseded: boolean; retracted: Set<string> }[]> {
  const all: { event: Event; name: string; isSuperseded: boolean; retracted: Set<string> }[] = [];
  let starts = 0;
  for (const name of names) {
    await using reader = new EventFileReader(join(directory, name), { onDamage: 'skip' });
    for await (const { event } of reader.read()) {
      const { what, step } = event;
      if (what.kind === 'sessionLog' && what.status === SessionStatus.START && target === 'events') {
        const isFirst = starts++ === 0;
        for (const earlier of all) {
          const isInReach = !isFirst || (step > 0 && earlier.name !== name);
          if (isInReach && earlier.event.step >= step) earlier.isSuperseded = true;
        }
      }
      for (const tag of retractedTags(event))
        for (const earlier of all) if (earlier.event.step >= step) earlier.retracted.add(tag);
      all.push({ event, name, isSuperseded: false, retracted: new Set() });
    }
  }
  return all;
}
