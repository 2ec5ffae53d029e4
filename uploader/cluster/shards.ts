/** Divides runs into shards: the runs of a directory that several uploaders work on, each on its own shards. Pure. */

import { crc32 } from 'node:zlib';

/** One listing shows the leases of this many shards. */
export const MAX_SHARDS = 1_000;
/** Begins the name of a cluster whose leases are in Kubernetes. */
export const KUBERNETES = 'kubernetes:';

/** One of `count` shards. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** `unknown`: no uploader is known to work on the shard. */
export type ShardState = 'this' | 'another' | 'unknown';

/** Which shards this uploader works on. */
export interface Shards {
  readonly count: number;
  stateOf(shard: number): ShardState;
}

/** The shard of a run: the CRC-32 of its uuid (ISO 3309, as in zip) modulo the number of shards. Every uploader computes the same. */
export function toShard(runUuid: string, count: number): number {
  return crc32(runUuid) % count;
}

/** Shards whose assignment never changes: one is this uploader's. */
export function createFixedShards({ index, count }: Shard): Shards {
  return { count, stateOf: (shard) => (shard === index ? 'this' : 'another') };
}
