/** Assigns keys to uploaders without a coordinator: every uploader that knows the same members computes the same owner. Pure. */

import { createHash } from 'node:crypto';

/**
 * Returns the owner of a key: the member whose hash with the key is the highest (rendezvous hashing). When a member joins or leaves, only
 * its keys change their owner. Returns null without members.
 */
export function chooseOwner(members: Iterable<string>, key: string): string | null {
  let owner: string | null = null;
  let highest = -1;
  for (const member of members) {
    const weight = weigh(member, key);
    if (weight < highest || (weight === highest && owner !== null && member < owner)) continue;
    owner = member;
    highest = weight;
  }
  return owner;
}

/** Returns 48 bits, which a number represents exactly. */
function weigh(member: string, key: string): number {
  return createHash('sha1').update(member).update('\0').update(key).digest().readUIntBE(0, 6);
}
