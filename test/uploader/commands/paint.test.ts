import { describe, expect, it } from 'vitest';
import { joinPainted, paint, toPaintedLines } from '../../../uploader/commands/paint.js';

describe('joinPainted', () => {
  it('keeps the codes of paint, and escapes every other control character', () => {
    const line = `${paint('failed', 'red')} \u001b[2J\u001b[8mhidden\n`;

    expect(joinPainted([line])).toBe('\u001b[31mfailed\u001b[39m \\u001b[2J\\u001b[8mhidden\\n\n');
  });
});

describe('toPaintedLines', () => {
  it('keeps line breaks and the codes of paint', () => {
    expect(toPaintedLines(`a\n${paint('b', 'dim')}\u0007\n`)).toBe('a\n\u001b[2mb\u001b[22m\\u0007\n');
  });
});
