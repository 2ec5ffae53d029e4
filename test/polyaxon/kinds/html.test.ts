import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeValue } from '../../../src/format/reader/plugin-value.js';
import { createHtml } from '../../../src/polyaxon/kinds/html.js';
import { htmlToMarkdown } from '../../../src/polyaxon/kinds/html-to-markdown.js';
import { measureCpuMs } from '../../support/cpu-time.js';

describe('createHtml', () => {
  it('keeps the HTML, and previews its text', () => {
    const event = createHtml('<b>é</b>');

    expect(event).toMatchObject({ kind: 'html', value: '<b>é</b>', warning: undefined });
    expect(decodeValue(event.preview!.create('t', {}).now())).toEqual({
      kind: 'text',
      shape: [],
      texts: ['**é**'],
    });
  });

  it('has no preview if it contains no text', () => {
    expect(createHtml('<canvas></canvas><script>draw()</script>').preview).toBeUndefined();
  });

  it('warns about repaired text', () => {
    expect(createHtml('a\ud800')).toMatchObject({
      value: 'a\ufffd',
      warning: { code: 'WARN_TEXT_REPAIRED' },
    });
  });

  it.each([undefined, 5, ['<b>']])('rejects %j', (html) => {
    expect(() => createHtml(html as never)).toThrow(expect.objectContaining({ code: 'ERR_HTML_INVALID' }));
  });
});

describe('htmlToMarkdown', () => {
  it.each([
    ['<h1>Title</h1><p>one<br>two</p>', '# Title\n\none\ntwo'],
    ['<p>a <b>bold</b> and <em>slanted</em> <code>x</code></p>', 'a **bold** and *slanted* `x`'],
    ['<ul><li>one</li><li>two</li></ul>', '- one\n\n- two'],
    ['<a href="x.html?a=1&amp;b=(2)">link</a>', '[link](x.html?a=1&b=%282%29)'],
    ['<a name=top>anchor</a>', 'anchor'],
    [
      '<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2|3</td></tr></table>',
      '| a | b |\n| --- | --- |\n| 1 | 2\\|3 |',
    ],
    ['<pre>  x\n   y</pre>', '```\n  x\n   y\n```'],
    ['<img src="a.png" alt="A &quot;plot&quot;">', '[image: A "plot"]'],
    ['<style>p { color: red }</style><head><title>t</title></head>text', 'text'],
    ['<!-- <p>not this</p> -->this', 'this'],
    ['<p title="a > b">x</p>', 'x'],
    ['1 &lt; 2 &#65; &#x42; &nosuch; &constructor;', '1 \\< 2 A B &nosuch; &constructor;'],
    ['2 * 3 [x] _y_', '2 \\* 3 \\[x\\] \\_y\\_'],
    ['<constructor>a</constructor><tostring>b', 'ab'],
    ['a < b', 'a \\< b'],
    ['<p>unclosed <b>bold', 'unclosed **bold'],
    ['<hr>', '---'],
    ['', ''],
  ])('%s', (html, markdown) => {
    expect(htmlToMarkdown(html)).toBe(markdown);
  });

  it('limits the length, and notes that the text was cut', () => {
    const markdown = htmlToMarkdown(`<p>${'word '.repeat(100_000)}</p>`);

    expect(markdown.length).toBeLessThan(17_000);
    expect(markdown).toMatch(/… \(cut; the HTML has 500007 characters\)$/);
  });

  it.each([
    '<',
    '</script',
    '<script></script',
    '<a ',
    '<a href="',
    '<!--',
    '&#x',
    '<b>',
    '<td>',
    '<pre>  ',
    ' href ',
  ])('processes a repeated %j in linear time', (piece) => {
    const cpuMs = measureCpuMs(() => {
      htmlToMarkdown(piece.repeat(200_000));
      htmlToMarkdown(`<script>${piece.repeat(200_000)}`);
      htmlToMarkdown(`<a ${piece.repeat(200_000)}>`);
    });

    // Quadratic time would be minutes.
    expect(cpuMs).toBeLessThan(20_000);
  });

  it('returns text for any input', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('<', '>', '/', 'p', 'b', '"', '=', ' ', '&', ';', '!', '-', 'td'),
        }),
        (html) => {
          expect(htmlToMarkdown(html).isWellFormed()).toBe(true);
        },
      ),
    );
  });
});
