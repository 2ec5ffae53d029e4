/** Compares the encoder and decoder with bytes from TensorBoard's own protobuf classes. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord } from '../../../src/format/record/record-codec.js';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import { describeEvent, withoutRedundancy } from '../../support/describe-event.js';

interface GoldenEvent {
  readonly name: string;
  readonly event: Record<string, unknown>;
  readonly eventHex: string;
  readonly recordHex: string;
}

const path = new URL('../../../fixtures/golden/events.json', import.meta.url);
const golden = JSON.parse(readFileSync(path, 'utf8')) as GoldenEvent[];

describe('golden events', () => {
  it('cover every kind of event', () => {
    expect(golden.length).toBeGreaterThan(100);
  });

  it.each(golden)('$name decodes to its values', ({ event, eventHex }) => {
    expect(describeEvent(decodeEvent(Buffer.from(eventHex, 'hex')))).toMatchObject(
      withoutRedundancy(event) as object,
    );
  });

  it.each(golden)('$name is encoded and framed to the same bytes', ({ eventHex, recordHex }) => {
    const data = joinPieces(encodeEvent(decodeEvent(Buffer.from(eventHex, 'hex'))));

    expect(Buffer.from(data).toString('hex')).toBe(eventHex);
    expect(Buffer.from(encodeRecord(data)).toString('hex')).toBe(recordHex);
    expect(decodeRecord(Buffer.from(recordHex, 'hex')).kind).toBe('record');
  });
});
