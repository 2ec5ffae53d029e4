/** The files of archives are compared with Python's `tarfile` and with GNU tar, which write and read them. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { checksumTar, encodeTarFile, TAR_END, type TarChecksum } from '../../../uploader/base/tar.js';
import { describeWithPeers } from '../../support/peers.js';
import { runPython } from '../../support/python.js';
import { createTempDir } from '../../support/temp-dir.js';

const LONG = `${'directory/'.repeat(12)}${'n'.repeat(150)}`;
const FILES = new Map(
  [
    ['empty', 0],
    ['one', 1],
    ['below', 511],
    ['block', 512],
    ['above', 513],
    ['blocks', 10 * 512],
    ['deep/er/file', 700],
    ['with space', 3],
    ['n'.repeat(100), 5],
    [`${'d'.repeat(60)}/${'n'.repeat(60)}`, 6],
    [LONG, 512],
    ['é 日本/😀.txt', 4],
    ['é'.repeat(90), 1024],
  ].map(([name, size]) => [name as string, someBytes(size as number)]),
);

function someBytes(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, index) => (index * 7 + size) % 251));
}

function encodeAll(): Buffer {
  return Buffer.concat([...[...FILES].map(([name, bytes]) => encodeTarFile(name, bytes, 1e9)), TAR_END]);
}

/** Passes the archive in pieces of this size. */
async function checksumAll(archive: Buffer, pieceBytes = 1000): Promise<TarChecksum[]> {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let start = 0; start < archive.length; start += pieceBytes)
      yield archive.subarray(start, start + pieceBytes);
  }
  const found: TarChecksum[] = [];
  for await (const file of checksumTar(pieces())) found.push(file);
  return found;
}

function byName(files: readonly TarChecksum[]): TarChecksum[] {
  return [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const EXPECTED = byName(
  [...FILES].map(([name, bytes]) => ({ name, sizeBytes: bytes.length, crc32: crc32(bytes) })),
);

function writeFiles(directory: string): void {
  for (const [name, bytes] of FILES) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), bytes);
  }
}

function expectFiles(directory: string): void {
  for (const [name, bytes] of FILES) expect(readFileSync(join(directory, name)), name).toEqual(bytes);
}

describe('encodeTarFile', () => {
  it('writes archives that GNU tar extracts', () => {
    const directory = createTempDir();

    execFileSync('tar', ['-x', '-C', directory], { input: encodeAll() });

    expectFiles(directory);
  });

  it('writes archives that checksumTar reads', async () => {
    expect(byName(await checksumAll(encodeAll()))).toEqual(EXPECTED);
  });
});

describe('checksumTar', () => {
  it.each(['gnu', 'pax', 'ustar'])('reads archives of GNU tar in the format %s', async (format) => {
    const directory = createTempDir();
    writeFiles(directory);
    // The names that this format can hold.
    const names = [...FILES.keys()].filter((name) => format !== 'ustar' || Buffer.byteLength(name) < 130);

    const options = [`--format=${format}`, '-C', directory];
    const archive = execFileSync('tar', ['-c', ...options, ...names], { maxBuffer: 1024 * 1024 });

    const expected = EXPECTED.filter(({ name }) => names.includes(name));
    expect(byName(await checksumAll(archive))).toEqual(expected);
  });

  it('passes over directories and links', async () => {
    const directory = createTempDir();
    mkdirSync(join(directory, 'a'));
    writeFileSync(join(directory, 'a/file'), 'x');
    execFileSync('ln', ['-s', 'file', join(directory, 'a/link')]);

    const archive = execFileSync('tar', ['-c', '-C', directory, 'a']);

    expect(await checksumAll(archive)).toEqual([
      { name: 'a/file', sizeBytes: 1, crc32: crc32(Buffer.from('x')) },
    ]);
  });

  it('gives the same for pieces of every size', async () => {
    for (const pieceBytes of [1, 511, 512, 513, 1e6])
      expect(byName(await checksumAll(encodeAll(), pieceBytes))).toEqual(EXPECTED);
  });

  it('rejects an archive that is cut off, wherever that is', async () => {
    const archive = Buffer.concat([encodeTarFile('a', someBytes(600), 0), TAR_END]);

    for (const end of [0, 1, 511, 512, 1000, 1112, 1535, 1536, 1600])
      await expect(checksumAll(archive.subarray(0, end)), String(end)).rejects.toThrow('incomplete');
    expect(await checksumAll(archive)).toHaveLength(1);
  });

  it('rejects a header with a wrong checksum', async () => {
    const archive = encodeAll();
    archive[0]! ^= 1;

    await expect(checksumAll(archive)).rejects.toThrow('checksum');
  });
});

describeWithPeers(['python'], "with Python's tarfile", () => {
  it('extracts what encodeTarFile writes', async () => {
    const directory = createTempDir();
    writeFileSync(join(directory, 'ours.tar'), encodeAll());
    const program = 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])';

    await runPython(program, [join(directory, 'ours.tar'), directory]);

    expectFiles(directory);
  });

  it.each(['PAX', 'GNU'])('writes archives that checksumTar reads, in the format %s', async (format) => {
    const directory = createTempDir();
    writeFiles(join(directory, 'files'));
    const program = [
      'import sys, tarfile',
      `with tarfile.open(sys.argv[1], "w", format=tarfile.${format}_FORMAT) as tar:`,
      '    for name in sys.argv[3:]: tar.add(sys.argv[2] + "/" + name, arcname=name)',
    ].join('\n');

    await runPython(program, [join(directory, 'tar'), join(directory, 'files'), ...FILES.keys()]);

    expect(byName(await checksumAll(readFileSync(join(directory, 'tar'))))).toEqual(EXPECTED);
  });
});
