/** Checks the permissions on a store, as `polytrack check` does. */

import { nodeIo } from '../../../../uploader/base/io/io.js';
import { RetryPolicy } from '../../../../uploader/base/limits/retry-policy.js';
import { type AccessOutcome, checkAccess } from '../../../../uploader/operations/check/check-access.js';
import { PROBE_PREFIX, type Store } from '../../../../uploader/store/base/store.js';

export function askAccess(store: Store): Promise<AccessOutcome> {
  const retryPolicy = new RetryPolicy({ ...nodeIo, retryTimeoutMs: 3_000 });
  return checkAccess(store, { directory: `${PROBE_PREFIX}test/`, retryPolicy, signal: undefined });
}
