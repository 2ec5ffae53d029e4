/** Makes text safe to encode as UTF-8. */

/** A text that can be encoded as UTF-8, and whether it was repaired. */
export interface RepairedText {
  readonly text: string;
  readonly repaired: boolean;
}

/** Replaces lone surrogates with U+FFFD, because both of TensorBoard's readers stop at invalid UTF-8. */
export function toWellFormedText(text: string): RepairedText {
  return text.isWellFormed() ? { text, repaired: false } : { text: text.toWellFormed(), repaired: true };
}
