/** Encodes the series of runs for lists, and keeps the answer for each run until the run changes: a page that reloads asks for all runs. */

import { DataClass } from '../../src/format/wire/messages.js';
import type { NumberPoints } from './model/number-columns.js';
import type { ServedSeries } from './model/series-table.js';
import type { ServedRun, StoredPoint } from './model/served-run.js';
import type { MessageWriter } from './wire/message-writer.js';

/** Which series a list has. */
interface ListedKind {
  readonly plugin: string;
  readonly dataClass: DataClass;
}

interface Answer {
  readonly version: number;
  readonly bytes: Uint8Array;
}

export class ListEncoder {
  readonly #kept = new WeakMap<ServedRun, Map<string, Answer>>();

  /** Writes the entry of a run with all its series of a kind; nothing if it has none. */
  writeRun(writer: MessageWriter, run: ServedRun, kind: ListedKind): void {
    const answers = this.#kept.get(run) ?? new Map<string, Answer>();
    const key = `${kind.dataClass} ${kind.plugin}`;
    const kept = answers.get(key);
    const { version } = run;
    if (kept?.version === version) writer.encoded(kept.bytes);
    else {
      const bytes = writer.record(() => writeSeries(writer, run, run.series, kind));
      this.#kept.set(run, answers.set(key, { version, bytes }));
    }
  }
}

/** Writes the entry of a run with those of the series that are of the kind; nothing if there are none. */
export function writeSeries(
  writer: MessageWriter,
  run: ServedRun,
  series: Iterable<ServedSeries>,
  { plugin, dataClass }: ListedKind,
): void {
  const listed = Array.from(series).flatMap((each) => {
    if (each.dataClass !== dataClass || each.plugin !== plugin) return [];
    const ends =
      dataClass === DataClass.SCALAR ? findEnds(run.numbersOf(each.tag)) : findLatest(run.storedOf(each.tag));
    // Hyperparameters are in the metadata.
    return ends === undefined && plugin !== 'hparams' ? [] : [{ ...each, ends: ends ?? NO_POINTS }];
  });
  if (listed.length === 0) return;
  const isBlob = dataClass === DataClass.BLOB_SEQUENCE;
  writer.message(1, () => {
    writer.string(1, run.name);
    for (const { tag, metadata, ends } of listed)
      writer.message(2, () => {
        writer.string(1, tag);
        writer.message(2, () => {
          writer.int64(1, ends.step);
          writer.double(2, ends.wallTime);
          if (isBlob) writer.int64(3, ends.length);
          writer.pieces(isBlob ? 4 : 3, [metadata]);
        });
      });
  });
}

/** The largest step, wall time and number of elements. */
interface Ends {
  readonly step: number | bigint;
  readonly wallTime: number;
  readonly length: number;
}

const NO_POINTS: Ends = { step: 0, wallTime: 0, length: 0 };

/** The largest step and wall time; undefined without points. */
function findEnds({ count, steps, wallTimes, exactSteps, last }: NumberPoints): Ends | undefined {
  if (count === 0) return undefined;
  if (last !== undefined && exactSteps === undefined) return { ...last, length: 0 };
  let step: number | bigint = Number.NEGATIVE_INFINITY;
  let wallTime = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    if (steps[i]! > step) step = steps[i]!;
    if (wallTimes[i]! > wallTime) wallTime = wallTimes[i]!;
  }
  for (const exact of exactSteps?.values() ?? []) if (exact >= step) step = exact;
  return { step, wallTime, length: 0 };
}

function findLatest(points: readonly StoredPoint[]): Ends | undefined {
  const [first] = points;
  if (first === undefined) return undefined;
  let { step, wallTime, elements: length } = first.value;
  for (const { value } of points) {
    if (value.step > step) step = value.step;
    if (value.wallTime > wallTime) wallTime = value.wallTime;
    if (value.elements > length) length = value.elements;
  }
  return { step, wallTime, length };
}
