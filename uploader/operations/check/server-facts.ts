/** What can be told of a Polyaxon server without writing anything. */

import type { PolyaxonStore } from '../../store/polyaxon/polyaxon-store.js';

export interface ServerFacts {
  readonly version: string | null;
  /** `ce` is the open server. */
  readonly distribution: string | null;
  /** `owner/project` of the URL, which is there; null when the URL names none. */
  readonly project: string | null;
}

/** Asks the server what it is, and for the project. Throws `PolyaxonApiError`, also for a project that is not there. */
export async function askServer(store: PolyaxonStore, signal?: AbortSignal): Promise<ServerFacts> {
  const { version = null, dist = null } = await store.describe(signal);
  return { version, distribution: dist, project: store.place };
}
