/**
 * All that a projection knows, as plain JSON, and how much it has projected.
 */

import type { ProjectionTarget, SeriesState } from './series.js';
import type { TagState } from './tag-table.js';

/** How many summary values, graphs and run metadata have come, and what has become of them: every one is in one of the other counts. */
export interface ProjectionCounts {
  readonly values: number;
  /** Values that have rows, by kind: one row each, or one for each image and clip. */
  readonly projected: Readonly<Record<string, number>>;
  /** Rows, by kind. */
  readonly rows: Readonly<Record<string, number>>;
  /** Values whose hyperparameters are inputs. */
  readonly inputs: number;
  /** Values that stand beside one of the plugin `polyaxon`, for TensorBoard to show. */
  readonly previews: number;
  /** Values that Polyaxon has nothing for, by plugin; `unknown`: tensors of no plugin. */
  readonly unprojected: Readonly<Record<string, number>>;
  /** Values that cannot be read, by plugin. */
  readonly invalid: Readonly<Record<string, number>>;
}

/** The state of a `Projection`; goes through `JSON.stringify` and back unchanged. */
export interface ProjectionState {
  readonly version: 1;
  readonly target: ProjectionTarget;
  readonly logDirectories: readonly { readonly path: string; readonly tags: readonly TagState[] }[];
  /** In the order of their first rows. */
  readonly series: readonly SeriesState[];
  readonly counts: Omit<ProjectionCounts, 'rows'>;
  /** Whether a wall time that cannot be printed has been told of. */
  readonly wallTimeNoticed: boolean;
}

/** Counts that go up. */
export class ProjectionCounter {
  values: number;
  /** Values that have a row of a metric. */
  numbers: number;
  inputs: number;
  previews: number;
  readonly #projected: Map<string, number>;
  readonly #unprojected: Map<string, number>;
  readonly #invalid: Map<string, number>;

  constructor(state?: ProjectionState['counts']) {
    this.values = state?.values ?? 0;
    this.numbers = 0;
    this.inputs = state?.inputs ?? 0;
    this.previews = state?.previews ?? 0;
    this.#projected = new Map(Object.entries(state?.projected ?? {}));
    this.#unprojected = new Map(Object.entries(state?.unprojected ?? {}));
    this.#invalid = new Map(Object.entries(state?.invalid ?? {}));
  }

  countProjected(kind: string): void {
    add(this.#projected, kind);
  }

  countUnprojected(pluginName: string | undefined): void {
    add(this.#unprojected, pluginName || 'unknown');
  }

  countInvalid(pluginName: string | undefined): void {
    add(this.#invalid, pluginName || 'unknown');
  }

  toState(): ProjectionState['counts'] {
    return {
      values: this.values,
      projected: this.#toProjected(),
      inputs: this.inputs,
      previews: this.previews,
      unprojected: Object.fromEntries(this.#unprojected),
      invalid: Object.fromEntries(this.#invalid),
    };
  }

  #toProjected(): Record<string, number> {
    const projected = Object.fromEntries(this.#projected);
    return this.numbers === 0 ? projected : { ...projected, metric: (projected.metric ?? 0) + this.numbers };
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
