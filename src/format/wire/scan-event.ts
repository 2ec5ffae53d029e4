/**
 * Reads only what resuming needs from an event: its step, its tags and their plugins, its file version, and whether it is a SessionLog START.
 *
 * Skips everything else, so a directory is scanned at the speed of the disk.
 */

import { LEGACY_PLUGINS, RUN_GRAPH_TAG } from './messages.js';
import { BYTES, FIXED32, FIXED64, VARINT } from './proto-bytes.js';

export interface ScannedValue {
  readonly tag: string;
  /** The plugin that the value names, or that its TensorFlow 1 form implies; undefined without any. */
  readonly plugin: string | undefined;
  /** Whether the value has content that TensorBoard can show, and not only metadata. */
  readonly hasData: boolean;
  /** Whether it removes points of its tag in every viewer (src/format/wire/retraction-value.ts). */
  readonly isRetraction: boolean;
}

export interface ScannedEvent {
  readonly step: number | bigint;
  readonly isSessionStart: boolean;
  readonly fileVersion: string | undefined;
  /** The values of a summary; a graph or the metadata of a graph run is one value, as in TensorBoard. undefined for other events. */
  readonly values: readonly ScannedValue[] | undefined;
}

const STEP = 2;
const FILE_VERSION = 3;
const GRAPH_DEF = 4;
const SUMMARY = 5;
const SESSION_LOG = 7;
const TAGGED_RUN_METADATA = 8;
const SUMMARY_VALUE = 1;
const VALUE_TAG = 1;
const VALUE_OBSOLETE = 3;
const VALUE_METADATA = 9;
const VALUE_TENSOR = 8;
const METADATA_PLUGIN_DATA = 1;
const PLUGIN_NAME = 1;
const SESSION_STATUS = 1;
const STATUS_START = 1n;

/** The fields of `Summary.Value` that hold a TensorFlow 1 form. */
const LEGACY_FIELDS: Readonly<Record<number, keyof typeof LEGACY_PLUGINS>> = {
  2: 'simpleValue',
  4: 'image',
  5: 'histogram',
  6: 'audio',
};

const RUN_METADATA = { plugin: 'graph_tagged_run_metadata', hasData: true, isRetraction: false };
const VARINT_CUT = 'a varint exceeds the end of its message';

const decoder = new TextDecoder();

/** Scans the data of one record. Throws `RangeError` when the bytes are not a protobuf message. */
export function scanEvent(data: Uint8Array): ScannedEvent {
  let step: number | bigint = 0;
  let isSessionStart = false;
  let fileVersion: string | undefined;
  let values: ScannedValue[] | undefined;
  for (const field of fieldsOf(data)) {
    switch (field.number) {
      case STEP:
        step = toStep(field.varint);
        break;
      case FILE_VERSION:
        fileVersion = decoder.decode(field.bytes);
        break;
      case SUMMARY: {
        const found = fieldsOf(field.bytes).filter((inner) => inner.number === SUMMARY_VALUE);
        values = found.map((value) => toValue(fieldsOf(value.bytes)));
        break;
      }
      case GRAPH_DEF:
        values = [{ tag: RUN_GRAPH_TAG, plugin: 'graphs', hasData: true, isRetraction: false }];
        break;
      case TAGGED_RUN_METADATA:
        values = [{ ...RUN_METADATA, tag: toTag(fieldsOf(field.bytes)) }];
        break;
      case SESSION_LOG:
        isSessionStart = fieldsOf(field.bytes).some(
          (inner) => inner.number === SESSION_STATUS && inner.varint === STATUS_START,
        );
    }
  }
  return { step, isSessionStart, fileVersion, values };
}

function toValue(value: readonly Field[]): ScannedValue {
  const legacy = value.map(({ number }) => LEGACY_FIELDS[number]).find((form) => form !== undefined);
  return {
    tag: toTag(value),
    plugin: toPlugin(value) ?? (legacy === undefined ? undefined : LEGACY_PLUGINS[legacy]),
    hasData: legacy !== undefined || value.some(({ number }) => number === VALUE_TENSOR),
    isRetraction: value.some(({ number, bytes }) => number === VALUE_OBSOLETE && bytes.length === 0),
  };
}

/** The tag of a summary value or of tagged run metadata, which is the first field of both. */
function toTag(value: readonly Field[]): string {
  const tag = value.find((field) => field.number === VALUE_TAG);
  return tag === undefined ? '' : decoder.decode(tag.bytes);
}

function toPlugin(value: readonly Field[]): string | undefined {
  const metadata = value.find((field) => field.number === VALUE_METADATA);
  if (metadata === undefined) return undefined;
  const pluginData = fieldsOf(metadata.bytes).find((field) => field.number === METADATA_PLUGIN_DATA);
  const name = pluginData && fieldsOf(pluginData.bytes).find((field) => field.number === PLUGIN_NAME);
  return name === undefined || name.bytes.length === 0 ? undefined : decoder.decode(name.bytes);
}

interface Field {
  readonly number: number;
  readonly varint: bigint;
  readonly bytes: Uint8Array;
}

const NO_BYTES = new Uint8Array();

function fieldsOf(message: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const readVarint = (): bigint => {
    // Most varints fit 28 bits, and bigint arithmetic for each byte would take most of the time.
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError(VARINT_CUT);
      low |= (byte & 127) << shift;
      if (byte < 128) return BigInt(low);
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new RangeError(VARINT_CUT);
  };
  while (at < message.length) {
    const key = Number(readVarint());
    const number = key >>> 3;
    let varint = 0n;
    let bytes: Uint8Array = NO_BYTES;
    const wireType = key & 7;
    if (wireType === VARINT) varint = readVarint();
    else {
      const size =
        wireType === BYTES ? Number(readVarint()) : wireType === FIXED64 ? 8 : wireType === FIXED32 ? 4 : -1;
      if (size < 0 || at + size > message.length)
        throw new RangeError('a field exceeds the end of its message');
      bytes = message.subarray(at, at + size);
      at += size;
    }
    fields.push({ number, varint, bytes });
  }
  return fields;
}

function toStep(varint: bigint): number | bigint {
  const signed = BigInt.asIntN(64, varint);
  const small = Number(signed);
  return Number.isSafeInteger(small) ? small : signed;
}
