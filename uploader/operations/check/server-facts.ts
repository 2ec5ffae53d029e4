/** Describes a Polyaxon server without writing anything. */

import type { PolyaxonStore } from '../../store/polyaxon/polyaxon-store.js';

export interface ServerFacts {
  readonly version: string | null;
  /** The edition; `ce` is the open-source server. */
  readonly distribution: string | null;
  /** `owner/project` of the URL, which exists on the server; null when the URL names none. */
  readonly project: string | null;
}

/** Asks the server for its version and checks that the project exists. Throws `PolyaxonApiError`, also for a missing project. */
export async function askServer(store: PolyaxonStore, signal?: AbortSignal): Promise<ServerFacts> {
  const { version = null, dist = null } = await store.describe(signal);
  return { version, distribution: dist, project: store.place };
}
