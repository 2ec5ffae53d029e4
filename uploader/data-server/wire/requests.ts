/** Decodes the requests of TensorBoard's data provider. Field numbers: proto/data_provider.proto. */

import { BYTES, FIXED32, FIXED64, VARINT } from '../../../src/format/wire/proto-bytes.js';

/** What a list or a series request asks for. An absent list of names means all. */
export interface SeriesRequest {
  readonly plugin: string;
  readonly runs: ReadonlySet<string> | undefined;
  readonly tags: ReadonlySet<string> | undefined;
  /** The number of points that TensorBoard wants of each series. 0: all of them, see `thinTo`. */
  readonly points: number;
}

const PLUGIN_FILTER = 2;
const RUN_TAG_FILTER = 3;
const DOWNSAMPLE = 4;
const RUN_FILTER = 1;
const TAG_FILTER = 2;

/** Throws `RangeError` when the bytes are not a request. */
export function decodeSeriesRequest(bytes: Uint8Array): SeriesRequest {
  let plugin = '';
  let runs: Set<string> | undefined;
  let tags: Set<string> | undefined;
  let points = 0;
  for (const { number, content, varint } of fieldsOf(bytes)) {
    if (number === PLUGIN_FILTER) plugin = firstText(content);
    else if (number === RUN_TAG_FILTER) {
      for (const filter of fieldsOf(content)) {
        const names = new Set(fieldsOf(filter.content).map((name) => decoder.decode(name.content)));
        if (filter.number === RUN_FILTER) runs = names;
        if (filter.number === TAG_FILTER) tags = names;
      }
    } else if (number === DOWNSAMPLE) points = fieldsOf(content)[0]?.varint ?? varint;
  }
  return { plugin, runs, tags, points };
}

/** The key in a request for one blob. Throws `RangeError` when the bytes are not a request. */
export function decodeBlobRequest(bytes: Uint8Array): string {
  return firstText(bytes);
}

interface Field {
  readonly number: number;
  readonly varint: number;
  readonly content: Uint8Array;
}

const decoder = new TextDecoder();
const EMPTY = new Uint8Array();

function firstText(bytes: Uint8Array): string {
  const [first] = fieldsOf(bytes);
  return first === undefined ? '' : decoder.decode(first.content);
}

function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 63) throw new RangeError('a varint exceeds its message');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new RangeError('a field exceeds its message');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = readVarint();
    const type = key & 7;
    const number = Math.floor(key / 8);
    if (type === VARINT) fields.push({ number, varint: readVarint(), content: EMPTY });
    else if (type === BYTES) fields.push({ number, varint: 0, content: take(readVarint()) });
    else if (type === FIXED64) take(8);
    else if (type === FIXED32) take(4);
    else throw new RangeError(`wire type ${type}`);
  }
  return fields;
}
