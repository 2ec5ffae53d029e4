import type { Readable } from 'node:stream';
import { buffer as readAll } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../../src/format/record/crc32c.js';
import { readPart, scan } from '../../../../uploader/store/base/source-checksums.js';
import type { CommitRequest } from '../../../../uploader/store/base/store.js';
import { someBytes, toSource } from './contract.js';

const MIB = 1024 * 1024;

function toRequest(bytes: Buffer, signal?: AbortSignal): CommitRequest {
  const target = { sizeBytes: bytes.length, crc32: crc32(bytes) };
  return { key: 'run/file', base: null, commitId: '1', source: toSource(bytes), target, signal };
}

describe('scan', () => {
  it('returns both checksums of a range, also of several pieces, and null for a source that is too short', async () => {
    const bytes = someBytes(3 * MIB + 7);
    const range = { start: 5, end: 3 * MIB + 2 };
    const part = bytes.subarray(range.start, range.end);

    expect(await scan(toRequest(bytes), range)).toEqual({ crc32: crc32(part), crc32c: 0 });
    expect(await scan(toRequest(bytes), range, true)).toEqual({
      crc32: crc32(part),
      crc32c: crc32c(part, 0, part.length),
    });
    expect(await scan(toRequest(bytes), { start: 0, end: bytes.length + 1 })).toBeNull();
    expect(await scan(toRequest(bytes), { start: 4, end: 4 })).toEqual({ crc32: 0, crc32c: 0 });
  });

  it('ends when the signal is aborted', async () => {
    const reason = new Error('stop');
    const request = toRequest(someBytes(10), AbortSignal.abort(reason));

    await expect(scan(request, { start: 0, end: 10 })).rejects.toBe(reason);
  });
});

describe('readPart', () => {
  const bytes = someBytes(2 * MIB);
  const range = { start: 3, end: 2 * MIB - 1 };
  const part = bytes.subarray(range.start, range.end);
  const expected = { crc32: crc32(part), sizeBytes: part.length };

  it('reads into a buffer, and gives the same bytes to each request', async () => {
    const body = await readPart(range, toRequest(bytes), Buffer.alloc(part.length));

    expect(body).toMatchObject({ ...expected, isBuffer: true });
    expect(part.equals(body?.open() as Buffer)).toBe(true);
    expect(body?.open()).toBe(body?.open());
  });

  it('reads without a buffer for the checksum, and again for each request', async () => {
    const body = await readPart(range, toRequest(bytes), null);

    expect(body).toMatchObject({ ...expected, isBuffer: false });
    for (let request = 0; request < 2; request += 1)
      expect(part.equals(await readAll(body?.open() as Readable))).toBe(true);
  });

  it('is null for a source that has become too short', async () => {
    for (const buffer of [null, Buffer.alloc(100)])
      expect(await readPart({ start: 0, end: 100 }, toRequest(someBytes(99)), buffer)).toBeNull();
  });
});
