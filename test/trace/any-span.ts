/** Arbitrary spans as input of callers. */

import fc from 'fast-check';
import { RUN_STATUSES } from '../../src/polyaxon/statuses.js';
import { SPAN_KINDS, type SpanInput } from '../../src/trace/span.js';

const anyTime = () =>
  fc.oneof(
    fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true }),
    fc.double({ min: -60_000_000_000, max: 250_000_000_000, noNaN: true }),
    fc.constantFrom('2024-01-02T03:04:05.123456Z', '2024-01-02T03:04:05+05:30', '2024-01-02 03:04:05'),
  );

/** Values that JSON and Python's readers preserve. */
const anyValues = () =>
  fc.dictionary(
    fc.string({ unit: 'grapheme' }),
    fc.jsonValue({ maxDepth: 3, noUnicodeString: false }) as fc.Arbitrary<unknown>,
    { maxKeys: 4 },
  );

const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

const anyCondition = () =>
  fc.record({
    type: fc.constantFrom(...RUN_STATUSES),
    status: optional(fc.oneof(fc.boolean(), fc.constantFrom('yes', 'no idea'))),
    reason: optional(fc.string()),
    message: optional(fc.string({ unit: 'grapheme' })),
    lastUpdateTime: optional(anyTime()),
    lastTransitionTime: optional(anyTime()),
    metaInfo: optional(anyValues()),
  });

export function anySpan(): fc.Arbitrary<SpanInput> {
  return fc.letrec<{ span: SpanInput }>((tie) => ({
    span: fc.record({
      uuid: optional(fc.uuid()),
      name: optional(fc.string({ unit: 'grapheme' })),
      tags: optional(fc.array(fc.string(), { maxLength: 3 })),
      startedAt: optional(anyTime()),
      finishedAt: optional(anyTime()),
      status: optional(fc.constantFrom(...RUN_STATUSES)),
      statusConditions: optional(fc.array(anyCondition(), { maxLength: 2 })),
      metadata: optional(anyValues()),
      inputs: optional(anyValues()),
      outputs: optional(anyValues()),
      children: fc.oneof(
        { maxDepth: 3, depthIdentifier: 'spans' },
        fc.constant(undefined),
        fc.array(tie('span'), { maxLength: 3, depthIdentifier: 'spans' }),
      ),
      kind: optional(fc.constantFrom(...SPAN_KINDS)),
    }),
  })).span;
}
