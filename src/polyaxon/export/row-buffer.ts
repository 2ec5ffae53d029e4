/**
 * Buffers rows as bytes until they are written. As strings, garbage collection would cost more than everything else.
 */

const FIRST_BYTES = 1024;
/** Buffers up to this size are copied and reused; larger ones are handed over without a copy. */
const KEPT_BYTES = 4096;
const MAX_EXPECTED_BYTES = 1024 * 1024;
const LINE_FEED = 10;
const BAR = 124;

const encoder = new TextEncoder();

export class RowBuffer {
  #bytes = new Uint8Array();
  #length = 0;
  /** The size of the last `take`, used as initial capacity: growing step by step costs as much as writing the rows. */
  #expected = 0;

  get sizeBytes(): number {
    return this.#length;
  }

  /** Appends a line feed and three ASCII fields separated by `|`; twice as fast as joining a string first. */
  appendFields(first: string, second: Uint8Array, third: string): void {
    this.#reserve(first.length + second.length + third.length + 3);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = LINE_FEED;
    for (let i = 0; i < first.length; i++) bytes[at++] = first.charCodeAt(i);
    bytes[at++] = BAR;
    bytes.set(second, at);
    at += second.length;
    bytes[at++] = BAR;
    for (let i = 0; i < third.length; i++) bytes[at++] = third.charCodeAt(i);
    this.#length = at;
  }

  /** Appends any text. */
  append(text: string): void {
    // A UTF-16 unit needs at most three bytes.
    this.#reserve(text.length * 3);
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  /** Returns the buffered bytes and empties the buffer. */
  take(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    this.#expected = Math.min(bytes.length, MAX_EXPECTED_BYTES);
    if (this.#bytes.length <= KEPT_BYTES) return bytes.slice();
    this.#bytes = new Uint8Array();
    return bytes;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(FIRST_BYTES, needed, this.#bytes.length * 2, this.#expected));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
