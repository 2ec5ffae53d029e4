import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Returns the directory of the peers: POLYTRACK_PEERS_DIR, which several clones can share, else .peers/. */
export function peersDirectory() {
  const repository = fileURLToPath(new URL('..', import.meta.url));
  return resolve(process.env.POLYTRACK_PEERS_DIR || join(repository, '.peers'));
}
