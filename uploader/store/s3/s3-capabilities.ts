/** The capabilities of a bucket, from the answers that have been learned. */

import { type KnownCapabilities, type StoreCapabilities, UNPROBED_S3 } from '../base/capabilities.js';
import type { LearnedAnswers } from '../base/learned-answers.js';
import { MAX_BASE_BYTES, MAX_OBJECT_BYTES, MAX_PART_BYTES, MIN_PART_BYTES } from '../base/part-planner.js';
import { MULTIPART_CHECKSUMS, type Optional } from './optionals.js';

/** What only questions.ts, or a HEAD request, can find out: whether the store does what it has accepted. */
export type Observed =
  | 'honoursPutIfNoneMatch'
  | 'honoursPutIfMatch'
  | 'honoursComplete'
  | 'verifiesPut'
  | 'verifiesMultipart'
  | 'wholeObjectChecksum'
  | 'keepsMetadata'
  | 'unevenParts'
  | 'showsUploads'
  | 'versioning';

/** `unknown` for what the store has not shown yet. */
export function toKnownCapabilities(learned: LearnedAnswers): KnownCapabilities {
  /** True when all are. */
  const all = (names: readonly (Optional | Observed)[]): boolean | 'unknown' => {
    const answers = names.map((name) => learned.get(name));
    if (answers.includes('no')) return false;
    return answers.includes(undefined) ? 'unknown' : true;
  };
  const multipartChecksum = all([...MULTIPART_CHECKSUMS, 'verifiesMultipart']);
  const conditionalComplete = all(['completeIfNoneMatch', 'completeIfMatch', 'honoursComplete']);
  const rangeCopy = all(['rangeCopy']);
  const appends = all(['append']);
  const isRuledOut = [appends, all(['multipart']), conditionalComplete, multipartChecksum].includes(false);
  const maxBaseBytes = rangeCopy === false ? MAX_PART_BYTES : MAX_BASE_BYTES;
  const versioning = all(['versioning']);
  return {
    conditionalCreate: all(['putIfNoneMatch', 'honoursPutIfNoneMatch']),
    conditionalReplace: all(['putIfMatch', 'honoursPutIfMatch']),
    conditionalComplete,
    checksumHeaders: all(['putChecksum']),
    rejectsWrongChecksum: all(['verifiesPut', 'verifiesMultipart']),
    multipartChecksum,
    wholeObjectChecksum: all(['checksumMode', 'wholeObjectChecksum']),
    metadata: all(['metadata', 'keepsMetadata']),
    append: isRuledOut ? null : appends === true ? { minBaseBytes: MIN_PART_BYTES, maxBaseBytes } : 'unknown',
    rangeCopy,
    unevenParts: all(['unevenParts']),
    listMultipart: all(['listUploads', 'showsUploads']),
    versioning: versioning === 'unknown' ? versioning : versioning ? 'on' : 'off',
    maxObjectBytes: all(['multipart']) === false ? MAX_PART_BYTES : MAX_OBJECT_BYTES,
    foldsNames: false,
  };
}

/** What the uploader assumes. Unknown capabilities are used, because the store rejects what it does not support, and the result is verified. */
export function toCapabilities(learned: LearnedAnswers): StoreCapabilities {
  const known = toKnownCapabilities(learned);
  const maxBaseBytes = known.rangeCopy === false ? MAX_PART_BYTES : MAX_BASE_BYTES;
  const assumed: StoreCapabilities = {
    ...UNPROBED_S3,
    append: { minBaseBytes: MIN_PART_BYTES, maxBaseBytes },
    rangeCopy: true,
  };
  const found = Object.entries(known).filter(([, value]) => value !== 'unknown');
  return { ...assumed, ...Object.fromEntries(found) };
}
