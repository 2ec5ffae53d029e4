/**
 * Removes values from the summary of an event, and gives values other metadata. Works on the bytes: what stays is not decoded, so that nothing
 * of it is lost.
 */

import { encodeMetadata, encodeSummary, joinPieces } from '../wire/encode-event.js';
import type { SummaryMetadata, SummaryValue } from '../wire/messages.js';
import { BYTES, FIXED32, FIXED64, fieldKey, VARINT, varintBytes, writeVarint } from '../wire/proto-bytes.js';

const SUMMARY = fieldKey(5, BYTES);
const VALUE = fieldKey(1, BYTES);
const METADATA = fieldKey(9, BYTES);

/** What becomes of a value: it stays, goes, or gets these metadata. */
export type ValueEdit = 'keep' | 'drop' | SummaryMetadata;

/**
 * Returns the bytes of the event with its values edited. `editOf` gets the number of the value. `added`: a value that becomes the last one. Throws
 * `RangeError` for bytes that are no message.
 */
export function editSummary(
  event: Uint8Array,
  editOf: (value: number) => ValueEdit,
  added?: SummaryValue,
): Uint8Array {
  let value = 0;
  return editFields(event, (key, field, content) => {
    if (key !== SUMMARY) return [field];
    const summary = editFields(content, (innerKey, inner, innerContent) => {
      if (innerKey !== VALUE) return [inner];
      const edit = editOf(value++);
      if (edit === 'keep') return [inner];
      return edit === 'drop' ? [] : delimit(VALUE, replaceMetadata(innerContent, edit));
    });
    if (added === undefined) return delimit(SUMMARY, summary);
    return delimit(SUMMARY, concat([summary, joinPieces(encodeSummary([added]))]));
  });
}

function replaceMetadata(value: Uint8Array, metadata: SummaryMetadata): Uint8Array {
  const others = editFields(value, (key, field) => (key === METADATA ? [] : [field]));
  return concat([others, ...delimit(METADATA, joinPieces(encodeMetadata(metadata)))]);
}

/** Replaces each field of a message with what `edit` returns. `field`: all its bytes; `content`: those after the length, if it has one. */
function editFields(
  message: Uint8Array,
  edit: (key: number, field: Uint8Array, content: Uint8Array) => readonly Uint8Array[],
): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at < message.length) {
    const start = at;
    const [key, afterKey] = readVarint(message, at);
    let contentAt = afterKey;
    switch (key & 7) {
      case VARINT:
        [, at] = readVarint(message, afterKey);
        break;
      case FIXED64:
        at = afterKey + 8;
        break;
      case FIXED32:
        at = afterKey + 4;
        break;
      case BYTES: {
        const [length, afterLength] = readVarint(message, afterKey);
        contentAt = afterLength;
        at = afterLength + length;
        break;
      }
      default:
        throw new RangeError(`unknown wire type ${key & 7}`);
    }
    if (at > message.length) throw new RangeError('a field exceeds the end of its message');
    for (const part of edit(key, message.subarray(start, at), message.subarray(contentAt, at)))
      parts.push(part);
  }
  return concat(parts);
}

function readVarint(bytes: Uint8Array, start: number): [value: number, end: number] {
  let value = 0;
  let factor = 1;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]!;
    value += (byte & 127) * factor;
    if (byte < 128) return [value, at + 1];
    factor *= 128;
  }
  throw new RangeError('a varint exceeds the end of its message');
}

function delimit(key: number, content: Uint8Array): Uint8Array[] {
  const header = new Uint8Array(varintBytes(key) + varintBytes(content.length));
  writeVarint(header, writeVarint(header, 0, key), content.length);
  return [header, content];
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
