/** Asks a bucket all questions, as `polytrack check` does. */

import { PROBE_PREFIX } from '../../../../uploader/store/base/store.js';
import type { AskOutcome } from '../../../../uploader/store/base/store-facts.js';
import type { S3Store } from '../../../../uploader/store/s3/s3-store.js';

export function askAll(store: S3Store): Promise<AskOutcome> {
  return store.ask(`${PROBE_PREFIX}test/`);
}
