/**
 * All that a projection knows, as plain JSON, and how much it has projected.
 */

import type { ExportTarget, SeriesState } from './series.js';
import type { TagState } from './tag-table.js';

/** How many summary values, graphs and run metadata have come, and what has become of them: every one is in one of the other counts. */
export interface ExportCounts {
  readonly values: number;
  /** Values that have rows, by kind: one row each, or one for each image and clip. */
  readonly exported: Readonly<Record<string, number>>;
  /** Rows, by kind. */
  readonly rows: Readonly<Record<string, number>>;
  /** Values whose hyperparameters are inputs. */
  readonly inputs: number;
  /** Values that stand beside one of the plugin `polyaxon`, for TensorBoard to show. */
  readonly previews: number;
  /** Values that Polyaxon has nothing for, by plugin; `unknown`: tensors of no plugin. */
  readonly unexported: Readonly<Record<string, number>>;
  /** Values that cannot be read, by plugin. */
  readonly invalid: Readonly<Record<string, number>>;
}

/** The state of a `Exporter`; goes through `JSON.stringify` and back unchanged. */
export interface ExporterState {
  readonly version: 1;
  readonly target: ExportTarget;
  readonly logDirectories: readonly { readonly path: string; readonly tags: readonly TagState[] }[];
  /** In the order of their first rows. */
  readonly series: readonly SeriesState[];
  readonly counts: Omit<ExportCounts, 'rows'>;
  /** Whether a wall time that cannot be printed has been told of. */
  readonly wallTimeNoticed: boolean;
}

/** Counts that go up. */
export class ExportCounter {
  values: number;
  /** Values that have a row of a metric. */
  numbers: number;
  inputs: number;
  previews: number;
  readonly #exported: Map<string, number>;
  readonly #unexported: Map<string, number>;
  readonly #invalid: Map<string, number>;

  constructor(state?: ExporterState['counts']) {
    this.values = state?.values ?? 0;
    this.numbers = 0;
    this.inputs = state?.inputs ?? 0;
    this.previews = state?.previews ?? 0;
    this.#exported = new Map(Object.entries(state?.exported ?? {}));
    this.#unexported = new Map(Object.entries(state?.unexported ?? {}));
    this.#invalid = new Map(Object.entries(state?.invalid ?? {}));
  }

  countExported(kind: string): void {
    add(this.#exported, kind);
  }

  countUnexported(pluginName: string | undefined): void {
    add(this.#unexported, pluginName || 'unknown');
  }

  countInvalid(pluginName: string | undefined): void {
    add(this.#invalid, pluginName || 'unknown');
  }

  toState(): ExporterState['counts'] {
    return {
      values: this.values,
      exported: this.#toExported(),
      inputs: this.inputs,
      previews: this.previews,
      unexported: Object.fromEntries(this.#unexported),
      invalid: Object.fromEntries(this.#invalid),
    };
  }

  #toExported(): Record<string, number> {
    const exported = Object.fromEntries(this.#exported);
    return this.numbers === 0 ? exported : { ...exported, metric: (exported.metric ?? 0) + this.numbers };
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
