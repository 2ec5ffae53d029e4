// The theoretical minimum of writing: copies finished records, adds their CRC and writes them.

import { crc32c, maskCrc } from '../../dist/src/format/record/crc32c.js';
import { decodeRecord } from '../../dist/src/format/record/record-codec.js';

/** Returns the data of the last `count` records of an event file. */
export function lastRecords(bytes, count) {
  const all = [];
  for (let at = 0; ; ) {
    const decoded = decodeRecord(bytes, at);
    if (decoded.kind === 'incomplete') return all.slice(-count);
    all.push(decoded.data);
    at = decoded.end;
  }
}

const BUFFER_BYTES = 1024 * 1024;

/** Copies records with their CRC into one buffer, and passes it to `write` whenever it is full. */
export class RecordPipe {
  #bytes = new Uint8Array(BUFFER_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #lengthCrcs = new Uint32Array(1024);
  #at = 0;
  #write;

  constructor(write) {
    this.#write = write;
    const view = new DataView(new ArrayBuffer(8));
    for (let length = 0; length < this.#lengthCrcs.length; length++) {
      view.setUint32(0, length, true);
      this.#lengthCrcs[length] = maskCrc(crc32c(new Uint8Array(view.buffer)));
    }
  }

  add(data) {
    const { length } = data;
    if (this.#at + length + 16 > BUFFER_BYTES) this.flush();
    const start = this.#at + 12;
    const end = start + length;
    this.#bytes.set(data, start);
    this.#view.setUint32(this.#at, length, true);
    this.#view.setUint32(this.#at + 4, 0, true);
    this.#view.setUint32(this.#at + 8, this.#lengthCrcs[length], true);
    this.#view.setUint32(end, maskCrc(crc32c(this.#bytes, start, end)), true);
    this.#at = end + 4;
  }

  flush() {
    this.#write(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
  }
}
