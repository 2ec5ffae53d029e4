/** Types that the run file, the lineage file and the API share, as they are read: any field may be absent. */

import type { RunStatus } from './statuses.js';

export type JsonObject = Readonly<Record<string, unknown>>;

export interface StatusCondition {
  readonly type: RunStatus;
  readonly status: boolean;
  readonly reason?: string | null;
  readonly message?: string | null;
  /** ISO 8601 with an offset. */
  readonly last_update_time?: string | null;
  readonly last_transition_time?: string | null;
}

export interface RunArtifact {
  readonly name: string;
  readonly kind: string;
  /** Relative to the run: the object key in the store, below the uuid. */
  readonly path?: string | null | undefined;
  readonly summary: JsonObject;
  readonly is_input?: boolean | undefined;
  readonly state?: string | null | undefined;
  readonly connection?: string | null | undefined;
  readonly meta_info?: JsonObject | null | undefined;
}
