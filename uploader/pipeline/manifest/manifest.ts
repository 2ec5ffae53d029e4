/**
 * Receipts: what was verified of a run in the store, as an object beside its files. Pure.
 *
 * `<uuid>/.plx/manifest/<fingerprint>.jsonl`, JSON lines: a header, one line for each file, and an end that counts them. The fingerprint is that of all
 * objects of the run at that moment, so that a listing alone tells whether there is a receipt for what is stored now. A line says what the
 * object was when it was verified, and how that was proven; nothing gets a line by having been sent.
 */

import { createHash } from 'node:crypto';
import { RESERVED_DIRECTORY } from '../../base/rel-path.js';
import type { ObjectVersion } from '../../store/base/store.js';

/** `commit`: the store checked the bytes when it took them, and has that object still. `checksum`: it told the object's checksum. `read`: all bytes were read back. */
export type Proof = 'commit' | 'checksum' | 'read';

export interface ManifestLine {
  /** Inside the run, as in the key. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly crc32: number;
  /** Hex; of the local file, whose size and CRC-32 were those of the object. */
  readonly sha256: string;
  /** Or generation: what the store calls this object. */
  readonly etag: string;
  /** When it was verified, in ISO form. */
  readonly verifiedAt: string;
  readonly proof: Proof;
}

export interface Manifest {
  readonly runUuid: string;
  /** The store's name, without credentials. */
  readonly store: string;
  readonly writtenAt: string;
  readonly lines: readonly ManifestLine[];
}

const VERSION = 1;
const PROOFS: readonly unknown[] = ['commit', 'checksum', 'read'];

export function toManifestKey(runUuid: string, fingerprint: string): string {
  return `${runUuid}/${RESERVED_DIRECTORY}/receipt/${fingerprint}.jsonl`;
}

/** Names a state of a run's objects: equal for the same paths, sizes and ETags in any order. 32 hex digits. */
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

/** Null for what is no whole receipt: it proves nothing then. */
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
    return null; // no JSON lines
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
