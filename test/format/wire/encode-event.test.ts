import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadMessageType } from '../../../bench/support/proto.mjs';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import { anyEvent } from '../../support/any-event.js';

const EventType = loadMessageType('event', 'tensorboard.Event');

describe('encodeEvent', () => {
  it('writes the same bytes as protobufjs for any event', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const bytes = joinPieces(encodeEvent(event));

        const again = EventType.encode(EventType.decode(bytes)).finish();

        expect(Buffer.from(again).toString('hex')).toBe(Buffer.from(bytes).toString('hex'));
      }),
      { numRuns: 2000 },
    );
  });

  it('is reversed by decodeEvent for any event', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        expect(decodeEvent(joinPieces(encodeEvent(event)))).toEqual(event);
      }),
      { numRuns: 2000 },
    );
  });
});
