/** Checksums of a growing file, kept while the uploader runs: a cheap way to detect that the file only grew. */
export interface GrowthState {
  /** CRC-32 of the first `HEAD_BYTES` bytes, or of the whole file if it is shorter. */
  readonly headCrc32: number;
  readonly headBytes: number;
  /** Start of the last extent, and the CRC-32 of the bytes before it. With the extent read again, it must give the CRC-32 of all. */
  readonly extentStart: number;
  readonly extentStartCrc32: number;
  /** For an event file, the end of the last whole record that was read. */
  readonly recordEnd: number;
}
