/** Removes the temporary objects of appends: after the compose, and in `collect` those of killed processes. */

import { ListingGuard } from '../base/bounds.js';
import { PrefixSet } from '../base/prefix-set.js';
import type { CollectOutcome, CollectRequest } from '../base/store.js';
import { gcsOutcomeFrom, isAbsent } from './answer.js';
import type { GcsConnection } from './connection.js';
import { fromTailKey, TAILS } from './names.js';
import { listPage } from './reader.js';

/** Removes a tail. False when that failed: a later `collect` retries. */
export async function removeTail(
  connection: GcsConnection,
  { name, generation }: { readonly name: string; readonly generation?: string },
  signal?: AbortSignal,
): Promise<boolean> {
  const query = generation === undefined ? {} : { ifGenerationMatch: generation };
  try {
    await connection.send({ method: 'DELETE', path: connection.objectPath(name), query, signal });
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    return isAbsent(error);
  }
}

/** Removes the tails below the prefixes that are old enough by the clock of the store. */
export async function collectTails(
  connection: GcsConnection,
  place: { readonly prefix: string; readonly isInUse: (commitId: string) => boolean },
  { prefixes, olderThanMs, signal }: CollectRequest,
): Promise<CollectOutcome> {
  let removed = 0;
  let left = 0;
  const wanted = new PrefixSet(prefixes);
  const tails = `${place.prefix}${TAILS}`;
  try {
    for (const prefix of wanted.toList) {
      const below = `${tails}${prefix}${prefix.endsWith('/') || prefix === '' ? '' : '/'}`;
      const guard = new ListingGuard(`list ${below}`);
      let pageToken: string | undefined;
      do {
        const page = await listPage(connection, { prefix: below, pageToken }, signal);
        for (const { name, generation, timeCreated = '' } of page.items ?? []) {
          const { key, commitId } = fromTailKey(name.slice(place.prefix.length));
          // A prefix without a slash means one key only, but the listing also returns keys below it.
          if (!wanted.has(key) || place.isInUse(commitId)) continue;
          const ageMs = connection.storeTimeMs() - Date.parse(timeCreated);
          const isOld = olderThanMs === 0 || ageMs > olderThanMs;
          if (isOld && (await removeTail(connection, { name, generation }, signal))) removed += 1;
          else left += 1;
        }
        pageToken = page.nextPageToken;
        if (pageToken) guard.advance(pageToken, page.items?.length ?? 0);
      } while (pageToken);
    }
  } catch (error) {
    return gcsOutcomeFrom('list the tails of appends', error, signal);
  }
  return { status: 'collected', removed, left };
}
