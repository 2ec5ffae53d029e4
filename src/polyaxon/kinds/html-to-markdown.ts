/**
 * Extracts the text of HTML as Markdown: a readable preview, not a faithful conversion.
 *
 * Takes linear time for any input. Malformed HTML never causes an error.
 */

/** The maximum numbers of characters read and written: a preview need not be complete. */
const MAX_INPUT = 256 * 1024;
const MAX_OUTPUT = 16 * 1024;

/** Elements whose content is not text. */
const HIDDEN = new Set([
  'script',
  'style',
  'head',
  'template',
  'noscript',
  'svg',
  'math',
  'iframe',
  'object',
]);
/** Block elements, and the text that starts their line. */
const BLOCKS = new Map(
  Object.entries({
    h1: '# ',
    h2: '## ',
    h3: '### ',
    h4: '#### ',
    h5: '##### ',
    h6: '###### ',
    li: '- ',
    blockquote: '> ',
    p: '',
    div: '',
    section: '',
    article: '',
    header: '',
    footer: '',
    main: '',
    figure: '',
    figcaption: '',
    ul: '',
    ol: '',
    dl: '',
    dt: '',
    dd: '',
    table: '',
    form: '',
    pre: '',
    hr: '',
  }),
);
/** Inline elements, and their Markdown markers. */
const INLINE = new Map(Object.entries({ b: '**', strong: '**', i: '*', em: '*', code: '`' }));

const ENTITIES = new Map(
  Object.entries({
    amp: '&',
    lt: '<',
    gt: '>',
    quot: '"',
    apos: "'",
    nbsp: ' ',
    hellip: '…',
    mdash: '—',
    ndash: '–',
    bull: '•',
    middot: '·',
    times: '×',
    copy: '©',
    deg: '°',
    plusmn: '±',
    larr: '←',
    rarr: '→',
  }),
);

/** Converts headings, lists, tables, links and emphasis to Markdown; at most 16 KiB, with a note if the text was cut. */
export function htmlToMarkdown(html: string): string {
  const writer = new MarkdownWriter();
  const end = Math.min(html.length, MAX_INPUT);
  let at = 0;
  while (at < end && writer.length <= MAX_OUTPUT) {
    const open = html.indexOf('<', at);
    if (open < 0 || open >= end) {
      writer.text(html.slice(at, end));
      at = end;
      break;
    }
    if (open > at) writer.text(html.slice(at, open));
    at = skipTag(html, open, writer);
  }
  const markdown = writer.toString();
  if (markdown.length <= MAX_OUTPUT && at >= html.length) return markdown;
  return `${markdown.slice(0, MAX_OUTPUT).toWellFormed()}\n\n… (cut; the HTML has ${html.length} characters)`;
}

/** Processes the tag, comment or plain `<` at `open`. Returns the index after it. */
function skipTag(html: string, open: number, writer: MarkdownWriter): number {
  if (html.startsWith('<!--', open)) return after(html, '-->', open + 4);
  const tag = /^<(\/?)([a-z][a-z0-9-]*)/i.exec(html.slice(open, open + 32));
  if (tag === null) {
    if (/^<[!?/]/.test(html.slice(open, open + 2))) return after(html, '>', open);
    writer.text('<');
    return open + 1;
  }
  const end = endOfTag(html, open + tag[0].length);
  const name = tag[2]!.toLowerCase();
  const isClosing = tag[1] === '/';
  if (isClosing) writer.close(name);
  else if (HIDDEN.has(name)) {
    if (html[end - 2] === '/') return end;
    return endOfHidden(html, name, end);
  } else writer.open(name, html.slice(open + tag[0].length, end - 1));
  return end;
}

/** Returns the index after the `>` that ends a tag. Ignores `>` in quoted attributes. */
function endOfTag(html: string, from: number): number {
  let quote = '';
  for (let at = from; at < html.length; at++) {
    const character = html[at]!;
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '>') return at + 1;
  }
  return html.length;
}

function endOfHidden(html: string, name: string, from: number): number {
  const closing = new RegExp(`</${name}`, 'gi');
  closing.lastIndex = from;
  const match = closing.exec(html);
  return match === null ? html.length : after(html, '>', match.index);
}

function after(html: string, mark: string, from: number): number {
  const at = html.indexOf(mark, from);
  return at < 0 ? html.length : at + mark.length;
}

/** Builds the Markdown: collapses white space and starts a line for each block. */
class MarkdownWriter {
  readonly #parts: string[] = [];
  #links: (string | undefined)[] = [];
  #isPreformatted = false;
  #isLineStart = true;
  #cells = 0;
  #rows = 0;
  length = 0;

  text(raw: string): void {
    const decoded = decodeEntities(raw);
    if (this.#isPreformatted) {
      this.#put(decoded);
      return;
    }
    const spaced = decoded.replace(/\s+/g, ' ');
    const text = this.#isLineStart ? spaced.trimStart() : spaced;
    if (text !== '') this.#put(text.replace(this.#cells > 0 ? /[\\*_`[\]<|]/g : /[\\*_`[\]<]/g, '\\$&'));
  }

  open(name: string, attributes: string): void {
    if (name === 'br') this.#line();
    else if (name === 'img') this.#put(`[image: ${attributeOf(attributes, 'alt') ?? ''}]`);
    else if (name === 'td' || name === 'th') {
      this.#put(this.#cells++ === 0 ? '| ' : ' | ');
    } else if (name === 'tr') {
      this.#line();
      this.#cells = 0;
    } else if (name === 'a') {
      const href = attributeOf(attributes, 'href');
      this.#links.push(href);
      if (href !== undefined) this.#put('[');
    } else if (BLOCKS.has(name)) this.#openBlock(name);
    else if (!this.#isPreformatted) this.#put(INLINE.get(name) ?? '');
  }

  close(name: string): void {
    if (name === 'tr') this.#closeRow();
    else if (name === 'a') {
      const href = this.#links.pop();
      if (href !== undefined) this.#put(`](${href.replace(/[\s()<>]/g, toPercent)})`);
    } else if (name === 'pre') {
      this.#isPreformatted = false;
      this.#put('\n```');
      this.#block();
    } else if (BLOCKS.has(name)) this.#block();
    else if (!this.#isPreformatted) this.#put(INLINE.get(name) ?? '');
  }

  toString(): string {
    return this.#parts
      .join('')
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim();
  }

  #openBlock(name: string): void {
    this.#block();
    if (name === 'table') this.#rows = 0;
    if (name === 'pre') {
      this.#put('```\n');
      this.#isPreformatted = true;
    } else if (name === 'hr') {
      this.#put('---');
      this.#block();
    } else {
      this.#put(BLOCKS.get(name)!);
      this.#isLineStart = true;
    }
  }

  /** Ends a table row. Markdown requires a delimiter row after the first. */
  #closeRow(): void {
    if (this.#cells === 0) return;
    this.#put(' |');
    if (this.#rows++ === 0) this.#put(`\n${'| --- '.repeat(this.#cells)}|`);
    this.#cells = 0;
  }

  #line(): void {
    if (!this.#isLineStart) this.#put('\n');
    this.#isLineStart = true;
  }

  #block(): void {
    this.#put('\n\n');
    this.#isLineStart = true;
  }

  #put(text: string): void {
    if (text === '' || this.length > MAX_OUTPUT) return;
    const part = text.slice(0, MAX_OUTPUT + 1);
    this.#parts.push(part);
    this.length += part.length;
    this.#isLineStart = text.endsWith('\n');
  }
}

function attributeOf(attributes: string, name: string): string | undefined {
  const match = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, 'i').exec(
    attributes,
  );
  const value = match?.[1] ?? match?.[2] ?? match?.[3];
  return value === undefined ? undefined : decodeEntities(value).replace(/\s+/g, ' ');
}

/** `encodeURIComponent` does not encode brackets, which would end a link. */
function toPercent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES.get(name) ?? whole;
    const code = decimal !== undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code).toWellFormed() : whole;
  });
}
