import { describe, expect, it } from 'vitest';
import { LineBatch } from '../../../uploader/commands/line-batch.js';

describe('LineBatch', () => {
  it('writes lines together and in order after a short delay', async () => {
    const written: string[] = [];
    const done = new Promise<void>((resolve) => {
      const lines = new LineBatch((text) => {
        written.push(text);
        resolve();
      });
      lines.add('one\n');
      lines.add('two\n');
      expect(written).toEqual([]);
    });
    const keepsAlive = setTimeout(() => undefined, 1_000);

    await done;
    clearTimeout(keepsAlive);

    expect(written).toEqual(['one\ntwo\n']);
  });

  it('writes at once on flush, and nothing twice', () => {
    const written: string[] = [];
    const lines = new LineBatch((text) => written.push(text));

    lines.add('one\n');
    lines.flush();
    lines.flush();

    expect(written).toEqual(['one\n']);
  });

  it('buffers at most 16 KiB of text', () => {
    const written: string[] = [];
    const lines = new LineBatch((text) => written.push(text));

    lines.add('x'.repeat(20_000));

    expect(written).toHaveLength(1);
  });
});
