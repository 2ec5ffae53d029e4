export function peersDirectory(): string;
export const POLYAXON_PEERS: readonly string[];
export function polyaxonPeer(): string;
