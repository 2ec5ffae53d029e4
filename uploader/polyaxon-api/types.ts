/**
 * The types of the requests and answers of the API that polytrack uses. Most fields of answers are optional, because servers differ.
 *
 * Source: polyaxon 2.16.4, `_sdk/schemas/` (V1Run, V1Project, V1StatusCondition, V1RunArtifact); haupt 2.16.1 for the actual answers.
 */

import type { JsonObject, StatusCondition } from '../../src/polyaxon/api-types.js';
import type { RunStatus } from '../../src/polyaxon/statuses.js';

/** Identifies a run on a server. */
export interface RunRef {
  readonly owner: string;
  readonly project: string;
  /** 32 lower-case hex digits. */
  readonly uuid: string;
}

export interface Installation {
  readonly key?: string | null;
  readonly version?: string | null;
  /** `ce` is the open server. */
  readonly dist?: string | null;
  readonly mode?: string | null;
}

export interface PolyaxonProject {
  readonly uuid?: string | null;
  readonly name?: string | null;
  readonly owner?: string | null;
}

export type { JsonObject } from '../../src/polyaxon/api-types.js';

export interface PolyaxonRun {
  readonly uuid: string;
  readonly name?: string | null;
  readonly owner?: string | null;
  readonly project?: string | null;
  readonly description?: string | null;
  readonly readme?: string | null;
  readonly tags?: readonly string[] | null;
  readonly status?: RunStatus | null;
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
  readonly duration?: number | null;
  readonly settings?: JsonObject | null;
}

/** `runs/sync`: needs `uuid`, `created_at`, `kind`, and `managed_by: 'user'` or `is_managed: false`. */
export interface SyncRunBody extends Omit<PolyaxonRun, 'updated_at' | 'settings'> {
  readonly created_at: string;
  readonly kind: string;
  readonly wait_time?: number | null;
  readonly status_conditions?: readonly StatusCondition[];
}

export interface PatchRunBody {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly readme?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly meta_info?: JsonObject | undefined;
  readonly inputs?: JsonObject | undefined;
  readonly outputs?: JsonObject | undefined;
  /** True: maps are merged one level deep, and tags are added. Otherwise each field is replaced. */
  readonly merge?: boolean | undefined;
}

export interface RunStatuses {
  readonly status: RunStatus | null;
  /** Oldest first. */
  readonly conditions: readonly StatusCondition[];
}

export interface ArtifactTree {
  /** Sizes in bytes, by name. */
  readonly files: Readonly<Record<string, number>>;
  readonly directories: readonly string[];
}
