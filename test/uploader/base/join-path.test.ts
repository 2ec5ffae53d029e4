import { describe, expect, it } from 'vitest';
import { copyPath, joinNames } from '../../../uploader/base/join-path.js';

describe('copyPath', () => {
  it('returns a path that keeps no other bytes in memory', () => {
    const path = joinNames(Buffer.from('/root'), 'runs', 'a');
    const copy = copyPath(path);

    expect(copy).toEqual(path);
    expect(copy.buffer.byteLength).toBe(path.length);
  });
});
