/**
 * Names of blocks. A block's name says which commit it belongs to, which of its parts it is, and what its bytes are: so the list of an
 * object's blocks is a proof of its CRC-32, because Azure has checked each block against its MD5 when it came, and a list is committed as a whole.
 *
 * 20 bytes: "plx1", 8 of the hash of the commit id, number and CRC-32 in 4 each. All names of one blob must have one length
 * (Azure Storage REST API Reference, "Put Block").
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

/** Null for a block of somebody else. */
export function fromBlockId(id: string): BlockName | null {
  const bytes = Buffer.from(id, 'base64');
  if (bytes.length !== ID_BYTES || !bytes.subarray(0, MARK.length).equals(MARK)) return null;
  return {
    commitHash: bytes.subarray(MARK.length, MARK.length + HASH_BYTES).toString('hex'),
    number: bytes.readUInt32BE(MARK.length + HASH_BYTES),
    crc32: bytes.readUInt32BE(MARK.length + HASH_BYTES + 4),
  };
}

/** What the blocks make together; null where one of them is somebody else's. */
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
