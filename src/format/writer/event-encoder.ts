/**
 * Encodes events into the queue of one event file writer. Works in memory only.
 *
 * Keeps the state that the format requires: which tags have had their metadata in the current file (the first value of a tag in
 * each file carries it), and the next step of each tag, for values without a step.
 *
 * Long because scalars, which must be fast, are encoded from templates that share the queue and the state of tags with all other events.
 */

import { maskCrc, updateCrc } from '../record/crc32c.js';
import type { RecordQueue } from '../record/record-queue.js';
import { encodeEvent, encodeMetadata, joinPieces, piecesBytes, writePieces } from '../wire/encode-event.js';
import {
  DataClass,
  type Event,
  RUN_GRAPH_TAG,
  SessionStatus,
  type SummaryMetadata,
  type SummaryValue,
} from '../wire/messages.js';
import { MAX_VARINT_BYTES, writeDelimitedHeader } from '../wire/proto-bytes.js';
import type { EarlierTag } from './earlier-tags.js';
import { createLaterSummary, createRetractions, isWithoutSteps, type Retraction } from './retraction.js';
import { MAX_PREFIX_BYTES, ScalarPrefix } from './scalar-prefix.js';
import { encodeScalar, ScalarTable, TEMPLATE_SLACK_BYTES, TemplateForm } from './scalar-table.js';
import { type Step, stepAfter, stepBefore } from './step.js';

/** A valid call whose result TensorBoard shows in an unexpected way. Reported once for each tag. */
interface TagNotice {
  readonly kind: 'stepNotIncreasing' | 'tagReused' | 'metadataIgnored';
  readonly tag: string;
  readonly detail: string;
}

export interface TagState {
  /** The plugin of the tag's first value; TensorBoard keeps it for the whole run. */
  pluginName: string;
  /** The kinds of notices that were already reported for this tag. */
  noticed: Set<TagNotice['kind']> | undefined;
  /** The step after the last one written. */
  nextStep: number | bigint;
  /** Whether this writer has written a value. */
  hasValue: boolean;
  /** The metadata of the tag's first value. */
  metadata: SummaryMetadata | undefined;
  /** The number of the file, counted from 1, that last had this tag's metadata. */
  describedInFile: number;
  /** For scalars only: the row in the table of scalars; -1 for other tags. */
  row: number;
  /** The points that the next value may replace; undefined once it is written, and for tags without such points. */
  earlier: EarlierPoints | undefined;
}

/** What a writer knows of the values that it has written to a scalar tag. */
export interface ScalarRange {
  readonly tag: string;
  readonly last: number;
  /** Above `highest` if every value is NaN. */
  readonly lowest: number;
  readonly highest: number;
}

/** Points of a tag that its next value may replace: those of earlier files, and a provisional one. */
interface EarlierPoints {
  /** The highest step; undefined without any. */
  readonly highest: Step | undefined;
  /** The step from which on they are replaced by any value; undefined: by a value of the same or a lower step. */
  readonly supersededFrom: Step | undefined;
  readonly isSingle: boolean;
}

/** How a file begins. */
export interface FileStart {
  /** The steps of the SessionLog STARTs. */
  readonly sessionStarts: readonly Step[];
  /** For a file that resumes at an earlier step: what it removes from earlier files. */
  readonly retractions?: readonly Retraction[] | undefined;
}

/** A scalar tag that can be written to without another lookup. */
export interface ScalarTag {
  readonly tag: string;
  /** @internal Belongs to the encoder. */
  state: TagState | undefined;
}

export class EventEncoder {
  readonly #queue: RecordQueue;
  readonly #notice: (notice: TagNotice) => void;
  readonly #tags = new Map<string, TagState>();
  readonly #prefix = new ScalarPrefix();
  readonly #scalars = new ScalarTable();
  /** The templates or finished values of the record that is being written; a field, so that a call creates no garbage. */
  readonly #parts: (number | Uint8Array)[] = [];
  #file = 0;
  /** The number of tags with `earlier`. */
  #earlierTags = 0;

  /** Calls `notice` for calls that are valid but have an unexpected result. */
  constructor(queue: RecordQueue, notice: (notice: TagNotice) => void = () => {}) {
    this.#queue = queue;
    this.#notice = notice;
  }

  /** Begins a file with `file_version`. Returns the size of the records. */
  startFile(wallTime: number, writer: string, { sessionStarts, retractions }: FileStart): number {
    this.#file++;
    const starts = sessionStarts.map(
      (step): Event => ({ wallTime, step, what: { kind: 'sessionLog', status: SessionStatus.START } }),
    );
    const bytes = this.#fileVersion(2, wallTime, writer);
    if (retractions === undefined) return bytes + this.#events(starts);
    // In version 1, START removes no points. It is written for other readers.
    return (
      bytes +
      this.#fileVersion(1, wallTime) +
      this.#events([...starts, ...createRetractions(retractions, wallTime)]) +
      this.#fileVersion(2, wallTime)
    );
  }

  #fileVersion(version: 1 | 2, wallTime: number, writer?: string): number {
    const fileVersion = `brain.Event:${version}`;
    const named = writer === undefined ? {} : { writer };
    return this.event({ wallTime, step: 0, what: { kind: 'fileVersion', fileVersion, ...named } });
  }

  #events(events: readonly Event[]): number {
    return events.reduce((bytes, event) => bytes + this.event(event), 0);
  }

  knows(tag: string): boolean {
    return this.#tags.has(tag);
  }

  /** Empty when the tag has no value yet, or its earlier writer named no plugin. */
  pluginOf(tag: string): string {
    return this.#tags.get(tag)?.pluginName ?? '';
  }

  nextStep(tag: string): number | bigint {
    return this.#tags.get(tag)?.nextStep ?? 0;
  }

  skipStep(tag: string, step: number | bigint): void {
    const state = this.#tags.get(tag) ?? this.#addTag(tag, '');
    state.nextStep = stepAfter(step);
  }

  /** Continues tags that an earlier process has written. `retractions` are those with which the file will start. */
  continueAfter(tags: ReadonlyMap<string, EarlierTag>, retractions: readonly Retraction[] = []): void {
    const retracted = new Set(retractions.map(({ tag }) => tag));
    for (const [tag, { plugin, lowest, highest, last, supersededFrom }] of tags) {
      const state = this.#addTag(tag, plugin);
      if (last !== undefined) state.nextStep = stepAfter(last);
      state.earlier = retracted.has(tag)
        ? { highest: last, supersededFrom: undefined, isSingle: lowest === last }
        : { highest, supersededFrom, isSingle: lowest === highest };
    }
    this.#earlierTags = tags.size;
  }

  /** The scalar tags in the order of their first values. */
  *scalarRanges(): Iterable<ScalarRange> {
    const table = this.#scalars;
    for (const [tag, { row }] of this.#tags) {
      if (row < 0) continue;
      yield { tag, last: table.last(row), lowest: table.lowest(row), highest: table.highest(row) };
    }
  }

  /** Whether a tag has points that a later value does not replace. */
  hasCurve(tag: string): boolean {
    const state = this.#tags.get(tag);
    if (state?.earlier !== undefined) return !state.earlier.isSingle;
    return state?.hasValue ?? false;
  }

  /** The last value of a scalar tag that this writer has written; undefined without any. */
  lastScalar(tag: string): number | undefined {
    const state = this.#tags.get(tag);
    return state === undefined || state.row < 0 ? undefined : this.#scalars.last(state.row);
  }

  /** Lets the next value of a tag replace its last point, whatever its step is. */
  makeProvisional(tag: string): void {
    const state = this.#tags.get(tag);
    if (state === undefined) return;
    const { earlier, hasValue } = state;
    const last = hasValue ? stepBefore(state.nextStep) : earlier?.highest;
    if (last === undefined) return;
    if (earlier === undefined) this.#earlierTags++;
    state.earlier = { highest: last, supersededFrom: earlier?.supersededFrom ?? last, isSingle: true };
    state.nextStep = last;
    state.hasValue = false;
  }

  /**
   * Encodes one scalar as a rank-0 float32 tensor, because TensorBoard's fast reader drops every other type. Adds the exact double
   * when float32 cannot represent the value.
   *
   * Uses `metadata` for the tag's first value only. Returns the size of the record.
   */
  scalar(
    to: string | ScalarTag,
    value: number,
    step: number | bigint | undefined,
    wallTime: number,
    metadata?: SummaryMetadata,
  ): number {
    const scalarTag = typeof to === 'string' ? { tag: to, state: undefined } : to;
    const state = this.#stateOf(scalarTag, metadata);
    const { tag } = scalarTag;
    const stepToWrite = step ?? state.nextStep;
    if (state.describedInFile !== this.#file || state.earlier !== undefined)
      return this.#firstScalar(tag, state, value, stepToWrite, wallTime);
    this.#advance(tag, state, value, stepToWrite);
    const queue = this.#queue;
    const prefix = this.#prefix;
    const table = this.#scalars;
    prefix.set(wallTime, stepToWrite);
    const template = table.template(state.row, tag, TemplateForm.SUMMARY, needsDouble(value));
    const sizeBytes = table.sizeOf(template);
    const start = queue.reserve(MAX_PREFIX_BYTES + sizeBytes + TEMPLATE_SLACK_BYTES);
    const at = prefix.write(queue.view, start);
    const register = table.write(template, queue.view, at, value, prefix.register);
    return queue.sealWithCrc(at + sizeBytes, maskCrc(~register));
  }

  /** Encodes the first scalar of a tag in a file. Separate, so that `scalar` stays small. */
  #firstScalar(tag: string, state: TagState, value: number, step: Step, wallTime: number): number {
    if (state.earlier !== undefined)
      return this.#replacing([tag], step, wallTime, () => this.scalar(tag, value, step, wallTime));
    this.#advance(tag, state, value, step);
    const described = this.#encodeDescribed(TemplateForm.SUMMARY, tag, state, value);
    const queue = this.#queue;
    const prefix = this.#prefix;
    prefix.set(wallTime, step);
    const start = queue.reserve(MAX_PREFIX_BYTES + described.length);
    const first = prefix.write(queue.view, start);
    queue.bytes.set(described, first);
    return queue.seal(first + described.length);
  }

  /** Encodes scalars of different tags like `scalar`, but puts consecutive ones with the same step in one record. Returns the records' size. */
  scalars(
    tags: readonly ScalarTag[],
    values: readonly number[],
    step: number | bigint | undefined,
    wallTime: number,
  ): number {
    let bytes = 0;
    for (let start = 0; start < tags.length; ) {
      const first = step ?? this.nextStep(tags[start]!.tag);
      let end = start + 1;
      while (end < tags.length && (step ?? this.nextStep(tags[end]!.tag)) === first) end++;
      bytes +=
        end - start === 1
          ? this.scalar(tags[start]!, values[start]!, first, wallTime)
          : this.#shared(tags, values, start, end, first, wallTime);
      start = end;
    }
    return bytes;
  }

  /** Encodes `tags[start, end)` as one record. */
  #shared(
    tags: readonly ScalarTag[],
    values: readonly number[],
    start: number,
    end: number,
    step: number | bigint,
    wallTime: number,
  ): number {
    const replaced = this.#earlierTags === 0 ? [] : this.#withEarlier(tags.slice(start, end));
    if (replaced.length > 0) {
      return this.#replacing(replaced, step, wallTime, () =>
        this.#shared(tags, values, start, end, step, wallTime),
      );
    }
    const parts = this.#parts;
    const table = this.#scalars;
    let summaryBytes = 0;
    for (let i = start; i < end; i++) {
      const value = values[i]!;
      const { tag } = tags[i]!;
      const state = this.#stateOf(tags[i]!, undefined);
      this.#advance(tag, state, value, step);
      const part =
        state.describedInFile === this.#file
          ? table.template(state.row, tag, TemplateForm.VALUE, needsDouble(value))
          : this.#encodeDescribed(TemplateForm.VALUE, tag, state, value);
      parts[i - start] = part;
      summaryBytes += typeof part === 'number' ? table.sizeOf(part) : part.length;
    }
    const queue = this.#queue;
    const prefix = this.#prefix;
    prefix.set(wallTime, step);
    const first = queue.reserve(MAX_PREFIX_BYTES + MAX_VARINT_BYTES + summaryBytes + TEMPLATE_SLACK_BYTES);
    const { bytes, view } = queue;
    const summaryAt = prefix.write(view, first);
    let at = writeDelimitedHeader(bytes, summaryAt, SUMMARY, summaryBytes);
    let register = updateCrc(prefix.register, bytes, summaryAt, at);
    for (let i = start; i < end; i++) {
      const part = parts[i - start]!;
      if (typeof part === 'number') {
        register = table.write(part, view, at, values[i]!, register);
        at += table.sizeOf(part);
      } else {
        bytes.set(part, at);
        at += part.length;
        register = updateCrc(register, bytes, at - part.length, at);
      }
    }
    return queue.sealWithCrc(at, maskCrc(~register));
  }

  /** The state of a scalar's tag, with its templates. */
  #stateOf(scalarTag: ScalarTag, metadata: SummaryMetadata | undefined): TagState {
    const { state } = scalarTag;
    return metadata === undefined && state !== undefined && state.row >= 0
      ? state
      : this.#describe(scalarTag, metadata);
  }

  #describe(scalarTag: ScalarTag, metadata: SummaryMetadata | undefined): TagState {
    const { tag } = scalarTag;
    scalarTag.state ??= this.#tags.get(tag) ?? this.#addTag(tag, SCALARS);
    const { state } = scalarTag;
    if (state.row < 0) {
      this.#checkPlugin(tag, state, SCALARS);
      state.metadata = metadata;
      state.row = this.#scalars.add();
    } else if (metadata !== undefined && metadata !== state.metadata)
      this.#checkMetadata(tag, state, metadata);
    return state;
  }

  /** Encodes a tag's first value in a file, which carries its metadata. */
  #encodeDescribed(form: TemplateForm, tag: string, state: TagState, value: number): Uint8Array {
    state.describedInFile = this.#file;
    const { metadata } = state;
    const content = metadata === undefined ? SCALAR_METADATA_CONTENT : joinPieces(encodeMetadata(metadata));
    return encodeScalar(form, tag, value, needsDouble(value), content);
  }

  #advance(tag: string, state: TagState, value: number, step: number | bigint): void {
    if (step < state.nextStep && state.hasValue) this.#noticeStep(tag, state, step);
    state.hasValue = true;
    state.nextStep = stepAfter(step);
    this.#scalars.note(state.row, value);
  }

  /** Encodes values with the same step and wall time as one event. Returns the size of the record. */
  summary(values: readonly SummaryValue[], step: number | bigint, wallTime: number): number {
    const replaced = this.#earlierTags === 0 ? [] : this.#withEarlier(values);
    if (replaced.length > 0)
      return this.#replacing(replaced, step, wallTime, () => this.summary(values, step, wallTime));
    const described = values.map((value) => {
      const pluginName = value.metadata?.pluginName ?? '';
      const state = this.#tags.get(value.tag) ?? this.#addTag(value.tag, pluginName);
      this.#checkPlugin(value.tag, state, pluginName);
      if (state.metadata === undefined) state.metadata = value.metadata;
      else if (value.metadata !== undefined) this.#checkMetadata(value.tag, state, value.metadata);
      if (step < state.nextStep && state.hasValue) this.#noticeStep(value.tag, state, step);
      state.hasValue = true;
      state.nextStep = stepAfter(step);
      if (state.describedInFile === this.#file && value.value !== undefined)
        return { tag: value.tag, value: value.value };
      state.describedInFile = this.#file;
      return value;
    });
    return this.event({ wallTime, step, what: { kind: 'summary', values: described } });
  }

  /** Encodes a graph, which TensorBoard keeps under a fixed tag. Returns the size of the records. */
  graph(event: Event): number {
    const state = this.#tags.get(RUN_GRAPH_TAG) ?? this.#addTag(RUN_GRAPH_TAG, 'graphs');
    if (state.earlier === undefined) return this.event(event);
    return this.#replacing([RUN_GRAPH_TAG], event.step, event.wallTime, () => this.event(event));
  }

  /** The tags whose first value may have to replace points of earlier files. */
  #withEarlier(tagged: readonly { readonly tag: string }[]): string[] {
    const tags = new Set(tagged.map(({ tag }) => tag));
    return [...tags].filter((tag) => this.#tags.get(tag)?.earlier !== undefined);
  }

  /**
   * Encodes the first values of tags after a restart with `write`, so that both readers remove the earlier points that they replace. Returns
   * the size of the records.
   */
  #replacing(tags: readonly string[], step: Step, wallTime: number, write: () => number): number {
    const retractions: Retraction[] = [];
    let isReplacing = false;
    for (const tag of tags) {
      const state = this.#tags.get(tag)!;
      const { highest, supersededFrom } = state.earlier!;
      state.earlier = undefined;
      this.#earlierTags--;
      if (supersededFrom === undefined && (highest === undefined || highest < step)) continue;
      isReplacing = true;
      const isEarlier = supersededFrom !== undefined && supersededFrom < step;
      // TensorBoard needs none from the step of the value itself, but a reader of all rows does.
      if (!isEarlier && isWithoutSteps(state.pluginName)) continue;
      const fromStep = isEarlier ? supersededFrom : step;
      retractions.push({ tag, fromStep, leavesNoImages: state.pluginName === 'images' });
    }
    if (!isReplacing) return write();
    return (
      this.#fileVersion(1, wallTime) +
      this.#events([...createRetractions(retractions, wallTime), createLaterSummary(step, wallTime)]) +
      write() +
      this.#fileVersion(2, wallTime)
    );
  }

  /** Encodes any event unchanged. Returns the size of the record. */
  event(event: Event): number {
    const pieces = encodeEvent(event);
    const offset = this.#queue.reserve(piecesBytes(pieces));
    return this.#queue.seal(writePieces(this.#queue.bytes, offset, pieces));
  }

  #addTag(tag: string, pluginName: string): TagState {
    const state: TagState = {
      pluginName,
      noticed: undefined,
      nextStep: 0,
      hasValue: false,
      describedInFile: -1,
      metadata: undefined,
      row: -1,
      earlier: undefined,
    };
    this.#tags.set(tag, state);
    return state;
  }

  #noticeStep(tag: string, state: TagState, step: number | bigint): void {
    this.#noticeOnce(state, {
      kind: 'stepNotIncreasing',
      tag,
      detail: `${tag}: step ${step} after step ${BigInt(state.nextStep) - 1n}; TensorBoard drops the earlier points from step ${step}`,
    });
  }

  #checkPlugin(tag: string, state: TagState, pluginName: string): void {
    if (state.pluginName === pluginName || pluginName === '') return;
    if (state.pluginName === '') {
      state.pluginName = pluginName;
      return;
    }
    this.#noticeOnce(state, {
      kind: 'tagReused',
      tag,
      detail: `${tag}: logged as ${pluginName} after ${state.pluginName}; TensorBoard still shows the tag as ${state.pluginName}`,
    });
  }

  #checkMetadata(tag: string, state: TagState, metadata: SummaryMetadata): void {
    const before = state.metadata;
    const isSame =
      metadata.displayName === before?.displayName &&
      metadata.description === before?.description &&
      isSameContent(metadata.content, before?.content);
    if (isSame) return;
    const detail = `${tag}: display name, description or plugin data changed after the first value; TensorBoard keeps the first ones`;
    this.#noticeOnce(state, { kind: 'metadataIgnored', tag, detail });
  }

  #noticeOnce(state: TagState, notice: TagNotice): void {
    state.noticed ??= new Set();
    if (state.noticed.has(notice.kind)) return;
    state.noticed.add(notice.kind);
    this.#notice(notice);
  }
}

const SCALARS = 'scalars';
const SCALAR_METADATA_CONTENT = joinPieces(
  encodeMetadata({ pluginName: SCALARS, dataClass: DataClass.SCALAR }),
);
/** The field number in `Event`. */
const SUMMARY = 5;

/** Whether float32 cannot represent a number. */
function needsDouble(value: number): boolean {
  return Math.fround(value) !== value && !Number.isNaN(value);
}

function isSameContent(content: Uint8Array | undefined, before: Uint8Array | undefined): boolean {
  if (content === undefined || before === undefined || content === before) return content === before;
  return Buffer.compare(content, before) === 0;
}
