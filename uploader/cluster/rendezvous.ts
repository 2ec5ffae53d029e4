/** Who of several works on what, without anybody who decides: every uploader that knows the same members finds the same one. Pure. */

import { createHash } from 'node:crypto';

/**
 * The member that a key belongs to: the one whose hash together with the key is the highest (rendezvous hashing). When a member comes or goes, only
 * its own keys change hands. Null without members.
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

/** 48 bits, which a number holds exactly. */
function weigh(member: string, key: string): number {
  return createHash('sha1').update(member).update('\0').update(key).digest().readUIntBE(0, 6);
}
