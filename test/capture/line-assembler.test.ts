import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineAssembler } from '../../src/capture/line-assembler.js';

function assemble(chunks: readonly (string | Uint8Array)[], maxLength = 1000): string[] {
  const lines: string[] = [];
  const assembler = new LineAssembler(({ text, lostLength }) => {
    lines.push(lostLength === 0 ? text : `${text}+${lostLength}`);
  }, maxLength);
  for (const chunk of chunks) {
    if (typeof chunk === 'string') assembler.pushText(chunk);
    else assembler.pushBytes(chunk);
  }
  assembler.flush();
  return lines;
}

describe('LineAssembler', () => {
  it.each<[string, string[]]>([
    ['one\ntwo\n', ['one', 'two']],
    ['one\r\ntwo\r\n', ['one', 'two']],
    ['\n\n  \none\n\n', ['one']],
    ['without an end', ['without an end']],
    ['10%\r20%\r100%\n', ['100%']],
    ['\r10%\r20%\r100%', ['100%']],
    ['10%\r20%\r', ['20%']],
    ['10%\r\x1b[K\nnext\n', ['next']],
    ['10%\r\x1b[0m\nnext\n', ['10%', 'next']],
    ['10%\r\x1b[2Kdone\n', ['\x1b[2Kdone']],
    ['\x1b[0m\x1b[39m\none\n', ['one']],
  ])('finds in %j the lines %j', (text, expected) => {
    expect(assemble([text])).toEqual(expected);
  });

  it('joins characters that are split between chunks', () => {
    const bytes = Buffer.from('é日🙂\n');

    expect(assemble([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(['é日🙂']);
  });

  it('returns U+FFFD where the terminal shows it', () => {
    expect(assemble(['a\ud83d', '\ude42b\n'])).toEqual(['a\ufffd\ufffdb']);
    expect(assemble([Uint8Array.of(0xe6, 0x97), 'text\n', Uint8Array.of(0x80, 0x0a)])).toEqual([
      '\ufffdtext',
      '\ufffd',
    ]);
    expect(assemble([Uint8Array.of(0xe6, 0x97)])).toEqual(['\ufffd']);
  });

  it('counts characters beyond the maximum length', () => {
    expect(assemble([`${'x'.repeat(8)}`, 'yyyy\nz\n'], 10)).toEqual(['xxxxxxxxyy+2', 'z']);
    expect(assemble([...'x'.repeat(25)], 10)).toEqual([`${'x'.repeat(10)}+15`]);
  });

  it('indicates a partial line and a progress bar', () => {
    const assembler = new LineAssembler(() => undefined, 100);
    const states = ['', 'a', '\n', '1%\r', '2%', '\n'].map((chunk) => {
      assembler.pushText(chunk);
      return [assembler.hasPartialLine, assembler.isProgress];
    });

    expect(states).toEqual([
      [false, false],
      [true, false],
      [false, false],
      [true, true],
      [true, true],
      [false, false],
    ]);
  });

  it('finds the same lines for any chunk boundaries', () => {
    const piece = fc.oneof(
      fc.constantFrom('\n', '\r', '\r\n', '\x1b[K', '\x1b[31m', ' ', '🙂', 'é', '日本'),
      fc.string({ unit: 'grapheme', maxLength: 5 }),
    );
    const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
    const cuts = fc.array(fc.nat(200), { maxLength: 10 });
    fc.assert(
      fc.property(text, cuts, (whole, positions) => {
        const bytes = Buffer.from(whole);
        const ends = [...new Set(positions.map((position) => position % (bytes.length + 1)))].sort(
          (a, b) => a - b,
        );
        const chunks = [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));

        expect(assemble(chunks)).toEqual(assemble([whole]));
      }),
      { numRuns: 1000 },
    );
  });

  it('returns every line of text without control characters', () => {
    const line = fc.stringMatching(/^[a-z0-9 é日]{0,20}$/);
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const shown = lines.filter((text) => text.trim() !== '');

        expect(assemble(lines.map((text) => `${text}\n`))).toEqual(shown);
      }),
    );
  });
});
