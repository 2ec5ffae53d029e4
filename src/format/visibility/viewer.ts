/**
 * A viewer of event files: it receives every point in the order of reading, and decides for each whether it is shown.
 *
 * Viewers differ in what removes a point, what they keep, and what they can read. A new one implements this interface; `RunVisibility` does the rest.
 */

import type { SummaryMetadata } from '../wire/messages.js';
import type { CodeColumn, PointTable } from './point-table.js';
import type { ValueFacts } from './value-facts.js';

/** What is damaged: see `DamagedRange.part`. `torn`: a record is cut short, and others follow. */
export type DamagedPart = 'length' | 'data' | 'event' | 'torn';

/** A part of a viewer that answers with an error. */
export interface Failure {
  readonly plugin: string;
  readonly tag: string;
  /** `series`: the request of this tag fails. `page`: the page's list of tags fails, for all runs of the log directory. */
  readonly scope: 'series' | 'page';
}

/** How a viewer reads a tag. */
export interface TagView {
  /** The plugin whose page shows the tag; undefined if none does. */
  readonly plugin: string | undefined;
  /** The metadata that the viewer uses: that of the tag's first value which has any. Undefined if there is none. */
  readonly metadata: SummaryMetadata | undefined;
  /** The number of values whose own name, description or plugin data are ignored, because the first metadata is final. */
  readonly ignoredMetadata: number;
  /** The points that nothing has removed, shown or not, in ascending order. Undefined if the viewer does not tell. */
  readonly held?: { readonly length: number; at(index: number): number } | undefined;
}

/** What is known of all points so far, shared by the viewers. */
export interface ReadingState {
  readonly points: PointTable;
  /** The first point of the current life: since the last session start, or of the current file if no session has ever started. */
  readonly lifeStart: number;
}

/** An event with points, which have consecutive numbers. Valid only during the call. */
export interface PointEvent {
  readonly step: number | bigint;
  readonly wallTime: number;
  readonly firstPoint: number;
  readonly values: readonly ValueFacts[];
  /** For each value, the index of its tag. */
  readonly tagIndices: readonly number[];
}

export interface Viewer {
  readonly codes: CodeColumn;
  /** Begins the next file of the run. */
  openFile(name: string): void;
  /**
   * Meets damage in the current file. `hasEvent`: the record's CRC does not match, but it holds an event. Returns whether the viewer reads
   * that event.
   */
  meetDamage(part: DamagedPart, hasEvent: boolean): boolean;
  /** Whether the viewer still reads the current file. If not, it receives no points. */
  readonly isReading: boolean;
  /** A file's version, such as `brain.Event:2`. */
  readVersion(version: string): void;
  /** An event without points. */
  passEvent(wallTime: number): void;
  /** A session has started: its first step is `step`. */
  startSession(step: number | bigint): void;
  addEvent(event: PointEvent): void;
  /** Decides on the points that depend on all others, once after the last point. */
  finish(): void;
  /** Undefined for a tag of which the viewer has read no value. */
  tagView(tagIndex: number): TagView | undefined;
  /** Known after `finish`. */
  readonly failures: readonly Failure[];
}

/** The number of values to keep: TensorBoard's defaults, other numbers by plugin as in `--samples_per_plugin`, or all. */
export type Samples = 'default' | 'all' | Readonly<Record<string, number>>;
