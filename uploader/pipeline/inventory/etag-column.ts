/**
 * A column of ETags. An ETag of S3 has 32 hex digits, followed by the number of parts for a multipart upload. It is packed into 18 bytes
 * instead of a string of 60 bytes.
 */

const HEX_NAME = /^([0-9a-f]{32})(?:-(\d{1,5}))?$/;
const HEX_BYTES = 16;
const MAX_PARTS = 0xfffe;

export class EtagColumn {
  /** Packed ETags; allocated with the first one. */
  #bytes = new Uint8Array(0);
  /** Number of parts + 1; 0 for an ETag that is kept as text. */
  #parts = new Uint16Array(0);
  /** ETags of other stores, which cannot be packed. */
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
      // Copy the string: a slice of a response would keep the whole response in memory.
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
