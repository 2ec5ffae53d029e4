import { expect, it } from 'vitest';
import { compareWork, type Ordered } from '../../../../uploader/pipeline/plan/order.js';

it('sorts by phase, then event files first, then by size, then by key', () => {
  const plain: Ordered = { phase: 0, fileClass: 'artifact', sizeBytes: 1, key: 'a' };
  const sorted: Ordered[] = [
    { ...plain, fileClass: 'append', sizeBytes: 8 },
    { ...plain, fileClass: 'event', sizeBytes: 9 },
    plain,
    { ...plain, key: 'b' },
    { ...plain, key: 'c' },
    { ...plain, sizeBytes: 2 },
    { ...plain, phase: 1, fileClass: 'event', sizeBytes: 0 },
  ];

  expect([...sorted].reverse().sort(compareWork)).toEqual(sorted);
  expect([...sorted].sort(compareWork)).toEqual(sorted);
});
