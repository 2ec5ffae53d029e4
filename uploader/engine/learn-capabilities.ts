/** Determines the capabilities of the store, from the cache of an earlier process or by probing the store. */

import type { Io } from '../base/io/io.js';
import { isAbsent } from '../base/io/system-error.js';
import { ensureCapabilities, readCapabilities } from '../store/capability-cache.js';
import { parseStoreUrl } from '../store/open-store.js';
import type { UploaderContext } from './context/uploader-context.js';

const ASKED: readonly string[] = ['s3', 'gs', 'azure'];
const FILE_MODE = 0o600;
/** The key prefix of probe objects; see store.ts. */
export const PROBE_PREFIX = '.plx/probe/';

/**
 * Sets the capabilities of the store. If the probe fails, reports `NOTICE_STORE_UNPROBED` and assumes the fewest capabilities: a
 * growing file is then uploaded again as a whole, or in segments.
 */
export async function learnCapabilities(
  context: UploaderContext,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { store, retryPolicy, io, config, paths } = context;
  if (!ASKED.includes(parseStoreUrl(config.store).scheme)) return; // the other stores know their capabilities
  const options = { ...io, stateDirectory: config.stateDirectory, signal };
  const cached = await readCapabilities(store.id, options);
  if (cached !== null) {
    store.adopt(cached);
    return;
  }
  // A killed probe leaves open uploads; the marker file makes the next process remove them.
  if (await exists(io, paths.probing)) await forgetProbes(context, signal);
  await mark(io, paths.probing);
  const probe = () => ensureCapabilities(store, options);
  const known = await retryPolicy.withRetry(`probe ${store.id}`, probe, { signal });
  await io.fileSystem.unlink(paths.probing).catch(() => undefined); // creating the marker failed as well
  if (known.status !== 'failed') return;
  const message = `${store.id}: probing its capabilities failed: ${known.error.message}`;
  context.onNotice({ code: 'NOTICE_STORE_UNPROBED', message });
}

async function forgetProbes(
  { store, retryPolicy }: UploaderContext,
  signal: AbortSignal | undefined,
): Promise<void> {
  const collect = () => store.collect({ prefixes: [PROBE_PREFIX], olderThanMs: 0, signal });
  await retryPolicy.withRetry('remove uploads of a killed probe', collect, { signal });
}

async function mark({ fileSystem }: Io, path: string): Promise<void> {
  try {
    await (await fileSystem.openForWriting(path, 'append', FILE_MODE)).close();
  } catch {
    // Without a marker, uploads of a killed probe are removed after a day.
  }
}

async function exists({ fileSystem }: Io, path: string): Promise<boolean> {
  try {
    await fileSystem.lstat(path);
    return true;
  } catch (error) {
    return !isAbsent(error);
  }
}
