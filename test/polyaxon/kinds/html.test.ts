import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeValue } from '../../../src/format/reader/plugin-value.js';
import { createHtml } from '../../../src/polyaxon/kinds/html.js';
import { toHtmlPreview } from '../../../src/polyaxon/kinds/html-preview.js';
import { measureCpuMs } from '../../support/cpu-time.js';

describe('createHtml', () => {
  it('keeps the HTML, and previews its text', () => {
    const event = createHtml('<b>é</b>');

    expect(event).toMatchObject({ kind: 'html', value: '<b>é</b>', warning: undefined });
    expect(decodeValue(event.preview!.create('t', {}).now())).toEqual({
      kind: 'text',
      shape: [],
      texts: ['<strong>é</strong>'],
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

describe('toHtmlPreview', () => {
  it.each([
    ['<h1>Title</h1><p>one<br>two</p>', '<h1>Title</h1><p>one<br>two</p>'],
    [
      '<p class="x">a <b>bold</b> <em>slanted</em> <code>x</code></p>',
      '<p>a <strong>bold</strong> <em>slanted</em> <code>x</code></p>',
    ],
    ['<ul>\n  <li>one</li></ul>', '<ul> <li>one</li></ul>'],
    ['<a href="x.html?a=1&amp;b=(2)">link</a>', '<a href="x.html?a=1&amp;b=(2)">link</a>'],
    ["<a href='a\"b'>link</a>", '<a href="a&quot;b">link</a>'],
    ['<a name=top>anchor</a>', '<a>anchor</a>'],
    [
      '<table><tr><th>a</th></tr><tr><td>2|3</td></tr></table>',
      '<table><tr><th>a</th></tr><tr><td>2&#124;3</td></tr></table>',
    ],
    ['<pre>  x\n   y</pre>', '<pre>  x\n   y</pre>'],
    ['<img src="a.png" alt="A &quot;plot&quot;">', '&#91;image: A &quot;plot&quot;&#93;'],
    ['<style>p { color: red }</style><head><title>t</title></head>text', 'text'],
    ['<!-- <p>not this</p> -->this', 'this'],
    ['<p title="a > b">x</p>', '<p>x</p>'],
    ['1 &lt; 2 &#65; &#x42; &nosuch;', '1 &lt; 2 &#65; &#x42; &nosuch;'],
    ['# 2 * 3 [x] _y_', '&#35; 2 &#42; 3 &#91;x&#93; &#95;y&#95;'],
    ['<constructor>a</constructor><tostring>b', 'ab'],
    ['<div>a</div><div>b<span>c</span></div>', '<p>a</p><p>bc</p>'],
    ['a < b', 'a &#60; b'],
    ['<p>unclosed <b>bold', '<p>unclosed <strong>bold'],
    ['<hr>', '<hr>'],
    ['<p> </p>', ''],
    ['', ''],
  ])('%s', (html, markdown) => {
    expect(toHtmlPreview(html)).toBe(markdown);
  });

  it('limits the length, and notes that the text was cut', () => {
    const markdown = toHtmlPreview(`<p>${'word '.repeat(100_000)}</p>`);

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
      toHtmlPreview(piece.repeat(200_000));
      toHtmlPreview(`<script>${piece.repeat(200_000)}`);
      toHtmlPreview(`<a ${piece.repeat(200_000)}>`);
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
          expect(toHtmlPreview(html).isWellFormed()).toBe(true);
        },
      ),
    );
  });
});
