/**
 * What compacting needs to know of a run's records: where each is, and which points it holds. Filled in one visit together with the visibility.
 *
 * Holds no values: about 25 bytes for each record.
 */

import type { ReadBatch } from '../reader/event-file-reader.js';
import { type Event, SessionStatus } from '../wire/messages.js';

/** A SessionLog START, in the order of reading. */
export interface IndexedStart {
  readonly step: number | bigint;
  readonly wallTime: number;
  /** The number of records before it. */
  readonly record: number;
  /** The number of records before its file. */
  readonly fileRecord: number;
  /** Whether the file version at this place lets TensorBoard's Python reader see it. */
  readonly isSeen: boolean;
}

export class RecordIndex {
  readonly starts: IndexedStart[] = [];
  /** By record: the number of its file. */
  readonly files: number[] = [];
  readonly offsets: number[] = [];
  /** By record: its size, framing included. */
  readonly sizes: number[] = [];
  /** The records whose CRC does not match, although they hold an event. */
  readonly hasWrongCrc = new Set<number>();
  /** The records whose point is no summary value: graphs and run metadata. */
  readonly withoutSummary = new Set<number>();
  /** By record: the number of its first point, and after the last record that of the next point. */
  readonly firstPoints: number[] = [0];
  /** By record without points: its step. */
  readonly stepsWithoutPoints = new Map<number, number | bigint>();
  /**
   * The records at which TensorBoard's Python reader removes the points of their tags from their step on: in files of old versions, those with a
   * smaller step than the summary before.
   */
  readonly removing = new Set<number>();
  /** The lowest step of all points; undefined without any. */
  lowestStep: number | bigint | undefined;
  /** The first finite wall time, by which TensorBoard sorts runs. */
  firstWallTime: number | undefined;
  lowestWallTime = Number.POSITIVE_INFINITY;
  /** Whether the first record is a file version. */
  beginsWithVersion = false;
  /** The offset after the last whole record of the current file. */
  endsAt = 0;
  #file = -1;
  #fileRecord = 0;
  #isVersion2 = false;
  #events = 0;
  #lastStep: number | bigint = -1;

  get count(): number {
    return this.files.length;
  }

  openFile(): void {
    this.#file++;
    this.endsAt = 0;
    this.#fileRecord = this.count;
  }

  read(batch: ReadBatch): void {
    this.endsAt = batch.offset + batch.sizeBytes;
    if (batch.kind === 'event') {
      this.#addEvent(batch.event, batch.offset, batch.sizeBytes);
      return;
    }
    const { count, sizes, steps, wallTimes } = batch.scalars;
    let { offset } = batch;
    for (let i = 0; i < count; i++) {
      this.#noteWallTime(wallTimes[i]!);
      this.#noteStep(steps[i]!);
      this.#add(steps[i]!, offset, sizes[i]!, 1);
      offset += sizes[i]!;
    }
  }

  /** A record whose CRC does not match, and the event in it. */
  meetDamage(event: Event | undefined, offset: number, sizeBytes: number): void {
    if (event === undefined) return;
    const { count } = this;
    this.#addEvent(event, offset, sizeBytes, true);
    if (this.count > count) this.hasWrongCrc.add(count);
  }

  #addEvent({ step, wallTime, what }: Event, offset: number, sizeBytes: number, isDamaged = false): void {
    if (what.kind === 'fileVersion' && this.#events === 0) this.beginsWithVersion = true;
    this.#noteWallTime(wallTime);
    switch (what.kind) {
      case 'fileVersion':
        this.#isVersion2 = Number(what.fileVersion.split('brain.Event:').at(-1)) >= 2;
        return;
      case 'sessionLog':
        if (what.status !== SessionStatus.START) break;
        this.starts.push({
          step,
          wallTime: Number.isFinite(wallTime) ? wallTime : (this.firstWallTime ?? 0),
          record: this.count,
          fileRecord: this.#fileRecord,
          isSeen: this.#isVersion2,
        });
        return;
      case 'summary':
        if (what.values.length === 0) {
          this.#lastStep = step;
          return;
        }
        this.#noteStep(step);
        this.#add(step, offset, sizeBytes, what.values.length);
        return;
      case 'graphDef':
      case 'taggedRunMetadata':
        this.#noteStep(step);
        this.withoutSummary.add(this.count);
        this.#add(step, offset, sizeBytes, 1);
        return;
    }
    // The fast reader would stop at an event without a wall time.
    if (isDamaged || Number.isNaN(wallTime)) return;
    this.stepsWithoutPoints.set(this.count, step);
    this.#add(step, offset, sizeBytes, 0);
  }

  #add(step: number | bigint, offset: number, sizeBytes: number, points: number): void {
    if (points > 0) {
      if (!this.#isVersion2 && step < this.#lastStep) this.removing.add(this.count);
      this.#lastStep = step;
    }
    this.files.push(this.#file);
    this.offsets.push(offset);
    this.sizes.push(sizeBytes);
    this.firstPoints.push(this.firstPoints[this.firstPoints.length - 1]! + points);
  }

  #noteStep(step: number | bigint): void {
    if (this.lowestStep === undefined || step < this.lowestStep) this.lowestStep = step;
  }

  #noteWallTime(wallTime: number): void {
    this.#events++;
    if (!Number.isFinite(wallTime)) return;
    this.firstWallTime ??= wallTime;
    if (wallTime < this.lowestWallTime) this.lowestWallTime = wallTime;
  }
}
