/**
 * Builds events with HTML for Polyaxon, and a preview for TensorBoard's text dashboard.
 */

import { describe } from '../../base/describe.js';
import { InvalidArgumentError } from '../../base/errors.js';
import { toWellFormedText } from '../../base/well-formed-text.js';
import { createTextValue } from '../../summary/text.js';
import { toHtmlPreview } from './html-preview.js';
import { type KindEvent, valuePreview } from './kind-event.js';

/** Builds the event of an HTML page or fragment. Replaces lone surrogates, with a warning. Throws `ERR_HTML_INVALID`. */
export function createHtml(html: string): KindEvent {
  if (typeof html !== 'string') {
    throw new InvalidArgumentError(
      'ERR_HTML_INVALID',
      `html is ${describe(html)}, expected a string`,
      'Pass HTML as a string.',
    );
  }
  const { text, repaired } = toWellFormedText(html);
  const preview = toHtmlPreview(text);
  return {
    kind: 'html',
    value: text,
    preview:
      preview === ''
        ? undefined
        : valuePreview('html', 'text', (tag, labels) => createTextValue(tag, preview, labels)),
    warning: repaired
      ? { code: 'WARN_TEXT_REPAIRED', message: 'lone surrogates were replaced by U+FFFD' }
      : undefined,
  };
}
