/**
 * The pre-encoded summary of one scalar tag, so that a call writes only wall time, step and four value bytes.
 *
 * Measured 5 times faster than protobufjs' static encoder; the bytes are the same (test/event/event-encoder.test.ts).
 */

import { delimited, encodeTensor, joinPieces } from '../wire/encode-event.js';
import { DataType } from '../wire/messages.js';
import { encodeUtf8 } from '../wire/proto-bytes.js';

export interface ScalarTemplate {
  /** Field 5 of `Event`: a `Summary` of one value. */
  readonly bytes: Uint8Array;
  /** Where in `bytes` the float32 of the value stands. */
  readonly valueOffset: number;
}

const PLACEHOLDER = joinPieces(
  encodeTensor({ dtype: DataType.FLOAT, shape: [], floatVal: Float32Array.of(0) }),
);

/** `metadata` is the content of a serialized `SummaryMetadata`. */
export function createScalarTemplate(tag: string, metadata: Uint8Array | undefined): ScalarTemplate {
  const value = [
    ...delimited(1, [encodeUtf8(tag)]),
    ...delimited(8, [PLACEHOLDER]),
    ...(metadata === undefined ? [] : delimited(9, [metadata])),
  ];
  const bytes = joinPieces(delimited(5, delimited(1, value)));
  const behindValue = metadata === undefined ? 0 : joinPieces(delimited(9, [metadata])).length;
  return { bytes, valueOffset: bytes.length - behindValue - 4 };
}
