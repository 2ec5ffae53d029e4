/** The result of each combination of checksums. */

import { describe, expect, it } from 'vitest';
import {
  compare,
  type LocalFacts,
  type ObjectFacts,
} from '../../../../uploader/operations/verify/compare.js';
import type { ManifestLine } from '../../../../uploader/pipeline/manifest/manifest.js';

const A = { sizeBytes: 10, crc32: 1, sha256: 'a'.repeat(64) };
const B = { sizeBytes: 10, crc32: 2, sha256: 'b'.repeat(64) };
const SHORT = { sizeBytes: 4, crc32: 3, sha256: 'c'.repeat(64) };
/** A different file with the same CRC-32. */
const FORGED = { ...A, sha256: 'f'.repeat(64) };

function local(sums: typeof A, crc32AtMark: number | null = null): LocalFacts {
  return { ...sums, crc32AtMark };
}

function object(sums: typeof A, etag = 'e', isRead = false): ObjectFacts {
  return { ...sums, etag, sha256: isRead ? sums.sha256 : null };
}

function line(sums: typeof A): ManifestLine {
  return { path: 'p', etag: 'e', verifiedAt: '2026-01-01', proof: 'commit', ...sums };
}

const GROWING = local({ ...A, sizeBytes: 12 }, SHORT.crc32);

describe('compare', () => {
  it.each([
    ['all agree', local(A), object(A), line(A), 'ended', null],
    ['no manifest', local(A), object(A), undefined, 'ended', null],
    ['synced again since the manifest', local(B), object(B, 'newer'), line(A), 'ended', null],
    ['no object', local(A), null, line(A), 'ended', 'missing'],
    ['no object yet', local(A), null, undefined, 'live', 'behind'],
    ['object deleted', local(A), null, line(A), 'live', 'missing'],
    ['other bytes in the store', local(A), object(B, 'other'), line(A), 'ended', 'damaged'],
    ['fewer bytes in the store', local(A), object(SHORT, 'other'), line(A), 'ended', 'shortened'],
    ['other bytes on disk', local(B), object(A), line(A), 'ended', 'changed'],
    ['no manifest, different bytes', local(A), object(B), undefined, 'ended', 'differs'],
    ['neither matches the manifest', local(SHORT), object(B), line(A), 'ended', 'differs'],
    ['the same CRC-32 on disk, different SHA-256', local(FORGED), object(A), line(A), 'ended', 'changed'],
    [
      'the same CRC-32 in the store, different SHA-256',
      local(A),
      object(FORGED, 'e', true),
      line(A),
      'ended',
      'damaged',
    ],
    ['the beginning, still written', GROWING, object(SHORT), undefined, 'live', 'behind'],
    ['the beginning of an ended run', GROWING, object(SHORT), undefined, 'ended', 'shortened'],
    ['not on disk', null, object(A), line(A), 'ended', null],
    ['not on disk and damaged', null, object(B, 'other'), line(A), 'ended', 'damaged'],
    ['not on disk and grown since', null, object(B, 'newer'), line(A), 'live', null],
  ] as const)('%s', (_, here, there, manifest, liveness, finding) => {
    expect(compare(here, there, manifest, { isLive: liveness === 'live' })?.finding ?? null).toBe(finding);
  });
});
