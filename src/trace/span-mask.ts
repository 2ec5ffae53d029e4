/** Wraps maskers so that they never fail. A text that cannot be masked is not written. */

import type { SpanMasker } from './span.js';

const UNMASKED = '[left out: the masker failed]';

/** Returns a masker that calls `mask`, and calls `onFailure` if it throws or does not return a string. */
export function toSafeMasker(
  mask: SpanMasker | undefined,
  onFailure: (cause: unknown) => void = () => undefined,
): SpanMasker | undefined {
  if (mask === undefined) return undefined;
  return (text, key) => {
    try {
      const masked: unknown = mask(text, key);
      if (typeof masked === 'string') return masked;
      onFailure(new TypeError(`the masker returned ${typeof masked}, expected a string`));
    } catch (cause) {
      onFailure(cause);
    }
    return UNMASKED;
  };
}

/** Returns the text masked, well-formed, and with at most `maxLength` characters. The masker receives `key` as its name. */
export function cleanText(
  text: string,
  key: string,
  mask: SpanMasker | undefined,
  maxLength = Number.POSITIVE_INFINITY,
): string {
  const masked = mask === undefined ? text : mask(text, key);
  return (masked.length > maxLength ? masked.slice(0, maxLength) : masked).toWellFormed();
}
