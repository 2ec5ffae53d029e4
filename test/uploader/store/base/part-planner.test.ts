import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MAX_BASE_BYTES,
  MAX_PARTS,
  type Part,
  planAppend,
  planParts,
  toPartBytes,
} from '../../../../uploader/store/base/part-planner.js';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** Amazon S3 User Guide, "Amazon S3 multipart upload limits". */
const S3 = { maxObjectBytes: 50e12, minPartBytes: 5 * MIB, maxPartBytes: 5 * GIB };

/** Sizes of every magnitude, and sizes around the limits. */
const sizes = (min: number, max: number) =>
  fc.oneof(
    fc.maxSafeNat().map((size) => min + (size % (max - min + 1))),
    fc
      .tuple(fc.integer({ min: 0, max: 46 }), fc.integer({ min: -1, max: 1 }))
      .map(([bits, more]) => Math.min(max, Math.max(min, 2 ** bits + more))),
    fc.constantFrom(min, min + 1, max - 1, max),
  );

function expectWhole(parts: readonly Part[], sizeBytes: number): void {
  let end = 0;
  for (const [index, part] of parts.entries()) {
    if (part.number !== index + 1 || part.start !== end || part.end <= part.start)
      throw new Error(`part ${index + 1} is ${JSON.stringify(part)}, expected to begin at ${end}`);
    const isLast = index + 1 === parts.length;
    const partBytes = part.end - part.start;
    if (partBytes > S3.maxPartBytes || (!isLast && partBytes < S3.minPartBytes))
      throw new Error(`part ${part.number} has ${partBytes} bytes`);
    end = part.end;
  }
  expect(end).toBe(sizeBytes);
  expect(parts.length).toBeLessThanOrEqual(MAX_PARTS);
}

describe('planParts', () => {
  it('divides every size into equal parts within the limits of S3', () => {
    fc.assert(
      fc.property(sizes(1, S3.maxObjectBytes), (sizeBytes) => {
        const parts = planParts(sizeBytes);

        expectWhole(parts, sizeBytes);
        expect(new Set(parts.slice(0, -1).map(({ start, end }) => end - start)).size).toBeLessThanOrEqual(1);
        expect(parts.every(({ isCopied }) => !isCopied)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('toPartBytes', () => {
  it.each([
    [1, 8],
    [80, 8],
    [81, 16],
    [160, 16],
    [161, 20],
    [200, 20],
    [10_000, 20],
  ])(
    'doubles the parts of an object of %d bytes until there are few enough, up to the largest part: %d',
    (sizeBytes, expected) => {
      expect(toPartBytes(sizeBytes, { firstBytes: 8, maxBytes: 20, maxParts: 10 })).toBe(expected);
    },
  );
});

describe('planAppend', () => {
  it('covers base and tail of every size with parts within the limits of S3', () => {
    const bases = sizes(S3.minPartBytes, MAX_BASE_BYTES);
    fc.assert(
      fc.property(bases, sizes(0, 100 * GIB), (keepBytes, tailBytes) => {
        const parts = planAppend(keepBytes, keepBytes + tailBytes, { isOneCopy: false });

        expectWhole(parts ?? [], keepBytes + tailBytes);
        const copied = (parts ?? []).filter(({ isCopied }) => isCopied);
        expect(copied.at(-1)?.end).toBe(keepBytes);
        const copyBytes = copied.map(({ start, end }) => end - start);
        expect(Math.max(...copyBytes) - Math.min(...copyBytes)).toBeLessThanOrEqual(1);
        if (keepBytes <= 1000 * GIB) expect(Math.max(...copyBytes)).toBeLessThanOrEqual(GIB);
      }),
      { numRuns: 300 },
    );
  });

  it('copies the base in one piece, up to the largest part, when ranges cannot be copied', () => {
    const parts = planAppend(S3.maxPartBytes, S3.maxPartBytes + 1, { isOneCopy: true });

    expect(parts).toEqual([
      { number: 1, start: 0, end: S3.maxPartBytes, isCopied: true },
      { number: 2, start: S3.maxPartBytes, end: S3.maxPartBytes + 1, isCopied: false },
    ]);
    expect(planAppend(S3.maxPartBytes + 1, S3.maxPartBytes + 2, { isOneCopy: true })).toBeNull();
  });

  it('returns null for a base below the smallest part', () => {
    expect(planAppend(S3.minPartBytes - 1, S3.minPartBytes, { isOneCopy: false })).toBeNull();
    expect(planAppend(S3.minPartBytes, S3.minPartBytes + 1, { isOneCopy: false })).toHaveLength(2);
  });

  it('sends a tail of up to 8 MiB as one part', () => {
    const tails = [0, 1, 8 * MIB, 8 * MIB + 1].map(
      (tailBytes) =>
        planAppend(8 * MIB, 8 * MIB + tailBytes, { isOneCopy: false })?.filter(({ isCopied }) => !isCopied)
          .length,
    );

    expect(tails).toEqual([0, 1, 1, 2]);
  });
});
