/** Writes the compacted file of a run, record by record. */

import { editSummary, type ValueEdit } from '../../../src/format/compaction/edit-summary.js';
import type { CompactedTag, CompactionPlan } from '../../../src/format/compaction/plan-compaction.js';
import type { RecordIndex } from '../../../src/format/compaction/record-index.js';
import { findMetadata } from '../../../src/format/compaction/select-points.js';
import {
  createBarrier,
  createHeader,
  createRemovals,
  createStop,
} from '../../../src/format/compaction/session-events.js';
import { encodeRecord, FOOTER_BYTES, HEADER_BYTES } from '../../../src/format/record/record-codec.js';
import type { ShownRun } from '../../../src/format/visibility/run-visibility.js';
import { isEqualMetadata } from '../../../src/format/visibility/value-facts.js';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import { DataClass, type Event, type SummaryValue } from '../../../src/format/wire/messages.js';
import { HIDING } from '../../../src/format/wire/retraction-value.js';
import { POLYAXON_PLUGIN } from '../../../src/polyaxon/polyaxon-value.js';
import type { FileSystem, WritableFile } from '../../base/io/file-system.js';
import { RecordSource } from './record-source.js';

const BUFFER_BYTES = 1024 * 1024;
const FILE_MODE = 0o644;

/** A run as it was read. */
export interface ReadRun {
  /** The paths of its files, in the order of reading. */
  readonly paths: readonly string[];
  readonly shown: ShownRun;
  readonly index: RecordIndex;
}

/** Writes the file and syncs it. `replaced`: the tags that must be removed from earlier files; undefined if the file stands alone. Throws errors of the file system, and the reason of an aborted signal. */
export async function writeCompacted(
  fileSystem: FileSystem,
  path: string,
  run: ReadRun,
  plan: CompactionPlan,
  {
    replaced,
    signal,
  }: { readonly replaced: readonly CompactedTag[] | undefined; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { index } = run;
  const file = await fileSystem.openForWriting(path, 'create', FILE_MODE);
  try {
    const output = new Output(file);
    const writeEvents = async (events: readonly Event[]): Promise<void> => {
      for (const event of events) await output.write(encodeRecord(joinPieces(encodeEvent(event))));
    };
    await using source = new RecordSource(run.paths);
    const edit = createEditor(run, plan);
    await writeEvents(createHeader(index, plan.labels, replaced, CONCEALING_VALUE));
    let barrier = 0;
    for (let i = 0; i <= plan.order.length; i++) {
      for (; plan.barriers[barrier]?.position === i; barrier++) {
        await writeEvents(createBarrier(plan.barriers[barrier]!));
      }
      const removals = plan.removals.get(i);
      if (removals !== undefined) await writeEvents(createRemovals(removals, index));
      if (i === plan.stop) await writeEvents([createStop()]);
      if (i === plan.order.length) break;
      signal?.throwIfAborted();
      const record = plan.order[i]!;
      const bytes = await source.read(index.files[record]!, index.offsets[record]!, index.sizes[record]!);
      const first = plan.ranges?.[2 * i] ?? index.firstPoints[record]!;
      const end = plan.ranges?.[2 * i + 1] ?? index.firstPoints[record + 1]!;
      await output.write(edit({ record, first, end, isConcealed: plan.concealed?.has(i) === true }, bytes));
    }
    await output.flush();
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A record, and which of its points are written. */
interface Part {
  readonly record: number;
  readonly first: number;
  readonly end: number;
  /** Whether no other program than TensorBoard is to show it. */
  readonly isConcealed: boolean;
}

/** A value without data. For Polyaxon, the other values of its event are previews, so it shows none of them. */
const CONCEALING_VALUE: SummaryValue = {
  tag: 'polytrack/hidden',
  metadata: { pluginName: POLYAXON_PLUGIN, dataClass: DataClass.UNKNOWN },
  value: HIDING,
};

/** Removes the values that go, and gives a tag's first value the metadata of the tag. Returns other records unchanged. */
function createEditor(
  { shown, index }: ReadRun,
  { keeps, labelled }: CompactionPlan,
): (part: Part, bytes: Uint8Array) => Uint8Array {
  const { points } = shown;
  return ({ record, first, end, isConcealed }, bytes) => {
    const firstOfRecord = index.firstPoints[record]!;
    const endOfRecord = index.firstPoints[record + 1]!;
    const data = bytes.subarray(HEADER_BYTES, bytes.length - FOOTER_BYTES);
    let isSame = !isConcealed && first === firstOfRecord && end === endOfRecord;
    for (let point = first; point < end; point++)
      if (keeps[point] === 0 || labelled[points.tagIndexOf(point)] === point) isSame = false;
    if (isSame) return index.hasWrongCrc.has(record) ? encodeRecord(data) : bytes;
    const { what } = decodeEvent(data);
    const editOf = (value: number): ValueEdit => {
      const point = firstOfRecord + value;
      if (keeps[point] === 0 || point < first || point >= end) return 'drop';
      const tag = points.tagIndexOf(point);
      const metadata = labelled[tag] === point ? findMetadata(shown, tag) : undefined;
      const own = what.kind === 'summary' ? what.values[value]?.metadata : undefined;
      return metadata === undefined || (own !== undefined && isEqualMetadata(own, metadata))
        ? 'keep'
        : metadata;
    };
    return encodeRecord(editSummary(data, editOf, isConcealed ? CONCEALING_VALUE : undefined));
  };
}

class Output {
  readonly #file: WritableFile;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #filled = 0;

  constructor(file: WritableFile) {
    this.#file = file;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#filled + bytes.length > BUFFER_BYTES) await this.flush();
    if (bytes.length > BUFFER_BYTES) return this.#file.append(bytes);
    this.#buffer.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  async flush(): Promise<void> {
    if (this.#filled > 0) await this.#file.append(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }
}
