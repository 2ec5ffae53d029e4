/**
 * Encodes events into the queue of one event file writer. Memory only.
 *
 * Keeps what TensorBoard's format asks a writer to remember: which tags have had their metadata in the current file (the
 * first value of a tag in every file carries it), and each tag's next step for callers who give none.
 */

import type { RecordQueue } from '../record/record-queue.js';
import { encodeEvent, encodeMetadata, joinPieces, piecesBytes, writePieces } from '../wire/encode-event.js';
import { DataClass, type Event, type SummaryMetadata, type SummaryValue } from '../wire/messages.js';
import { FIXED64, fieldKey, MAX_VARINT_BYTES, VARINT, writeInt64 } from '../wire/proto-bytes.js';
import { createScalarTemplate, type ScalarTemplate } from './scalar-template.js';

const WALL_TIME_KEY = fieldKey(1, FIXED64);
const STEP_KEY = fieldKey(2, VARINT);
const MAX_SCALAR_PREFIX_BYTES = 9 + 1 + MAX_VARINT_BYTES;

/** What is known of one tag. */
interface TagState {
  /** The step that comes after the last one that was written. */
  nextStep: number | bigint;
  /** The file, counted from 1, that has had this tag's metadata. */
  describedInFile: number;
  /** For scalars only: the pre-encoded summary, with and without metadata. */
  scalar: { described: ScalarTemplate; plain: ScalarTemplate } | undefined;
  /** For scalars only: the last value that was written. */
  lastScalar: number;
}

export class EventEncoder {
  readonly #queue: RecordQueue;
  readonly #tags = new Map<string, TagState>();
  #file = 0;

  constructor(queue: RecordQueue) {
    this.#queue = queue;
  }

  /** Begins a file: `file_version`, then for the first file of a writer SessionLog START at `sessionStart`. */
  startFile(wallTime: number, writer: string, sessionStart: number | bigint | null): number {
    this.#file++;
    let bytes = this.event({
      wallTime,
      step: 0,
      what: { kind: 'fileVersion', fileVersion: 'brain.Event:2', writer },
    });
    if (sessionStart !== null) {
      bytes += this.event({ wallTime, step: sessionStart, what: { kind: 'sessionLog', status: 1 } });
    }
    return bytes;
  }

  /** True once the tag has a value, so that its name needs no checking again. */
  knows(tag: string): boolean {
    return this.#tags.has(tag);
  }

  /** The step of a value that is given none: one more than the tag's last step, 0 for its first value. */
  nextStep(tag: string): number | bigint {
    return this.#tags.get(tag)?.nextStep ?? 0;
  }

  /** Counts a step of the tag as used, without a value. */
  skipStep(tag: string, step: number | bigint): void {
    const state = this.#tags.get(tag) ?? this.#addTag(tag);
    state.nextStep = stepAfter(step);
  }

  /** The last value of each scalar tag. */
  lastScalars(): Record<string, number> {
    const scalars = [...this.#tags].filter(([, state]) => state.scalar !== undefined);
    return Object.fromEntries(scalars.map(([tag, state]) => [tag, state.lastScalar]));
  }

  /**
   * Encodes one scalar in tensor form (rank-0 float32: TensorBoard's fast reader drops every other type).
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
    const state = this.#tags.get(tag) ?? this.#addTag(tag);
    state.scalar ??= createScalarTemplates(tag, metadata);
    let template = state.scalar.plain;
    if (state.describedInFile !== this.#file) {
      state.describedInFile = this.#file;
      template = state.scalar.described;
    }
    const stepToWrite = step ?? state.nextStep;
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
    view.setFloat32(at + template.valueOffset, value, true);
    state.nextStep = stepAfter(stepToWrite);
    state.lastScalar = value;
    return queue.seal(at + template.bytes.length);
  }

  /** Encodes values that share a step and a wall time as one event. Returns the record's size. */
  summary(values: readonly SummaryValue[], step: number | bigint, wallTime: number): number {
    const described = values.map((value) => {
      const state = this.#tags.get(value.tag) ?? this.#addTag(value.tag);
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

  #addTag(tag: string): TagState {
    const state: TagState = { nextStep: 0, describedInFile: -1, scalar: undefined, lastScalar: Number.NaN };
    this.#tags.set(tag, state);
    return state;
  }
}

function createScalarTemplates(tag: string, metadata: SummaryMetadata | undefined) {
  const described = metadata ?? { pluginName: 'scalars', dataClass: DataClass.SCALAR };
  return {
    described: createScalarTemplate(tag, joinPieces(encodeMetadata(described))),
    plain: createScalarTemplate(tag, undefined),
  };
}

function stepAfter(step: number | bigint): number | bigint {
  if (typeof step === 'number' && step < Number.MAX_SAFE_INTEGER) return step + 1;
  const next = BigInt(step) + 1n;
  return next > INT64_MAX ? INT64_MAX : next;
}

const INT64_MAX = 2n ** 63n - 1n;
