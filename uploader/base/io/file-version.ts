/** The attributes that show whether a file has changed since it was read. Excludes the device number, which changes with every mount. */
export interface FileVersion {
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
}

export function isSameVersion(a: FileVersion, b: FileVersion): boolean {
  return a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.ino === b.ino;
}

type Times = Pick<FileVersion, 'mtimeNs' | 'ctimeNs'>;

/**
 * Whether a file was changed within `forMs` before `wallMs`, by its timestamps. A modification time ahead of the clock says nothing about
 * when the file was changed, so the change time decides; if both are ahead, as on a file server with another clock, the answer is no.
 */
export function isChangedWithin(times: Times, wallMs: number, forMs: number): boolean {
  // The timestamp of a change just now may be slightly ahead.
  const ageMs = toAges(times, wallMs).find((age) => age > -forMs);
  return ageMs !== undefined && ageMs < forMs;
}

/** The time since the last change of a file, by its timestamps; 0 when both are ahead of the clock. */
export function toQuietMs(times: Times, wallMs: number): number {
  return toAges(times, wallMs).find((age) => age >= 0) ?? 0;
}

function toAges({ mtimeNs, ctimeNs }: Times, wallMs: number): number[] {
  return [mtimeNs, ctimeNs].map((ns) => wallMs - Number(ns / 1_000_000n));
}
