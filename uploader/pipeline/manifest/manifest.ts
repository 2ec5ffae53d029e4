/**
 * Encodes and parses manifests: the list of verified objects of a run, stored beside its files. Pure.
 *
 * `<uuid>/.plx/manifest/<fingerprint>.jsonl` has JSON lines: a header, one line for each file, and an end line with their number. The
 * fingerprint covers all objects of the run, so a listing shows whether a manifest for the current objects exists. A line describes the
 * object when it was verified, and how. A file gets a line only by verification, never merely by being sent.
 */

import { createHash } from 'node:crypto';
import { MANIFEST_DIRECTORY } from '../../base/rel-path.js';
import type { ObjectVersion } from '../../store/base/store.js';

/** `commit`: the store checked the bytes on upload and still has the object. `checksum`: it returned the checksum. `read`: all bytes were read back. */
type Proof = 'commit' | 'checksum' | 'read';

export interface ManifestLine {
  /** Path inside the run, as in the key. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly crc32: number;
  /** Hex; SHA-256 of the local file, whose size and CRC-32 matched the object. */
  readonly sha256: string;
  /** The store's identifier of this version of the object: its ETag, or the `generation` in Google Cloud Storage. */
  readonly etag: string;
  /** Time of the verification, in ISO 8601 format. */
  readonly verifiedAt: string;
  readonly proof: Proof;
}

export interface Manifest {
  readonly runUuid: string;
  /** Name of the store, without credentials. */
  readonly store: string;
  readonly writtenAt: string;
  readonly lines: readonly ManifestLine[];
}

const VERSION = 1;
const PROOFS: readonly unknown[] = ['commit', 'checksum', 'read'];

export function toManifestKey(runUuid: string, fingerprint: string): string {
  return `${runUuid}/${MANIFEST_DIRECTORY}/${fingerprint}.jsonl`;
}

/** Returns the fingerprint of a run's objects, 32 hex digits: equal for the same paths, sizes and ETags in any order. */
export function toFingerprint(files: Iterable<readonly [path: string, object: ObjectVersion]>): string {
  const lines = [...files].map(([path, { sizeBytes, etag }]) => `${path}\0${sizeBytes}\0${etag}\n`);
  const hash = createHash('sha256');
  for (const line of lines.sort()) hash.update(line);
  return hash.digest('hex').slice(0, 32);
}

export function encodeManifest({ runUuid, store, writtenAt, lines }: Manifest): Buffer {
  const header = { kind: 'manifest', version: VERSION, run: runUuid, store, written: writtenAt };
  const rows = lines.map((line) => ({
    path: line.path,
    size: line.sizeBytes,
    crc32: line.crc32.toString(16).padStart(8, '0'),
    sha256: line.sha256,
    etag: line.etag,
    verified: line.verifiedAt,
    proof: line.proof,
  }));
  const all = [header, ...rows, { kind: 'end', files: lines.length }];
  return Buffer.from(all.map((value) => `${JSON.stringify(value)}\n`).join(''));
}

/** Parses a manifest; null when it is incomplete or invalid, and therefore proves nothing. */
export function parseManifest(bytes: Buffer): Manifest | null {
  try {
    const [header, ...rest] = bytes
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    const end = rest.pop();
    if (header?.kind !== 'manifest' || header.version !== VERSION) return null;
    if (end?.kind !== 'end' || end.files !== rest.length) return null;
    const lines = rest.map(toLine);
    if (lines.includes(null)) return null;
    return {
      runUuid: String(header.run),
      store: String(header.store),
      writtenAt: String(header.written),
      lines: lines.filter((line) => line !== null),
    };
  } catch {
    return null; // not JSON lines
  }
}

function toLine(row: Readonly<Record<string, unknown>>): ManifestLine | null {
  const { path, size, crc32, sha256, etag, verified, proof } = row;
  if (typeof path !== 'string' || typeof size !== 'number' || !Number.isSafeInteger(size)) return null;
  if (typeof crc32 !== 'string' || !/^[0-9a-f]{8}$/.test(crc32)) return null;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return null;
  if (typeof etag !== 'string' || typeof verified !== 'string' || !PROOFS.includes(proof)) return null;
  return {
    path,
    sizeBytes: size,
    crc32: Number.parseInt(crc32, 16),
    sha256,
    etag,
    verifiedAt: verified,
    proof: proof as Proof,
  };
}
