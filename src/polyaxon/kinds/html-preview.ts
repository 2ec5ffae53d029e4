/**
 * The preview of HTML in TensorBoard's text dashboard, which renders some tags in Markdown itself and shows all others as text.
 *
 * Source: tensorboard/plugin_util.py (`_ALLOWED_TAGS`). Takes linear time for any input. Malformed HTML never causes an error.
 */

/** The maximum numbers of characters read and written: a preview need not be complete. */
const MAX_INPUT = 256 * 1024;
const MAX_OUTPUT = 16 * 1024;

const SHOWN: ReadonlySet<string> = new Set([
  ...['ul', 'ol', 'li', 'p', 'pre', 'code', 'blockquote', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'br'],
  ...['strong', 'em', 'a', 'img', 'table', 'thead', 'tbody', 'td', 'tr', 'th'],
]);
/** Tags that are shown as another one; of other blocks, the words must not run into each other. */
const SAME: ReadonlyMap<string, string> = new Map([
  ['b', 'strong'],
  ['i', 'em'],
  ...[
    'div',
    'section',
    'article',
    'header',
    'footer',
    'main',
    'figure',
    'figcaption',
    'form',
    'dt',
    'dd',
  ].map((name) => [name, 'p'] as const),
]);
/** Elements whose content is not text. */
const HIDDEN: ReadonlySet<string> = new Set([
  ...['script', 'style', 'head', 'template', 'noscript', 'svg', 'math', 'iframe', 'object'],
]);

/** A comment; a tag with its attributes; a declaration; text. */
const TOKEN =
  /<!--[\s\S]*?(?:-->|$)|<(\/?)([a-z][a-z0-9-]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>?|<[!?/][^>]*>?|<|[^<]+/giy;
/** What Markdown would interpret. Entities mean the same there and in HTML blocks. */
const MARKDOWN = /[\\*_`[\]|~<>]|(?<!&)#/g;

/** Returns the text with the tags that TensorBoard renders; '' without text. Has at most 16 KiB, and a note if it was cut. */
export function toHtmlPreview(html: string): string {
  const input = html.slice(0, MAX_INPUT);
  const parts: string[] = [];
  let at = 0;
  let length = 0;
  let isEmpty = true;
  let isPreformatted = false;
  while (at < input.length && length <= MAX_OUTPUT) {
    TOKEN.lastIndex = at;
    const [token = '', slash = '', tag, attributes = ''] = TOKEN.exec(input) ?? [];
    at += token.length;
    const name = tag?.toLowerCase() ?? '';
    let part = '';
    if (HIDDEN.has(name) && slash === '' && !token.endsWith('/>')) at = findClosing(input, name, at);
    else if (tag !== undefined) {
      part = toTag(SAME.get(name) ?? name, slash, attributes);
      if (name === 'pre') isPreformatted = slash === '';
      if (name === 'hr' || name === 'img') isEmpty = false;
    } else if (!/^<./.test(token)) {
      part = toText((isPreformatted ? token : token.replace(/\s+/g, ' ')).slice(0, MAX_OUTPUT));
      isEmpty &&= part.trim() === '';
    }
    parts.push(part);
    length += part.length;
  }
  if (isEmpty) return '';
  const preview = parts.join('').trim();
  if (preview.length <= MAX_OUTPUT && at >= html.length) return preview;
  return `${preview.slice(0, MAX_OUTPUT).toWellFormed()}\n\n… (cut; the HTML has ${html.length} characters)`;
}

function toTag(name: string, slash: string, attributes: string): string {
  if (!SHOWN.has(name)) return '';
  if (slash === '' && name === 'img') return toText(`[image: ${attributeOf(attributes, 'alt') ?? ''}]`);
  const href = slash === '' && name === 'a' ? attributeOf(attributes, 'href') : undefined;
  return href === undefined ? `<${slash}${name}>` : `<a href="${href.replaceAll('"', '&quot;')}">`;
}

/** Returns an attribute with its entities. */
function attributeOf(attributes: string, name: string): string | undefined {
  const match = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, 'i').exec(
    attributes,
  );
  return match?.[1] ?? match?.[2] ?? match?.[3];
}

function toText(text: string): string {
  return text.replace(MARKDOWN, (character) => `&#${character.charCodeAt(0)};`);
}

function findClosing(html: string, name: string, from: number): number {
  const closing = new RegExp(`</${name}`, 'gi');
  closing.lastIndex = from;
  return closing.exec(html)?.index ?? html.length;
}
