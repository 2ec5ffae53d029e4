/** What the store does: as an earlier process has found, or as the store shows when it is asked. */

import { ensureCapabilities } from '../check/capability-cache.js';
import { parseStoreUrl } from '../store/open-store.js';
import type { EngineParts } from './engine-parts.js';

/**
 * Makes the store know itself. Where it cannot be asked, the least is expected of it, and that is said: a file that grows is
 * then sent again as a whole, or in segments.
 */
export async function learnCapabilities(parts: EngineParts, signal: AbortSignal | undefined): Promise<void> {
  const { store, patience, io, config } = parts;
  if (parseStoreUrl(config.store).scheme === 'file') return; // a directory knows itself
  const options = { ...io, stateDirectory: config.stateDirectory, signal };
  const known = await patience.withRetry(`probe ${store.id}`, () => ensureCapabilities(store, options), {
    signal,
  });
  if (known.status !== 'failed') return;
  const message = `${store.id} could not be asked what it does: ${known.error.message}`;
  parts.onNotice({ code: 'NOTICE_STORE_UNPROBED', message });
}
