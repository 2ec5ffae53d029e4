/**
 * Text that can be encoded as UTF-8.
 */

/** A text that can be encoded as UTF-8, and whether it had to be repaired for that. */
export interface RepairedText {
  readonly text: string;
  readonly repaired: boolean;
}

/** Replaces lone surrogates by U+FFFD: both of TensorBoard's readers stop at invalid UTF-8. */
export function toWellFormedText(text: string): RepairedText {
  return text.isWellFormed() ? { text, repaired: false } : { text: text.toWellFormed(), repaired: true };
}
