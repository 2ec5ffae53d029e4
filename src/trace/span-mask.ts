/** Wraps maskers so that they never fail. A text that cannot be masked is not written. */

import type { Diagnostics } from '../base/diagnostics.js';
import { messageOf } from '../base/errors.js';
import type { SpanMasker } from './span.js';

const UNMASKED = '[left out: the masker failed]';

/** Returns a masker that calls `mask`, and warns if it throws or does not return a string. */
export function toSafeMasker(
  mask: SpanMasker | undefined,
  diagnostics?: Diagnostics,
): SpanMasker | undefined {
  if (mask === undefined) return undefined;
  const warn = (cause: unknown): void =>
    diagnostics?.warn('WARN_SPAN_MASK', `a masker failed; the text is omitted: ${messageOf(cause)}`);
  return (text, key) => {
    try {
      const masked: unknown = mask(text, key);
      if (typeof masked === 'string') return masked;
      warn(new TypeError(`the masker returned ${typeof masked}, expected a string`));
    } catch (cause) {
      warn(cause);
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
