/** What the store does: as an earlier process has found, or as the store shows when it is asked. */

import type { Io } from '../base/io/io.js';
import { isAbsent } from '../base/io/system-error.js';
import { ensureCapabilities, readCapabilities } from '../store/capability-cache.js';
import { parseStoreUrl } from '../store/open-store.js';
import type { UploaderContext } from './context/uploader-context.js';

const ASKED: readonly string[] = ['s3', 'gs', 'azure'];
const FILE_MODE = 0o600;
/** Where probes are made: store.ts. */
export const PROBE_PREFIX = '.plx/probe/';

/**
 * Makes the store know itself. Where it cannot be asked, the least is expected of it, and that is said: a file that grows is
 * then sent again as a whole, or in segments.
 */
export async function learnCapabilities(
  parts: UploaderContext,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { store, retryPolicy, io, config, paths } = parts;
  if (!ASKED.includes(parseStoreUrl(config.store).scheme)) return; // the others know themselves
  const options = { ...io, stateDirectory: config.stateDirectory, signal };
  const cached = await readCapabilities(store.id, options);
  if (cached !== null) {
    store.adopt(cached);
    return;
  }
  // A probe that was killed has left uploads open; the mark tells the next one.
  if (await exists(io, paths.probing)) await forgetProbes(parts, signal);
  await mark(io, paths.probing);
  const probe = () => ensureCapabilities(store, options);
  const known = await retryPolicy.withRetry(`probe ${store.id}`, probe, { signal });
  await io.fileSystem.unlink(paths.probing).catch(() => undefined); // the mark could not be made either
  if (known.status !== 'failed') return;
  const message = `${store.id} could not be asked what it does: ${known.error.message}`;
  parts.onNotice({ code: 'NOTICE_STORE_UNPROBED', message });
}

async function forgetProbes(
  { store, retryPolicy }: UploaderContext,
  signal: AbortSignal | undefined,
): Promise<void> {
  const collect = () => store.collect({ prefixes: [PROBE_PREFIX], olderThanMs: 0, signal });
  await retryPolicy.withRetry('collect what a probe has left', collect, { signal });
}

async function mark({ fileSystem }: Io, path: string): Promise<void> {
  try {
    await (await fileSystem.openForWriting(path, 'append', FILE_MODE)).close();
  } catch {
    // The disk refuses: then uploads of a killed probe are collected after a day.
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
