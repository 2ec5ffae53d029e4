/** Event files of scalars, byte by byte. */

import { encodeRecord } from '../../src/format/record/record-codec.js';
import { encodeEvent, joinPieces } from '../../src/format/wire/encode-event.js';
import type { Event } from '../../src/format/wire/messages.js';

export function encodeRecords(events: readonly Event[]): Buffer {
  return Buffer.concat(events.map((event) => encodeRecord(joinPieces(encodeEvent(event)))));
}

/** Points [step, value] of one tag. */
export function scalars(tag: string, points: readonly (readonly [number, number])[], startTime = 1): Event[] {
  return points.map(([step, value], i) => ({
    wallTime: startTime + i,
    step,
    what: {
      kind: 'summary',
      values: [{ tag, value: { kind: 'simpleValue', simpleValue: value } }],
    },
  }));
}

export function sessionStart(step: number, wallTime: number): Event {
  return { wallTime, step, what: { kind: 'sessionLog', status: 1 } };
}
