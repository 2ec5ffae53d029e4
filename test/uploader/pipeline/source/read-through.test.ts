import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeRecord } from '../../../../src/format/record/record-codec.js';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { parseRelPath } from '../../../../uploader/base/rel-path.js';
import { BufferPool } from '../../../../uploader/pipeline/source/buffer-pool.js';
import { type LocalFile, openLocalFile } from '../../../../uploader/pipeline/source/local-file.js';
import { HEAD_BYTES, readThrough } from '../../../../uploader/pipeline/source/read-through.js';
import { RecordScanner } from '../../../../uploader/pipeline/source/record-scanner.js';
import { createTempDir } from '../../../support/temp-dir.js';

const MIB = 1024 * 1024;
const pool = new BufferPool(1);

async function openFile(content: Buffer): Promise<{ file: LocalFile; path: string }> {
  const directory = createTempDir();
  const path = join(directory, 'file');
  writeFileSync(path, content);
  const place = { directory: Buffer.from(directory), path: parseRelPath('file') };
  const policy = { allowHardLinks: true };
  const file = await openLocalFile(nodeFileSystem, place, place.path, policy);
  onTestFinished(() => file.close());
  return { file, path };
}

/** Returns bytes that all differ from their neighbours. */
function someBytes(size: number): Buffer {
  return Buffer.from(
    Uint32Array.from({ length: size / 4 }, (_, index) => Math.imul(index, 2_654_435_761)).buffer,
  );
}

describe('readThrough', () => {
  it('returns the checksum of all bytes, of the bytes before a mark, and the growth state for the next check', async () => {
    const content = someBytes(21 * MIB);
    const { file } = await openFile(content);
    const mark = 9 * MIB + 4;

    const read = await readThrough(file, { from: 0, to: content.length, crc32: 0 }, { pool, mark });

    expect(read).toMatchObject({
      crc32OfAll: crc32(content),
      end: content.length,
      crc32AtMark: crc32(content.subarray(0, mark)),
      damageStart: null,
    });
    const { headCrc32, headBytes, extentStart, extentStartCrc32 } = read!.growth;
    expect([headCrc32, headBytes]).toEqual([crc32(content.subarray(0, HEAD_BYTES)), HEAD_BYTES]);
    expect(extentStartCrc32).toBe(crc32(content.subarray(0, extentStart)));
    // The last extent is long enough to detect changes, and short enough to be read again each time.
    expect(content.length - extentStart).toBeGreaterThanOrEqual(4 * MIB);
    expect(content.length - extentStart).toBeLessThanOrEqual(8 * MIB);
  });

  it('resumes an earlier read with the result of an uninterrupted one', async () => {
    const content = someBytes(14 * MIB);
    const { file } = await openFile(content);
    const whole = await readThrough(file, { from: 0, to: content.length, crc32: 0 }, { pool });
    const first = await readThrough(file, { from: 0, to: 6 * MIB + 8, crc32: 0 }, { pool });

    const stretch = { from: 6 * MIB + 8, to: content.length, crc32: first!.crc32 };
    const second = await readThrough(file, stretch, { pool, growth: first!.growth });

    expect(second).toEqual(whole);
  });

  it('ends at the last whole record of an event file, with the checksum up to that offset', async () => {
    const record = Buffer.from(encodeRecord(Buffer.from('x'.repeat(700_000))));
    const content = Buffer.concat([record, record, record.subarray(0, 400_000)]);
    const { file } = await openFile(content);

    const scanner = new RecordScanner(0, { acceptsDamage: false });
    const read = await readThrough(
      file,
      { from: 0, to: content.length, crc32: 0 },
      { pool, records: { scanner, from: 0 } },
    );

    const end = 2 * record.length;
    expect(read).toMatchObject({
      end,
      crc32: crc32(content.subarray(0, end)),
      crc32OfAll: crc32(content),
      growth: { recordEnd: end },
    });
  });

  it('returns null for a file that has become shorter', async () => {
    const { file, path } = await openFile(Buffer.alloc(1000));
    writeFileSync(path, 'short');

    expect(await readThrough(file, { from: 0, to: 1000, crc32: 0 }, { pool })).toBeNull();
    appendFileSync(path, 'x');
  });
});

describe('BufferPool', () => {
  it('lends each buffer to one caller at a time, first come, first served', async () => {
    const small = new BufferPool(1);
    const order: number[] = [];
    const work = (index: number) =>
      small.use(async (buffer) => {
        buffer.fill(index);
        await new Promise((resolve) => setTimeout(resolve, 1));
        expect(buffer.every((byte) => byte === index)).toBe(true);
        order.push(index);
      });

    await Promise.all([1, 2, 3].map(work));

    expect(order).toEqual([1, 2, 3]);
  });

  it('keeps one buffer while nothing is read', async () => {
    const three = new BufferPool(3);
    const takeAll = () =>
      Promise.all(
        [1, 2, 3].map(() =>
          three.use(async (buffer) => {
            await new Promise((resolve) => setTimeout(resolve, 1));
            return buffer;
          }),
        ),
      );
    const first = await takeAll();
    const second = await takeAll();
    expect(new Set([...first, ...second]).size).toBe(5);
  });
});
