import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds the peers: POLYTRACK_PEERS_DIR, so that several clones can share one, else .peers/. */
export function peersDirectory() {
  const repository = fileURLToPath(new URL('..', import.meta.url));
  return resolve(process.env.POLYTRACK_PEERS_DIR || join(repository, '.peers'));
}
