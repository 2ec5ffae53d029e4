/** How objects are cut for Azure, and what is expected of it. */

import type { StoreCapabilities } from '../base/capabilities.js';

export interface AzureLimits {
  /** Objects from this size on are made of blocks, and can be extended. */
  readonly minBlobOfBlocksBytes: number;
  /** The size of blocks while they are few enough; doubles up to `maxBlockBytes`. */
  readonly blockBytes: number;
  /** Also the most that is held in memory for one request. */
  readonly maxBlockBytes: number;
  /** All bodies in memory together. */
  readonly budgetBytes: number;
  /** Objects in one page of a listing. */
  readonly pageSize: number;
  /** An object that would have more is written anew. Azure takes 50,000: "Scalability and performance targets for Blob storage". */
  readonly maxBlocks: number;
}

const MIB = 1024 * 1024;
export const AZURE_LIMITS: AzureLimits = {
  minBlobOfBlocksBytes: MIB,
  blockBytes: 8 * MIB,
  maxBlockBytes: 16 * MIB,
  budgetBytes: 48 * MIB,
  maxBlocks: 45_000,
  pageSize: 5_000,
};

/** What Azure documents; a probe finds out about this account. */
export const UNPROBED_AZURE: StoreCapabilities = {
  conditionalCreate: true,
  conditionalReplace: true,
  conditionalComplete: true,
  checksumHeaders: true,
  rejectsWrongChecksum: true,
  multipartChecksum: true,
  wholeObjectChecksum: true,
  metadata: true,
  append: {
    minBaseBytes: AZURE_LIMITS.minBlobOfBlocksBytes,
    maxBaseBytes: AZURE_LIMITS.maxBlockBytes * AZURE_LIMITS.maxBlocks,
  },
  rangeCopy: false,
  unevenParts: true,
  listMultipart: false,
  versioning: 'unknown',
  maxObjectBytes: AZURE_LIMITS.maxBlockBytes * AZURE_LIMITS.maxBlocks,
  foldsNames: false,
};
