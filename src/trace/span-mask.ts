/** Maskers that cannot fail: a text that could not be masked is not written. */

import type { SpanMasker } from './span.js';

const UNMASKED = '[left out: the masker failed]';

/** As `mask`; `onFailure` is told when it throws or gives no text. */
export function toSafeMasker(
  mask: SpanMasker | undefined,
  onFailure: (cause: unknown) => void = () => undefined,
): SpanMasker | undefined {
  if (mask === undefined) return undefined;
  return (text, key) => {
    try {
      const masked: unknown = mask(text, key);
      if (typeof masked === 'string') return masked;
      onFailure(new TypeError(`the masker gave ${typeof masked}, expected a string`));
    } catch (cause) {
      onFailure(cause);
    }
    return UNMASKED;
  };
}

/** A text that stands under `key`, masked, of at most `maxLength` characters, and fit for UTF-8. */
export function cleanText(
  text: string,
  key: string,
  mask: SpanMasker | undefined,
  maxLength = Number.POSITIVE_INFINITY,
): string {
  const masked = mask === undefined ? text : mask(text, key);
  return (masked.length > maxLength ? masked.slice(0, maxLength) : masked).toWellFormed();
}
