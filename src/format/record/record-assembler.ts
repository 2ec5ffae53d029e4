/**
 * Joins the pieces of an event file, so that whole records can be decoded from them.
 *
 * Pieces are joined only once the first record may be complete, so a record of many pieces is copied once and not with every piece.
 */

import { copyBytes } from '../../base/copy-bytes.js';

export class RecordAssembler {
  #pieces: Uint8Array[] = [];
  #sizeBytes = 0;
  /** The size from which joining is worthwhile. */
  #wantedBytes = 0;

  /** Adds a copy of `bytes`. Returns a copy of all bytes so far; undefined while the first record is incomplete. */
  add(bytes: Uint8Array): Uint8Array | undefined {
    this.#pieces.push(copyBytes(bytes));
    this.#sizeBytes += bytes.length;
    if (this.#sizeBytes < this.#wantedBytes) return undefined;
    const all = joinPieces(this.#pieces, this.#sizeBytes);
    this.#pieces = [];
    this.#sizeBytes = 0;
    return all;
  }

  /** Keeps the bytes that the caller could not decode yet; `missingBytes` are needed before another attempt. */
  keep(rest: Uint8Array, missingBytes: number): void {
    this.#pieces = [copyBytes(rest)];
    this.#sizeBytes = rest.length;
    this.#wantedBytes = rest.length + missingBytes;
  }
}

function joinPieces(pieces: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const all = new Uint8Array(sizeBytes);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
