/**
 * The types of the requests and answers of the API that polytrack uses. Most fields of answers are optional, because servers differ.
 *
 * Source: polyaxon 2.16.4, `_sdk/schemas/`; haupt 2.16.1 for the actual answers.
 */

import type { JsonObject, V1Run, V1StatusCondition } from '../../src/polyaxon/api-types.js';
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

export type { JsonObject, V1Run as PolyaxonRun } from '../../src/polyaxon/api-types.js';

/** `runs/sync`: needs `uuid`, `created_at`, `kind`, and `managed_by: 'user'` or `is_managed: false`. */
export interface SyncRunBody extends Omit<V1Run, 'updated_at' | 'settings'> {
  readonly created_at: string;
  readonly kind: string;
}

export interface PatchRunBody {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly readme?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly meta_info?: JsonObject | undefined;
  readonly inputs?: JsonObject | undefined;
  readonly outputs?: JsonObject | undefined;
  /** Seconds. */
  readonly duration?: number | undefined;
  /** True: maps are merged one level deep, and tags are added. Otherwise each field is replaced. */
  readonly merge?: boolean | undefined;
}

export interface RunStatuses {
  readonly status: RunStatus | null;
  /** Oldest first. */
  readonly conditions: readonly V1StatusCondition[];
}

export interface ArtifactTree {
  /** Sizes in bytes, by name. */
  readonly files: Readonly<Record<string, number>>;
  readonly directories: readonly string[];
}
