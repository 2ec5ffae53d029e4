// Collects the orphaned uploads of killed uploaders at once, where the uploader waits for a day.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DIST } from './uploader-process.mjs';

/** Aborts all multipart uploads below the store's prefix, as the uploader does for old ones. */
export async function collectAll(storeUrl, env) {
  const { openStore } = await import(pathToFileURL(join(DIST, 'uploader/store/open-store.js')).href);
  const { nodeIo } = await import(pathToFileURL(join(DIST, 'uploader/base/io/io.js')).href);
  Object.assign(process.env, env);
  const store = await openStore(storeUrl, {
    ...nodeIo,
    s3: { endpoint: env.AWS_ENDPOINT_URL },
    onNotice: () => undefined,
  });
  const outcome = await store.collect({ prefixes: [''], olderThanMs: 0 });
  await store.close();
  if (outcome.status !== 'collected') throw outcome.error ?? outcome.cause;
  return outcome;
}
