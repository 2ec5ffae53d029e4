/** The series of a run. The first metadata of a tag, in the order of reading, decide what all its values are. */

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

  /** The series of a tag. `metadata` are those of a value; they count only if they are the first. */
  settle(tag: string, metadata: SummaryMetadata | undefined): ServedSeries | undefined {
    const known = this.#byTag.get(tag);
    if (known !== undefined || metadata === undefined) return known;
    const { pluginName: plugin, dataClass } = metadata;
    const series = { tag, plugin, dataClass, metadata: joinPieces(encodeMetadata(metadata)) };
    this.#byTag.set(tag, series);
    return series;
  }

  get(tag: string): ServedSeries | undefined {
    return this.#byTag.get(tag);
  }

  [Symbol.iterator](): IterableIterator<ServedSeries> {
    return this.#byTag.values();
  }
}
