/** Random events of every kind for property tests, including edge values, in their decoded form. */

import fc from 'fast-check';
import {
  DataType,
  type Event,
  type SummaryMetadata,
  type TensorProto,
  type ValueContent,
} from '../../src/format/wire/messages.js';

/** Text without lone surrogates, so that it can be encoded as UTF-8. */
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const filledText = text.filter((value) => value !== '');
const bytes = fc.uint8Array({ minLength: 1, maxLength: 50 });
const float32 = fc.float({ noNaN: false });
const double = fc.double({ noNaN: false });

/** A decoded int64: a number where that is exact, else a bigint. */
const int64 = fc
  .oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.integer().map(BigInt),
    fc.constantFrom(0n, 2n ** 53n, -1n),
  )
  .map((value) => (BigInt.asIntN(54, value) === value && value !== -(2n ** 53n) ? Number(value) : value));

const floatVal = fc.array(float32, { minLength: 1, maxLength: 8 }).map((values) => Float32Array.from(values));
const doubleVal = fc.array(double, { minLength: 1, maxLength: 8 }).map((values) => Float64Array.from(values));
const shape = fc.array(fc.nat(5000), { maxLength: 3 });

export const anyTensor: fc.Arbitrary<TensorProto> = fc.oneof(
  fc.record({ dtype: fc.constant(DataType.FLOAT), shape, floatVal }),
  fc.record({ dtype: fc.constant(DataType.DOUBLE), shape, doubleVal }),
  fc.record({
    dtype: fc.constant(DataType.INT32),
    shape,
    intVal: fc.int32Array({ minLength: 1, maxLength: 8 }),
  }),
  fc.record({ dtype: fc.constant(DataType.UINT8), shape, tensorContent: bytes }),
  fc.record({
    dtype: fc.constant(DataType.INT64),
    shape,
    int64Val: fc.bigInt64Array({ minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    dtype: fc.constant(DataType.UINT32),
    shape,
    uint32Val: fc.uint32Array({ minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    dtype: fc.constant(DataType.UINT64),
    shape,
    uint64Val: fc.bigUint64Array({ minLength: 1, maxLength: 4 }),
  }),
  fc.record({ dtype: fc.constant(DataType.COMPLEX64), shape, scomplexVal: floatVal }),
  fc.record({ dtype: fc.constant(DataType.COMPLEX128), shape, dcomplexVal: doubleVal }),
  fc.record({
    dtype: fc.constant(DataType.BOOL),
    shape,
    boolVal: fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }),
  }),
  fc.record({
    dtype: fc.constant(DataType.STRING),
    shape,
    stringVal: fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 4 }),
  }),
);

const metadata: fc.Arbitrary<SummaryMetadata> = fc
  .record({
    pluginName: fc.constantFrom('scalars', 'images', 'text', 'my plugin'),
    content: fc.option(bytes, { nil: undefined }),
    displayName: fc.option(filledText, { nil: undefined }),
    description: fc.option(filledText, { nil: undefined }),
    dataClass: fc.constantFrom(0, 1, 2, 3),
  })
  .map(withoutUndefined);

const content: fc.Arbitrary<ValueContent> = fc.oneof(
  anyTensor.map((tensor) => ({ kind: 'tensor' as const, tensor })),
  float32.map((simpleValue) => ({ kind: 'simpleValue' as const, simpleValue })),
  fc
    .uint8Array({ maxLength: 3 })
    .map((obsoleteHistogram) => ({ kind: 'obsoleteHistogram' as const, obsoleteHistogram })),
  fc
    .record({ height: fc.nat(), width: fc.nat(), colorspace: fc.nat(6), encoded: bytes })
    .map((image) => ({ kind: 'image' as const, image })),
  fc
    .record({
      sampleRateHz: float32,
      channels: fc.nat(8),
      lengthFrames: fc.nat(),
      encoded: bytes,
      contentType: text,
    })
    .map((audio) => ({ kind: 'audio' as const, audio })),
  fc
    .record({
      min: double,
      max: double,
      num: double,
      sum: double,
      sumSquares: double,
      bucketLimit: doubleVal,
      bucket: doubleVal,
    })
    .map((histogram) => ({ kind: 'histogram' as const, histogram })),
);

const value = fc
  .record({
    tag: text,
    metadata: fc.option(metadata, { nil: undefined }),
    value: fc.option(content, { nil: undefined }),
  })
  .map(withoutUndefined);

export const anyEvent: fc.Arbitrary<Event> = fc.record({
  wallTime: double,
  step: int64,
  what: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.array(value, { maxLength: 3 }).map((values) => ({ kind: 'summary' as const, values })),
    },
    fc
      .record({
        kind: fc.constant('fileVersion' as const),
        fileVersion: text,
        writer: fc.option(filledText, { nil: undefined }),
      })
      .map(withoutUndefined),
    fc.record({ kind: fc.constant('sessionLog' as const), status: fc.constantFrom(0, 1, 2, 3) }),
    fc.record({ kind: fc.constant('graphDef' as const), graphDef: bytes }),
    fc.record({ kind: fc.constant('taggedRunMetadata' as const), tag: text, runMetadata: bytes }),
    fc.constant({ kind: 'none' as const }),
  ),
});

/** Removes undefined optional fields, because decoded events do not have them. */
function withoutUndefined<T extends object>(record: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const kept = Object.entries(record).filter(([, field]) => field !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]: Exclude<T[K], undefined> };
}
