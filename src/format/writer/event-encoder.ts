/**
 * Encodes events into the queue of one event file writer. Works in memory only.
 *
 * Keeps the state that the format requires: which tags have had their metadata in the current file (the first value of a tag in
 * each file carries it), and the next step of each tag, for values without a step.
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
import { type ScalarTemplate, ScalarTemplates, TEMPLATE_SLACK_BYTES } from './scalar-template.js';
import { type Step, stepAfter, stepBefore } from './step.js';

/** A valid call whose result TensorBoard shows in an unexpected way. Reported once for each tag. */
export interface TagNotice {
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
  /** For scalars only: pre-encoded summaries. */
  scalar: ScalarTemplates | undefined;
  /** For scalars that share a summary with others: pre-encoded values. */
  sharedScalar: ScalarTemplates | undefined;
  /** For scalars only: the last value written. */
  lastScalar: number;
  /** For scalars only: the lowest and highest value written, except NaN. */
  lowestScalar: number;
  highestScalar: number;
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
  /** The templates of the record that is being written; a field, so that a call creates no garbage. */
  readonly #sharedTemplates: ScalarTemplate[] = [];
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

  lastScalars(): Record<string, number> {
    return Object.fromEntries(this.scalarRanges().map(({ tag, last }) => [tag, last]));
  }

  /** The scalar tags in the order of their first values. */
  scalarRanges(): ScalarRange[] {
    const scalars = [...this.#tags].filter(([, state]) => state.scalar !== undefined);
    return scalars.map(([tag, { lastScalar, lowestScalar, highestScalar }]) => {
      return { tag, last: lastScalar, lowest: lowestScalar, highest: highestScalar };
    });
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
    return state?.scalar === undefined ? undefined : state.lastScalar;
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
    if (state.earlier !== undefined) {
      return this.#replacing([scalarTag.tag], step ?? state.nextStep, wallTime, () =>
        this.scalar(to, value, step, wallTime, metadata),
      );
    }
    const template = this.#pick(state, state.scalar!, value);
    const stepToWrite = step ?? state.nextStep;
    this.#advance(scalarTag.tag, state, value, stepToWrite);
    const queue = this.#queue;
    const prefix = this.#prefix;
    prefix.set(wallTime, stepToWrite);
    const start = queue.reserve(MAX_PREFIX_BYTES + template.sizeBytes + TEMPLATE_SLACK_BYTES);
    const at = prefix.write(queue.view, start);
    const register = template.write(queue.view, at, value, prefix.register);
    return queue.sealWithCrc(at + template.sizeBytes, maskCrc(~register));
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
    const templates = this.#sharedTemplates;
    let summaryBytes = 0;
    for (let i = start; i < end; i++) {
      const value = values[i]!;
      const state = this.#stateOf(tags[i]!, undefined);
      const template = this.#pick(state, state.sharedScalar!, value);
      this.#advance(tags[i]!.tag, state, value, step);
      templates[i - start] = template;
      summaryBytes += template.sizeBytes;
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
      const template = templates[i - start]!;
      register = template.write(view, at, values[i]!, register);
      at += template.sizeBytes;
    }
    return queue.sealWithCrc(at, maskCrc(~register));
  }

  /** The state of a scalar's tag, with its templates. */
  #stateOf(scalarTag: ScalarTag, metadata: SummaryMetadata | undefined): TagState {
    const { state } = scalarTag;
    return metadata === undefined && state?.scalar !== undefined
      ? state
      : this.#describe(scalarTag, metadata);
  }

  #describe(scalarTag: ScalarTag, metadata: SummaryMetadata | undefined): TagState {
    const { tag } = scalarTag;
    scalarTag.state ??= this.#tags.get(tag) ?? this.#addTag(tag, SCALARS);
    const { state } = scalarTag;
    if (state.scalar === undefined) {
      this.#checkPlugin(tag, state, SCALARS);
      state.metadata = metadata;
      const described = joinPieces(encodeMetadata(metadata ?? SCALAR_METADATA));
      state.scalar = new ScalarTemplates('summary', tag, described);
      state.sharedScalar = new ScalarTemplates('value', tag, described);
    } else if (metadata !== undefined && metadata !== state.metadata)
      this.#checkMetadata(tag, state, metadata);
    return state;
  }

  /** The template for a value; the first value of a tag in a file gets the one with metadata. */
  #pick(state: TagState, templates: ScalarTemplates, value: number): ScalarTemplate {
    const isExact = Math.fround(value) !== value && !Number.isNaN(value);
    if (state.describedInFile === this.#file) return templates.plain(isExact);
    state.describedInFile = this.#file;
    return templates.described(isExact);
  }

  #advance(tag: string, state: TagState, value: number, step: number | bigint): void {
    if (step < state.nextStep && state.hasValue) this.#noticeStep(tag, state, step);
    state.hasValue = true;
    state.nextStep = stepAfter(step);
    state.lastScalar = value;
    if (value < state.lowestScalar) state.lowestScalar = value;
    if (value > state.highestScalar) state.highestScalar = value;
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
      scalar: undefined,
      sharedScalar: undefined,
      lastScalar: Number.NaN,
      lowestScalar: Number.POSITIVE_INFINITY,
      highestScalar: Number.NEGATIVE_INFINITY,
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
const SCALAR_METADATA: SummaryMetadata = { pluginName: SCALARS, dataClass: DataClass.SCALAR };
/** The field number in `Event`. */
const SUMMARY = 5;

function isSameContent(content: Uint8Array | undefined, before: Uint8Array | undefined): boolean {
  if (content === undefined || before === undefined || content === before) return content === before;
  return Buffer.compare(content, before) === 0;
}
