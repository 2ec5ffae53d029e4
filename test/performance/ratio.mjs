// Measures the time of protobufjs, divided by the time of the built package: node ratio.mjs <encode|read>

import { loadMessageType } from '../../bench/support/proto.mjs';
import { ScalarDecoder } from '../../dist/src/format/reader/scalar-decoder.js';
import { decodeRecord, encodeRecord } from '../../dist/src/format/record/record-codec.js';
import { RecordQueue } from '../../dist/src/format/record/record-queue.js';
import { decodeEvent } from '../../dist/src/format/wire/decode-event.js';
import { tensorboard } from '../../dist/src/format/wire/generated/event.js';
import { EventEncoder } from '../../dist/src/format/writer/event-encoder.js';

const TAGS = Array.from({ length: 20 }, (_, i) => `train/metric_${i}`);
const COUNT = 20_000;
const ROUNDS = 9;
const WALL_TIME = 1_700_000_000.5;

const MEASUREMENTS = {
  encode() {
    const EventType = loadMessageType('event', 'tensorboard.Event');
    const bytes = encodeScalars();
    const messages = [];
    for (let at = 0; ; ) {
      const decoded = decodeRecord(bytes, at);
      if (decoded.kind === 'incomplete') break;
      messages.push(EventType.decode(decoded.data));
      at = decoded.end;
    }
    return ratioOf(encodeScalars, () => {
      for (const message of messages) encodeRecord(EventType.encode(message).finish());
    });
  },
  read() {
    const bytes = encodeScalars().slice();
    const view = new DataView(bytes.buffer);
    const readColumns = () => {
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
      if (rows <= COUNT * 0.9) throw new Error(`${rows} of ${COUNT} scalars were read in columns`);
    };
    return ratioOf(readColumns, () => {
      for (let at = 0; ; ) {
        const decoded = decodeRecord(bytes, at);
        if (decoded.kind === 'incomplete') break;
        tensorboard.Event.decode(decoded.data);
        at = decoded.end;
      }
    });
  },
};

console.log(MEASUREMENTS[process.argv[2]]());

/** The record bytes of `COUNT` scalars, encoded into a queue. */
function encodeScalars() {
  const queue = new RecordQueue();
  const encoder = new EventEncoder(queue);
  encoder.startFile(WALL_TIME, 'guard', []);
  for (let i = 0; i < COUNT; i++) {
    const step = Math.floor(i / 20);
    encoder.scalar(TAGS[i % 20], i / 3, step, WALL_TIME + step);
  }
  return queue.waiting;
}

/** The time of the second function divided by that of the first, for the best round of each. */
function ratioOf(ours, theirs) {
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, work] of [ours, theirs].entries()) {
      const start = performance.now();
      work();
      best[i] = Math.min(best[i], performance.now() - start);
    }
  }
  return best[1] / best[0];
}
