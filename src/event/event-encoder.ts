/**
 * Encodes events into the queue of one event file writer. Memory only.
 *
 * Keeps what TensorBoard's format asks a writer to remember: which tags have had their metadata in the current file (the
 * first value of a tag in every file carries it), and each tag's next step for callers who give none.
 */

import type { RecordQueue } from '../record/record-queue.js';
import { encodeEvent, encodeMetadata, joinPieces, piecesBytes, writePieces } from '../wire/encode-event.js';
import {
  DataClass,
  type Event,
  SessionStatus,
  type SummaryMetadata,
  type SummaryValue,
} from '../wire/messages.js';
import { FIXED64, fieldKey, MAX_VARINT_BYTES, VARINT, writeInt64 } from '../wire/proto-bytes.js';
import { createScalarTemplate, DOUBLE_DISTANCE, type ScalarTemplate } from './scalar-template.js';

const WALL_TIME_KEY = fieldKey(1, FIXED64);
const STEP_KEY = fieldKey(2, VARINT);
const MAX_SCALAR_PREFIX_BYTES = 9 + 1 + MAX_VARINT_BYTES;

/** Something that a caller may do but that TensorBoard will show in a way that surprises. Told once for each tag. */
export interface TagNotice {
  readonly kind: 'stepNotIncreasing' | 'tagReused' | 'metadataIgnored';
  readonly tag: string;
  readonly detail: string;
}

/** What is known of one tag. */
interface TagState {
  /** The plugin of the tag's first value: TensorBoard keeps it for the whole run. */
  pluginName: string;
  /** Kinds of notices that were given for this tag. */
  noticed: Set<TagNotice['kind']> | undefined;
  /** The step that comes after the last one that was written. */
  nextStep: number | bigint;
  /** False until this writer has written a value. */
  hasValue: boolean;
  /** The metadata of the tag's first value. */
  metadata: SummaryMetadata | undefined;
  /** The file, counted from 1, that has had this tag's metadata. */
  describedInFile: number;
  /** For scalars only: the pre-encoded summaries. */
  scalar: ScalarTemplates | undefined;
  /** For scalars only: the last value that was written. */
  lastScalar: number;
}

/** Of one tag, with and without metadata; the exact ones, with room for a double, once a value needs them. */
interface ScalarTemplates {
  readonly described: ScalarTemplate;
  readonly plain: ScalarTemplate;
  exact: { readonly described: ScalarTemplate; readonly plain: ScalarTemplate } | undefined;
}

export class EventEncoder {
  readonly #queue: RecordQueue;
  readonly #notice: (notice: TagNotice) => void;
  readonly #tags = new Map<string, TagState>();
  #file = 0;

  /** `notice` is told of what is allowed but surprising. */
  constructor(queue: RecordQueue, notice: (notice: TagNotice) => void = () => {}) {
    this.#queue = queue;
    this.#notice = notice;
  }

  /** Begins a file: `file_version`, then a SessionLog START for each of `sessionStarts`. Returns the records' size. */
  startFile(wallTime: number, writer: string, sessionStarts: readonly (number | bigint)[]): number {
    this.#file++;
    let bytes = this.event({
      wallTime,
      step: 0,
      what: { kind: 'fileVersion', fileVersion: 'brain.Event:2', writer },
    });
    for (const step of sessionStarts) {
      bytes += this.event({ wallTime, step, what: { kind: 'sessionLog', status: SessionStatus.START } });
    }
    return bytes;
  }

  /** True once the tag has a value, so that its name needs no checking again. */
  knows(tag: string): boolean {
    return this.#tags.has(tag);
  }

  /** The plugin of the tag's first value; empty when the tag has none yet, or its earlier writer named none. */
  pluginOf(tag: string): string {
    return this.#tags.get(tag)?.pluginName ?? '';
  }

  /** The step of a value that is given none: one more than the tag's last step, 0 for its first value. */
  nextStep(tag: string): number | bigint {
    return this.#tags.get(tag)?.nextStep ?? 0;
  }

  /** Counts a step of the tag as used, without a value. */
  skipStep(tag: string, step: number | bigint): void {
    const state = this.#tags.get(tag) ?? this.#addTag(tag, '');
    state.nextStep = stepAfter(step);
  }

  /** Takes over the next steps of tags that an earlier process has written, and their plugins. */
  continueAfter(
    lastSteps: ReadonlyMap<string, number | bigint>,
    plugins: ReadonlyMap<string, string> = new Map(),
  ): void {
    for (const [tag, plugin] of plugins) this.#addTag(tag, plugin);
    for (const [tag, step] of lastSteps) this.skipStep(tag, step);
  }

  /** The last value of each scalar tag. */
  lastScalars(): Record<string, number> {
    const scalars = [...this.#tags].filter(([, state]) => state.scalar !== undefined);
    return Object.fromEntries(scalars.map(([tag, state]) => [tag, state.lastScalar]));
  }

  /**
   * Encodes one scalar in tensor form (rank-0 float32: TensorBoard's fast reader drops every other type), with the exact double
   * beside it when float32 does not hold the value.
   *
   * `metadata` counts for the tag's first value only. Returns the record's size.
   */
  scalar(
    tag: string,
    value: number,
    step: number | bigint | undefined,
    wallTime: number,
    metadata?: SummaryMetadata,
  ): number {
    const state = this.#tags.get(tag) ?? this.#addTag(tag, SCALARS);
    if (state.scalar === undefined) {
      this.#checkPlugin(tag, state, SCALARS);
      state.scalar = { ...createScalarTemplates(tag, metadata, false), exact: undefined };
      state.metadata = metadata;
    } else if (metadata !== undefined && metadata !== state.metadata)
      this.#checkMetadata(tag, state, metadata);
    let templates: Pick<ScalarTemplates, 'described' | 'plain'> = state.scalar;
    const isRounded = Math.fround(value) !== value && !Number.isNaN(value);
    if (isRounded) {
      state.scalar.exact ??= createScalarTemplates(tag, state.metadata, true);
      templates = state.scalar.exact;
    }
    let template = templates.plain;
    if (state.describedInFile !== this.#file) {
      state.describedInFile = this.#file;
      template = templates.described;
    }
    const stepToWrite = step ?? state.nextStep;
    if (stepToWrite < state.nextStep && state.hasValue) this.#noticeStep(tag, state, stepToWrite);
    state.hasValue = true;
    const queue = this.#queue;
    let at = queue.reserve(MAX_SCALAR_PREFIX_BYTES + template.bytes.length);
    const { bytes, view } = queue;
    if (wallTime !== 0) {
      bytes[at] = WALL_TIME_KEY;
      view.setFloat64(at + 1, wallTime, true);
      at += 9;
    }
    if (stepToWrite !== 0 && stepToWrite !== 0n) {
      bytes[at++] = STEP_KEY;
      at = writeInt64(bytes, at, stepToWrite);
    }
    bytes.set(template.bytes, at);
    const valueAt = at + template.valueOffset;
    view.setFloat32(valueAt, value, true);
    if (isRounded) view.setFloat64(valueAt + DOUBLE_DISTANCE, value, true);
    state.nextStep = stepAfter(stepToWrite);
    state.lastScalar = value;
    return queue.seal(at + template.bytes.length);
  }

  /** Encodes values that share a step and a wall time as one event. Returns the record's size. */
  summary(values: readonly SummaryValue[], step: number | bigint, wallTime: number): number {
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

  /** Encodes any event as it is. Returns the record's size. */
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
      lastScalar: Number.NaN,
    };
    this.#tags.set(tag, state);
    return state;
  }

  #noticeStep(tag: string, state: TagState, step: number | bigint): void {
    this.#noticeOnce(state, {
      kind: 'stepNotIncreasing',
      tag,
      detail: `${tag}: step ${step} after step ${BigInt(state.nextStep) - 1n}: TensorBoard drops the points from step ${step} on`,
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
      detail: `${tag}: logged as ${pluginName} after ${state.pluginName}: TensorBoard keeps the tag among ${state.pluginName}`,
    });
  }

  #checkMetadata(tag: string, state: TagState, metadata: SummaryMetadata): void {
    const before = state.metadata;
    const isSame =
      metadata.displayName === before?.displayName &&
      metadata.description === before?.description &&
      isSameContent(metadata.content, before?.content);
    if (isSame) return;
    const detail = `${tag}: display name, description or plugin data changed after the first value: TensorBoard keeps the first`;
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

function isSameContent(content: Uint8Array | undefined, before: Uint8Array | undefined): boolean {
  if (content === undefined || before === undefined || content === before) return content === before;
  return Buffer.compare(content, before) === 0;
}

function createScalarTemplates(tag: string, metadata: SummaryMetadata | undefined, isExact: boolean) {
  const described = metadata ?? { pluginName: 'scalars', dataClass: DataClass.SCALAR };
  return {
    described: createScalarTemplate(tag, joinPieces(encodeMetadata(described)), isExact),
    plain: createScalarTemplate(tag, undefined, isExact),
  };
}

/** The next step; int64's largest has none and stays. */
export function stepAfter(step: number | bigint): number | bigint {
  if (typeof step === 'number' && step < Number.MAX_SAFE_INTEGER) return step + 1;
  const next = BigInt(step) + 1n;
  return next > INT64_MAX ? INT64_MAX : next;
}

const INT64_MAX = 2n ** 63n - 1n;
