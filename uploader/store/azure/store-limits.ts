/** Upload limits and default capabilities for Azure. */

import { type StoreCapabilities, UNPROBED_S3 } from '../base/capabilities.js';

export interface AzureLimits {
  /** Objects of at least this size are uploaded as blocks and can be extended. */
  readonly minBlobOfBlocksBytes: number;
  /** The size of blocks. Doubled for large objects, up to `maxBlockBytes`. */
  readonly blockBytes: number;
  /** The largest block, and the largest body in memory for one request. */
  readonly maxBlockBytes: number;
  /** The limit for all bodies in memory. */
  readonly budgetBytes: number;
  /** The number of objects in one page of a listing. */
  readonly pageSize: number;
  /** An append that needs more blocks uploads the whole object. Azure allows 50,000: "Scalability and performance targets for Blob storage". */
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

/** What Azure documents, where it differs from S3. */
export const UNPROBED_AZURE: StoreCapabilities = {
  ...UNPROBED_S3,
  rejectsWrongChecksum: true,
  append: {
    minBaseBytes: AZURE_LIMITS.minBlobOfBlocksBytes,
    maxBaseBytes: AZURE_LIMITS.maxBlockBytes * AZURE_LIMITS.maxBlocks,
  },
  unevenParts: true,
  listMultipart: false,
  maxObjectBytes: AZURE_LIMITS.maxBlockBytes * AZURE_LIMITS.maxBlocks,
};
