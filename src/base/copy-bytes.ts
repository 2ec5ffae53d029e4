/** A copy of bytes that the caller may change or reuse. Not `slice`: that of a `Buffer` shares its memory. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
