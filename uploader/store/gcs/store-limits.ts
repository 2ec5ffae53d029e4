/** How objects are cut for Google Cloud Storage, and what is expected of it. */

import type { StoreCapabilities } from '../base/capabilities.js';

export interface GcsLimits {
  /** Objects up to this size are one request. */
  readonly singlePutMaxBytes: number;
  /** Larger ones come in pieces of this size. */
  readonly pieceBytes: number;
  /** Below, an object is sent again rather than composed: one request in place of three. */
  readonly minBaseBytes: number;
  /** All bodies in memory together. */
  readonly budgetBytes: number;
}

const MIB = 1024 * 1024;
const TIB = MIB * MIB;

export const GCS_LIMITS: GcsLimits = {
  singlePutMaxBytes: 16 * MIB,
  pieceBytes: 16 * MIB,
  minBaseBytes: MIB,
  budgetBytes: 48 * MIB,
};

/** Source: Cloud Storage documentation, "Quotas and limits": 5 TiB for an object, composed ones too. */
const MAX_OBJECT_BYTES = 5 * TIB;

/** What Google documents; a probe finds out about this bucket. */
export const UNPROBED_GCS: StoreCapabilities = {
  conditionalCreate: true,
  conditionalReplace: true,
  conditionalComplete: true,
  checksumHeaders: true,
  rejectsWrongChecksum: true,
  multipartChecksum: true,
  wholeObjectChecksum: true,
  metadata: true,
  append: { minBaseBytes: GCS_LIMITS.minBaseBytes, maxBaseBytes: MAX_OBJECT_BYTES },
  rangeCopy: false,
  unevenParts: true,
  listMultipart: true,
  versioning: 'unknown',
  maxObjectBytes: MAX_OBJECT_BYTES,
  foldsNames: false,
};
