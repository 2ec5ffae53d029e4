/**
 * The two fast ways stay fast: a ratio each to protobufjs, measured in turn in one process. No time is looked at, only the best of several
 * rounds of both, with bounds at about a third of what an idle machine shows.
 */

import { describe, expect, it } from 'vitest';
import { ScalarDecoder } from '../../src/format/reader/scalar-decoder.js';
import { decodeRecord, encodeRecord } from '../../src/format/record/record-codec.js';
import { RecordQueue } from '../../src/format/record/record-queue.js';
import { decodeEvent } from '../../src/format/wire/decode-event.js';
import { tensorboard } from '../../src/format/wire/generated/tensorboard.js';
import { EventEncoder } from '../../src/format/writer/event-encoder.js';

const TAGS = Array.from({ length: 20 }, (_, i) => `train/metric_${i}`);
const COUNT = 20_000;
const ROUNDS = 9;
const WALL_TIME = 1_700_000_000.5;

/** Logged by the encoder into a queue: the record bytes of `COUNT` scalars. */
function encodeScalars(): Uint8Array {
  const queue = new RecordQueue();
  const encoder = new EventEncoder(queue);
  encoder.startFile(WALL_TIME, 'guard', []);
  for (let i = 0; i < COUNT; i++) {
    const step = Math.floor(i / 20);
    encoder.scalar(TAGS[i % 20]!, i / 3, step, WALL_TIME + step);
  }
  return queue.waiting;
}

/** How many times as long the second takes, by the best rounds of each. */
function ratioOf(ours: () => void, theirs: () => void): number {
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, work] of [ours, theirs].entries()) {
      const start = performance.now();
      work();
      best[i] = Math.min(best[i]!, performance.now() - start);
    }
  }
  return best[1]! / best[0]!;
}

describe('the fast ways', () => {
  it('encode and seal scalars several times as fast as protobufjs', () => {
    const bytes = encodeScalars();
    const messages: tensorboard.Event[] = [];
    for (let at = 0; ; ) {
      const decoded = decodeRecord(bytes, at);
      if (decoded.kind === 'incomplete') break;
      messages.push(tensorboard.Event.decode(decoded.data));
      at = decoded.end;
    }

    const ratio = ratioOf(encodeScalars, () => {
      for (const message of messages) encodeRecord(tensorboard.Event.encode(message).finish());
    });

    expect(ratio).toBeGreaterThan(2.5);
  });

  it('read and verify scalars several times as fast as protobufjs', () => {
    const bytes = encodeScalars().slice();
    const view = new DataView(bytes.buffer);
    const readColumns = (): void => {
      const decoder = new ScalarDecoder();
      let rows = 0;
      for (let at = 0; ; ) {
        const end = decoder.readScalars(bytes, view, at);
        rows += end > at ? decoder.batch.count : 0;
        const decoded = decodeRecord(bytes, end);
        if (decoded.kind === 'incomplete') break;
        decoder.learn(decodeEvent(decoded.data), decoded.data);
        at = decoded.end;
      }
      expect(rows).toBeGreaterThan(COUNT * 0.9);
    };

    const ratio = ratioOf(readColumns, () => {
      for (let at = 0; ; ) {
        const decoded = decodeRecord(bytes, at);
        if (decoded.kind === 'incomplete') break;
        tensorboard.Event.decode(decoded.data);
        at = decoded.end;
      }
    });

    expect(ratio).toBeGreaterThan(3);
  });
});
