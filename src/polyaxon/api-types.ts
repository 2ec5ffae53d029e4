/**
 * Polyaxon's types of runs, statuses and artifacts as they are read, from a server or a file: any field may be absent. `run-record.ts` has
 * the narrower types of what polytrack writes.
 *
 * Source: polyaxon 2.16.4, `_sdk/schemas/`.
 */

import type { RunStatus } from './statuses.js';

export type JsonObject = Readonly<Record<string, unknown>>;

export interface V1StatusCondition {
  readonly type: RunStatus;
  readonly status: boolean;
  readonly reason?: string | null;
  readonly message?: string | null;
  /** ISO 8601 with an offset. */
  readonly last_update_time?: string | null;
  readonly last_transition_time?: string | null;
}

export interface V1RunArtifact {
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

export interface V1Run {
  readonly uuid: string;
  readonly name?: string | null;
  readonly owner?: string | null;
  readonly project?: string | null;
  readonly description?: string | null;
  readonly readme?: string | null;
  readonly tags?: readonly string[] | null;
  readonly status?: RunStatus | null;
  readonly status_conditions?: readonly V1StatusCondition[];
  readonly meta_info?: JsonObject | null;
  readonly inputs?: JsonObject | null;
  readonly outputs?: JsonObject | null;
  readonly is_managed?: boolean | null;
  readonly managed_by?: string | null;
  readonly kind?: string | null;
  readonly runtime?: string | null;
  readonly created_at?: string | null;
  readonly updated_at?: string | null;
  readonly started_at?: string | null;
  readonly finished_at?: string | null;
  /** Seconds. */
  readonly wait_time?: number | null;
  /** Seconds. */
  readonly duration?: number | null;
  readonly settings?: JsonObject | null;
}
