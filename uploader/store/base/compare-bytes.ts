/** The order of keys in listings: by their UTF-8 bytes. */

export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
