/**
 * What one event file contributes to a run, in the order of its records. A SessionLog START begins a new session of the file: it may hide points of
 * the sessions before it, in this and in other files.
 */

import type { EventFileBytes } from '../../../src/format/reader/event-file-bytes.js';
import type { ReadBatch } from '../../../src/format/reader/event-file-reader.js';
import { decodeValue } from '../../../src/format/reader/plugin-value.js';
import type { ScalarBatch } from '../../../src/format/reader/scalar-decoder.js';
import { blobCode, impliedClass, numberCode, tensorCode } from '../../../src/format/visibility/pages.js';
import { migrateForm } from '../../../src/format/visibility/python-reader.js';
import { SHOWN } from '../../../src/format/visibility/reasons.js';
import {
  factsOf,
  graphFacts,
  type TensorForm,
  type ValueFacts,
} from '../../../src/format/visibility/value-facts.js';
import {
  DataClass,
  DataType,
  RUN_GRAPH_TAG,
  SessionStatus,
  type SummaryMetadata,
} from '../../../src/format/wire/messages.js';
import { NumberColumns } from './number-columns.js';
import { RowGroups } from './row-groups.js';
import type { SeriesTable, ServedSeries } from './series-table.js';
import { type StoredValue, toLegacyMetadata } from './stored-value.js';

/** Consecutive points of a series. */
export interface Part {
  /** Hides the points before this part from this step on: a retraction. */
  readonly retractedFrom: number | bigint | undefined;
  readonly numbers: NumberColumns | undefined;
  /** The position among the parts of the file. */
  readonly index: number;
  readonly stored: StoredValue[];
}

/** The records from a SessionLog START up to the next one, or from the start of the file. */
export class Session {
  readonly start: { readonly step: number | bigint; readonly wallTime: number } | undefined;
  readonly parts = new Map<string, Part[]>();

  constructor(start?: Session['start']) {
    this.start = start;
  }
}

/** Where the values of a source go. */
interface Place {
  readonly part: Part;
  readonly isConverted: boolean;
  readonly elements: number;
}

/** The place of values that are not shown. */
const HIDDEN = null;

/** Scratch memory of all files. */
const groups = new RowGroups();

export class ServedFile {
  readonly name: string;
  readonly open: () => Promise<EventFileBytes>;
  readonly sessions: Session[] = [new Session()];
  readonly #series: SeriesTable;
  readonly #capacity: number;
  /** By tag: the first metadata in this file, which decide what the reader converts. */
  readonly #first = new Map<string, Pick<SummaryMetadata, 'pluginName' | 'dataClass'>>();
  firstWallTime: number | undefined;
  lastWallTime = Number.NEGATIVE_INFINITY;
  /** Of the scalars in columns: by source, where they go. Valid until a session or a part begins. */
  #sources: ScalarBatch['sources'] = [];
  #places: (Place | typeof HIDDEN | undefined)[] = [];
  readonly #parts: Part[] = [];

  constructor(name: string, open: () => Promise<EventFileBytes>, series: SeriesTable, capacity: number) {
    this.name = name;
    this.open = open;
    this.#series = series;
    this.#capacity = capacity;
  }

  add(batch: ReadBatch): void {
    if (batch.kind === 'scalars') this.#addScalars(batch.scalars, batch.offset);
    else this.#addEvent(batch);
  }

  /** Forgets what is only of use while batches of one reader arrive. */
  pause(): void {
    this.#sources = [];
    this.#places = [];
  }

  #addScalars(batch: ScalarBatch, start: number): void {
    const { count, sources, sourceIndices, steps, wallTimes, sizes } = batch;
    if (sources !== this.#sources) {
      this.#sources = sources;
      this.#places = [];
    }
    groups.begin(count);
    let { lastWallTime } = this;
    let offset = start;
    for (let row = 0; row < count; row++) {
      const source = sourceIndices[row]!;
      let place = this.#places[source];
      if (place === undefined) {
        place = this.#placeOf(factsOf(sources[source]!.first));
        this.#places[source] = place;
      }
      const wallTime = wallTimes[row]!;
      if (wallTime > lastWallTime) lastWallTime = wallTime;
      const sizeBytes = sizes[row]!;
      if (place !== HIDDEN) {
        const { part, isConverted, elements } = place;
        if (part.numbers !== undefined) groups.put(row, part.index);
        else
          part.stored.push({
            step: steps[row]!,
            wallTime,
            offset,
            sizeBytes,
            index: 0,
            elements,
            isConverted,
          });
      }
      offset += sizeBytes;
    }
    for (const { series, start, end } of groups.finish())
      this.#parts[series]!.numbers!.addRows(batch, groups.rows, start, end);
    this.lastWallTime = lastWallTime;
    if (count > 0) this.firstWallTime ??= wallTimes[0]!;
  }

  #addEvent({ event, offset, sizeBytes }: Extract<ReadBatch, { kind: 'event' }>): void {
    const { what, step, wallTime } = event;
    this.firstWallTime ??= wallTime;
    if (wallTime > this.lastWallTime) this.lastWallTime = wallTime;
    const record = { step, wallTime, offset, sizeBytes };
    switch (what.kind) {
      case 'sessionLog':
        if (what.status === SessionStatus.START) {
          this.sessions.push(new Session({ step, wallTime }));
          this.#places = [];
        }
        break;
      case 'summary':
        for (const [index, value] of what.values.entries())
          this.#addValue(factsOf(value), { ...record, index });
        break;
      case 'graphDef':
        this.#addValue(graphFacts(RUN_GRAPH_TAG, 'graphs', what.graphDef), { ...record, index: 0 });
        break;
      case 'taggedRunMetadata': {
        const facts = graphFacts(what.tag, 'graph_tagged_run_metadata', what.runMetadata);
        this.#addValue(facts, { ...record, index: 0 });
      }
    }
  }

  #addValue(facts: ValueFacts, record: Omit<StoredValue, 'elements' | 'isConverted'>): void {
    if (facts.isRetraction) {
      const series = this.#series.get(facts.value.tag);
      if (series !== undefined) this.#addPart(series, record.step);
      return;
    }
    const place = this.#placeOf(facts);
    if (place === HIDDEN) return;
    const { part, elements, isConverted } = place;
    if (part.numbers === undefined) part.stored.push({ ...record, elements, isConverted });
    else part.numbers.add(record.step, record.wallTime, toNumber(facts));
  }

  /** Where the points of values with these facts go. */
  #placeOf(facts: ValueFacts): Place | typeof HIDDEN {
    const { value, plugin, isLegacy } = facts;
    const { tag } = value;
    const own = isLegacy ? toLegacyMetadata(value, plugin!) : value.metadata;
    let first = this.#first.get(tag);
    if (first === undefined) {
      first = { pluginName: own?.pluginName ?? '', dataClass: own?.dataClass ?? DataClass.UNKNOWN };
      this.#first.set(tag, first);
    }
    const implied =
      first.dataClass === DataClass.UNKNOWN ? impliedClass(first.pluginName) : DataClass.UNKNOWN;
    const isConverted = implied !== DataClass.UNKNOWN;
    const series = this.#series.settle(
      tag,
      own === undefined ? undefined : { ...own, dataClass: isConverted ? implied : own.dataClass },
    );
    const form = isConverted ? migrateForm(first.pluginName, facts.form) : facts.form;
    if (series === undefined || form === undefined) return HIDDEN;
    if (codeOf(series, facts, form) !== SHOWN) return HIDDEN;
    const parts = this.sessions.at(-1)!.parts.get(tag);
    return { part: parts?.at(-1) ?? this.#addPart(series, undefined), isConverted, elements: form.elements };
  }

  #addPart({ tag, dataClass }: ServedSeries, retractedFrom: Part['retractedFrom']): Part {
    const isNumber = dataClass === DataClass.SCALAR;
    const part = {
      retractedFrom,
      numbers: isNumber ? new NumberColumns(this.#capacity) : undefined,
      index: this.#parts.length,
      stored: [],
    };
    this.#parts.push(part);
    const { parts } = this.sessions.at(-1)!;
    parts.set(tag, [...(parts.get(tag) ?? []), part]);
    this.#places = [];
    return part;
  }
}

/** Whether the page of the series shows a value, as in src/format/visibility/python-reader.ts. */
function codeOf({ plugin, dataClass }: ServedSeries, facts: ValueFacts, form: TensorForm): number {
  switch (dataClass) {
    case DataClass.SCALAR:
      return numberCode(plugin, facts, form);
    case DataClass.TENSOR:
      return tensorCode(plugin, facts, form);
    default:
      return blobCode(plugin, facts, form.elements, form.dtype === DataType.STRING);
  }
}

function toNumber({ value }: ValueFacts): number {
  const decoded = decodeValue(value, { pluginName: 'scalars', dataClass: DataClass.SCALAR });
  return decoded.kind === 'scalar' ? decoded.value : Number.NaN;
}
