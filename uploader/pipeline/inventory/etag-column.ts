/**
 * The names that a store gives to objects, a row each. S3's are 32 hex digits, with the number of parts behind them for an object that was
 * uploaded in parts: 18 bytes in place of a string of 60.
 */

const HEX_NAME = /^([0-9a-f]{32})(?:-(\d{1,5}))?$/;
const HEX_BYTES = 16;
const MAX_PARTS = 0xfffe;

export class EtagColumn {
  /** Made with the first name that fits. */
  #bytes = new Uint8Array(0);
  /** Parts + 1; 0 for a name that is kept as text. */
  #parts = new Uint16Array(0);
  /** What does not fit: other stores' names. */
  readonly #texts: string[] = [];

  get(id: number): string {
    const parts = this.#parts[id] ?? 0;
    if (parts === 0) return this.#texts[id] ?? '';
    const hex = Buffer.from(this.#bytes.buffer, id * HEX_BYTES, HEX_BYTES).toString('hex');
    return parts === 1 ? hex : `${hex}-${parts - 1}`;
  }

  set(id: number, etag: string): void {
    const match = HEX_NAME.exec(etag);
    const parts = match?.[2] === undefined ? 0 : Number(match[2]);
    const isPacked =
      match !== null &&
      parts <= MAX_PARTS &&
      (match[2] === undefined || String(parts) === match[2]) &&
      match[2] !== '0';
    if (!isPacked) {
      if (id < this.#parts.length) this.#parts[id] = 0;
      // A copy of its own: a piece of an answer would keep the answer alive.
      this.#texts[id] = Buffer.from(etag).toString();
      return;
    }
    this.#reserve(id + 1);
    Buffer.from(match[1]!, 'hex').copy(this.#bytes, id * HEX_BYTES);
    this.#parts[id] = parts + 1;
    if (id < this.#texts.length) this.#texts[id] = '';
  }

  #reserve(rows: number): void {
    if (rows <= this.#parts.length) return;
    const capacity = Math.max(256, Math.ceil(rows * 1.5));
    const bytes = new Uint8Array(capacity * HEX_BYTES);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    const parts = new Uint16Array(capacity);
    parts.set(this.#parts);
    this.#parts = parts;
  }
}
