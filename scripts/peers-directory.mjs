import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Returns the directory of the peers: POLYTRACK_PEERS_DIR, which several clones can share, else .peers/. */
export function peersDirectory() {
  const repository = fileURLToPath(new URL('..', import.meta.url));
  return resolve(process.env.POLYTRACK_PEERS_DIR || join(repository, '.peers'));
}

/** Versions of Polyaxon's packages that tests can run against; each is a peer of scripts/peers.mjs. */
export const POLYAXON_PEERS = ['polyaxon', 'polyaxon-newest'];

/** Returns the name of the peer with Polyaxon's packages: POLYTRACK_POLYAXON_PEER, else `polyaxon`. Throws if there is no such peer. */
export function polyaxonPeer() {
  const name = process.env.POLYTRACK_POLYAXON_PEER || 'polyaxon';
  if (POLYAXON_PEERS.includes(name)) return name;
  throw new Error(
    `POLYTRACK_POLYAXON_PEER: there is no peer ${name}; use one of ${POLYAXON_PEERS.join(', ')}`,
  );
}
