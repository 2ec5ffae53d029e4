// Creates blocks of records that are all different, as fast as their CRCs can be computed.

import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DIST } from './uploader-process.mjs';

const { encodeRecord, sealRecord, FRAMING_BYTES, HEADER_BYTES } = await import(
  pathToFileURL(join(DIST, 'src/format/record/record-codec.js')).href
);

const BLOCK_BYTES = 1024 * 1024;
/** Sizes of payloads: mostly scalars, some histograms, few images. */
const PAYLOADS = [...Array(40).fill(4), 200, 1000, 4000, 9000, 30_000];
const WALL_TIME_OFFSET = HEADER_BYTES + 1;

/** First record of an event file. Field numbers: proto/event.proto. */
export const FILE_VERSION = Buffer.from(encodeRecord(lengthDelimited(3, Buffer.from('brain.Event:2'))));

/** Returns a function that creates blocks of whole records of about 1 MiB, or less if `wantedBytes` is less. */
export function createEventBlock() {
  const block = Buffer.alloc(BLOCK_BYTES + 100_000);
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const records = [];
  let end = 0;
  while (end < BLOCK_BYTES) {
    const data = encodeEvent(PAYLOADS[records.length % PAYLOADS.length]);
    block.set(data, end + HEADER_BYTES);
    records.push({ start: end, dataBytes: data.length });
    end += data.length + FRAMING_BYTES;
  }
  let wallTime = 1.7e9;
  return (wantedBytes) => {
    let at = 0;
    for (const { start, dataBytes } of records) {
      if (at >= wantedBytes) break;
      wallTime += 0.001;
      view.setFloat64(start + WALL_TIME_OFFSET, wallTime, true);
      at = sealRecord(block, view, start, dataBytes);
    }
    return Buffer.from(block.subarray(0, at));
  };
}

/** Returns a function that creates blocks of numbered lines of about 64 KiB, or less if `wantedBytes` is less. */
export function createLineBlock() {
  let line = 0;
  return (wantedBytes) => {
    let text = '';
    while (text.length < Math.min(wantedBytes, 65_536))
      text += `${String(line++).padStart(9, '0')} loss ${(1 / line).toFixed(9)} and what else a program has to say\n`;
    return Buffer.from(text);
  };
}

/** An `Event` with wall time, step, and a tensor with one random string. Field numbers: proto/event.proto, summary.proto, tensor.proto. */
function encodeEvent(payloadBytes) {
  const tensor = Buffer.concat([
    Buffer.from([0x08, 7]),
    lengthDelimited(8, randomFillSync(Buffer.alloc(payloadBytes))),
  ]);
  const value = Buffer.concat([lengthDelimited(1, Buffer.from('grown')), lengthDelimited(8, tensor)]);
  const summary = lengthDelimited(5, lengthDelimited(1, value));
  return Buffer.concat([Buffer.from([0x09]), Buffer.alloc(8), Buffer.from([0x10, 1]), summary]);
}

function lengthDelimited(field, bytes) {
  const head = [(field << 3) | 2];
  let length = bytes.length;
  for (; length > 0x7f; length >>>= 7) head.push((length & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...head, length]), bytes]);
}
