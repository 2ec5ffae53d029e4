/**
 * The series of a run. The first metadata of a tag, in the order of reading, decide what all its values are, also those before: a run with such values
 * is read again, with what the first reading has found.
 */

import { encodeMetadata, joinPieces } from '../../../src/format/wire/encode-event.js';
import type { DataClass, SummaryMetadata } from '../../../src/format/wire/messages.js';

export interface ServedSeries {
  readonly tag: string;
  readonly plugin: string;
  readonly dataClass: DataClass;
  /** Encoded. */
  readonly metadata: Uint8Array;
}

export class SeriesTable {
  readonly #byTag = new Map<string, ServedSeries>();
  /** Tags that had values before their metadata. */
  readonly #unknown = new Set<string>();
  readonly #late: ServedSeries[];
  /** Whether values are missing, because they came before the metadata of their tag. */
  isIncomplete = false;

  /** `late`: that of an earlier reading of the same files. */
  constructor(late: readonly ServedSeries[] = []) {
    this.#late = [...late];
    for (const series of late) this.#byTag.set(series.tag, series);
  }

  /** The series whose metadata came after values. */
  get late(): readonly ServedSeries[] {
    return this.#late;
  }

  /** The series of a tag. `metadata` are those of a value; they count only if they are the first. */
  settle(tag: string, metadata: SummaryMetadata | undefined): ServedSeries | undefined {
    const known = this.#byTag.get(tag);
    if (known !== undefined) return known;
    if (metadata === undefined) {
      this.#unknown.add(tag);
      return undefined;
    }
    const { pluginName: plugin, dataClass } = metadata;
    const series = { tag, plugin, dataClass, metadata: joinPieces(encodeMetadata(metadata)) };
    this.#byTag.set(tag, series);
    if (this.#unknown.has(tag)) {
      this.#late.push(series);
      this.isIncomplete = true;
    }
    return series;
  }

  get(tag: string): ServedSeries | undefined {
    return this.#byTag.get(tag);
  }

  [Symbol.iterator](): IterableIterator<ServedSeries> {
    return this.#byTag.values();
  }
}
