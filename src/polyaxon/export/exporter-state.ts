/**
 * The state of an exporter as plain JSON, and its counts.
 */

import type { ExportTarget, SeriesState } from './series.js';
import type { TagState } from './tag-table.js';

/** Counts of the summary values, graphs and run metadata that an exporter received. Each is also in one of the other counts. */
export interface ExportCounts {
  readonly values: number;
  /** Values that became rows, by kind: one row for each value, or one for each image or clip. */
  readonly exported: Readonly<Record<string, number>>;
  /** Rows, by kind. */
  readonly rows: Readonly<Record<string, number>>;
  /** Values whose hyperparameters became inputs. */
  readonly inputs: number;
  /** Previews: values in the same event as a value of the plugin `polyaxon`. */
  readonly previews: number;
  /** Values without an equivalent in Polyaxon, by plugin; `unknown`: tensors without a plugin. */
  readonly unexported: Readonly<Record<string, number>>;
  /** Values that cannot be read, by plugin. */
  readonly invalid: Readonly<Record<string, number>>;
  /** Values of steps that a restarted writer logs again. */
  readonly superseded: number;
}

/** The state of an `Exporter`; survives `JSON.stringify` and `JSON.parse` unchanged. */
export interface ExporterState {
  readonly version: 1;
  readonly target: ExportTarget;
  readonly logDirectories: readonly { readonly path: string; readonly tags: readonly TagState[] }[];
  /** In the order of their first rows. */
  readonly series: readonly SeriesState[];
  readonly counts: Omit<ExportCounts, 'rows' | 'superseded'> & Partial<Pick<ExportCounts, 'superseded'>>;
  /** Whether a notice about an unprintable wall time has been sent. */
  readonly wallTimeNoticed: boolean;
}

/** Counts what the exporter does with each value. */
export class ExportCounter {
  values: number;
  /** Values that became a row of a metric. */
  numbers: number;
  inputs: number;
  previews: number;
  superseded: number;
  readonly #exported: Map<string, number>;
  readonly #unexported: Map<string, number>;
  readonly #invalid: Map<string, number>;

  constructor(state?: ExporterState['counts']) {
    this.values = state?.values ?? 0;
    this.numbers = 0;
    this.inputs = state?.inputs ?? 0;
    this.previews = state?.previews ?? 0;
    this.superseded = state?.superseded ?? 0;
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

  toState(): Omit<ExportCounts, 'rows'> {
    return {
      values: this.values,
      exported: this.#toExported(),
      inputs: this.inputs,
      previews: this.previews,
      unexported: Object.fromEntries(this.#unexported),
      invalid: Object.fromEntries(this.#invalid),
      superseded: this.superseded,
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
