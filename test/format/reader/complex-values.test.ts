/** Tensors of complex numbers in events that TensorBoard's protobuf classes have serialized. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeValue, type SummaryValue } from '../../../src/format/index.js';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import { DataType, type Event } from '../../../src/format/wire/messages.js';

interface Golden {
  readonly name: string;
  readonly form: 'fields' | 'bytes';
  readonly shape: readonly number[];
  readonly values: readonly (readonly [re: string, im: string])[];
  readonly event: string;
}

const GOLDEN = JSON.parse(
  readFileSync(new URL('../../../fixtures/golden/complex.json', import.meta.url), 'utf8'),
) as Golden[];

function firstValue({ what }: Event): SummaryValue {
  if (what.kind !== 'summary') throw new Error(`the event is a ${what.kind}`);
  return what.values[0]!;
}

function toNumber(python: string): number {
  return Number(python.replace('inf', 'Infinity').replace('nan', 'NaN'));
}

describe('decodeValue', () => {
  it.each(GOLDEN.map((each) => [each.name, each.form, each] as const))(
    'decodes complex numbers (%s) in %s',
    (name, _form, { shape, values, event }) => {
      const decoded = decodeValue(firstValue(decodeEvent(Buffer.from(event, 'hex'))));

      expect(decoded).toEqual({
        kind: 'tensor',
        dtype: name === 'complex64' || name === 'rank 0' ? DataType.COMPLEX64 : DataType.COMPLEX128,
        shape,
        values: values.map(([re, im]) => ({ re: toNumber(re), im: toNumber(im) })),
      });
    },
  );

  it('encodes complex numbers to the same bytes', () => {
    for (const { event } of GOLDEN) {
      const decoded = decodeEvent(Buffer.from(event, 'hex'));

      expect(decodeEvent(joinPieces(encodeEvent(decoded)))).toEqual(decoded);
    }
  });

  it.each([
    [
      { dtype: DataType.COMPLEX64, shape: [1], scomplexVal: Float32Array.of(1, 2, 3) },
      /3 parts .* expected pairs/,
    ],
    [
      { dtype: DataType.COMPLEX64, shape: [3], scomplexVal: Float32Array.of(1, 2, 3, 4) },
      /2 values for the shape \[3\]/,
    ],
    [{ dtype: DataType.COMPLEX128, shape: [1], tensorContent: new Uint8Array(8) }, /8 bytes for the shape/],
  ])('rejects a tensor whose parts do not fit its shape: %j', (tensor, message) => {
    expect(() => decodeValue({ tag: 'x', value: { kind: 'tensor', tensor } })).toThrow(message);
  });
});
