/** Upload limits and default capabilities for Google Cloud Storage. */

import { type StoreCapabilities, UNPROBED_S3 } from '../base/capabilities.js';

export interface GcsLimits {
  /** Objects up to this size are uploaded in one request. */
  readonly singlePutMaxBytes: number;
  /** Larger objects are uploaded in pieces of this size. The service accepts only multiples of 256 KiB. */
  readonly pieceBytes: number;
  /** Smaller objects are uploaded again instead of composed: one request instead of three. */
  readonly minBaseBytes: number;
  /** The limit for all bodies in memory. */
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

/** Source: Cloud Storage documentation, "Quotas and limits": 5 TiB per object, also for composed objects. */
const MAX_OBJECT_BYTES = 5 * TIB;

/** What Google documents, where it differs from S3. */
export const UNPROBED_GCS: StoreCapabilities = {
  ...UNPROBED_S3,
  rejectsWrongChecksum: true,
  append: { minBaseBytes: GCS_LIMITS.minBaseBytes, maxBaseBytes: MAX_OBJECT_BYTES },
  unevenParts: true,
  maxObjectBytes: MAX_OBJECT_BYTES,
};
