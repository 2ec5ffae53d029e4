/**
 * Names of blocks. A name contains the commit, the part number and the CRC-32 of the block. The block list of an object therefore proves its
 * CRC-32: Azure checks the MD5 of each block on arrival, and commits a list as a whole.
 *
 * A name has 20 bytes: "plx1", 8 bytes of the hash of the commit id, 4 of the part number and 4 of the CRC-32. All names of a blob must have
 * the same length (Azure Storage REST API Reference, "Put Block").
 */

import { createHash } from 'node:crypto';
import { combineCrc32 } from '../base/crc32-combine.js';
import type { Extent } from '../base/store.js';

const MARK = Buffer.from('plx1');
const ID_BYTES = 20;
const HASH_BYTES = 8;

export interface BlockName {
  readonly commitHash: string;
  /** From 1. */
  readonly number: number;
  readonly crc32: number;
}

export function toCommitHash(commitId: string): string {
  return createHash('sha256').update(commitId).digest().subarray(0, HASH_BYTES).toString('hex');
}

export function toBlockId({ commitHash, number, crc32 }: BlockName): string {
  const bytes = Buffer.alloc(ID_BYTES);
  MARK.copy(bytes);
  bytes.write(commitHash, MARK.length, 'hex');
  bytes.writeUInt32BE(number, MARK.length + HASH_BYTES);
  bytes.writeUInt32BE(crc32, MARK.length + HASH_BYTES + 4);
  return bytes.toString('base64');
}

/** The parsed name; null for a block of another program. */
export function fromBlockId(id: string): BlockName | null {
  const bytes = Buffer.from(id, 'base64');
  if (bytes.length !== ID_BYTES || !bytes.subarray(0, MARK.length).equals(MARK)) return null;
  return {
    commitHash: bytes.subarray(MARK.length, MARK.length + HASH_BYTES).toString('hex'),
    number: bytes.readUInt32BE(MARK.length + HASH_BYTES),
    crc32: bytes.readUInt32BE(MARK.length + HASH_BYTES + 4),
  };
}

/** The size and CRC-32 of all blocks together; null if one of them is from another program. */
export function toExtent(blocks: readonly { readonly name: string; readonly size: number }[]): Extent | null {
  let whole: Extent = { sizeBytes: 0, crc32: 0 };
  for (const { name, size } of blocks) {
    const block = fromBlockId(name);
    if (block === null) return null;
    whole = {
      sizeBytes: whole.sizeBytes + size,
      crc32: combineCrc32(whole.crc32, block.crc32, size),
    };
  }
  return whole;
}
