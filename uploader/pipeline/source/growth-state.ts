/** What is remembered, while the uploader runs, of a file that is extended in the store: cheap evidence that it only grew. */
export interface GrowthState {
  /** CRC-32 of the first `HEAD_BYTES` bytes, or of all when there are fewer. */
  readonly headCrc32: number;
  readonly headBytes: number;
  /** Where the last extent begins, and the CRC-32 of the bytes before it: its own bytes, read again, must lead to the CRC of all. */
  readonly extentStart: number;
  readonly extentStartCrc32: number;
  /** Of an event file: the end of the last whole record that was seen. */
  readonly recordEnd: number;
}
