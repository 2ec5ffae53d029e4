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
  readonly description?: string | null;
  readonly readme?: string | null;
  readonly tags?: readonly string[] | null;
  readonly created_at?: string | null;
  readonly updated_at?: string | null;
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

/** `content`: an operation of Polyaxon, as JSON, YAML or an object. */
export interface CreateRunBody {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly content?: string | JsonObject | undefined;
  readonly is_managed?: boolean | undefined;
  readonly managed_by?: 'user' | 'agent' | 'cli' | undefined;
  readonly pending?: 'approval' | 'upload' | 'build' | 'cache' | undefined;
  readonly meta_info?: JsonObject | undefined;
}

/** What a restarted, copied or resumed run changes. */
export interface CloneRunBody {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Overrides parts of the content, or replaces it with `recompile`. */
  readonly content?: string | JsonObject | undefined;
  readonly recompile?: boolean | undefined;
  readonly meta_info?: JsonObject | undefined;
}

export interface RunLogLine {
  readonly value: string;
  /** ISO 8601. */
  readonly timestamp?: string | null;
  readonly node?: string | null;
  readonly pod?: string | null;
  readonly container?: string | null;
}

export interface RunLogs {
  readonly logs: readonly RunLogLine[];
  readonly last_file?: string | null;
  readonly last_time?: string | null;
  readonly files?: readonly string[];
}

/** A run beside the run of the call in the graph of runs: before it, or after it. */
export interface RunEdge {
  readonly uuid: string;
  readonly values?: JsonObject | undefined;
  readonly is_upstream?: boolean | undefined;
}

export type VersionKind = 'component' | 'model' | 'artifact';
export type VersionStage = 'testing' | 'staging' | 'production' | 'disabled';

export interface StageCondition {
  readonly type: VersionStage;
  readonly status: boolean;
  readonly reason?: string | null;
  readonly message?: string | null;
  readonly last_update_time?: string | null;
  readonly last_transition_time?: string | null;
}

export interface PolyaxonProjectVersion {
  readonly uuid?: string | null;
  readonly name?: string | null;
  readonly kind?: VersionKind | null;
  readonly description?: string | null;
  readonly readme?: string | null;
  readonly tags?: readonly string[] | null;
  readonly owner?: string | null;
  readonly project?: string | null;
  readonly run?: string | null;
  readonly connection?: string | null;
  readonly artifacts?: readonly string[] | null;
  readonly content?: string | null;
  readonly stage?: VersionStage | null;
  readonly stage_conditions?: readonly StageCondition[] | null;
  readonly meta_info?: JsonObject | null;
  readonly created_at?: string | null;
  readonly updated_at?: string | null;
}
