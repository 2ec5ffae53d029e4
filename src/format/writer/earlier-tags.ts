/**
 * Follows what TensorBoard's Python reader shows of the earlier files of a run, as far as a writer that resumes there must know it.
 *
 * That reader removes points in two ways. In files of version 2 and later, a SessionLog START that is not the first of the run removes the
 * points of all tags from its step on. In other files, a summary whose step is below that of the summary before it removes, from its step on, the
 * points of the tags that it contains. Source: TensorBoard 2.21, `_MaybePurgeOrphanedData` in backend/event_processing/plugin_event_accumulator.py,
 * `ParseFileVersion` in event_util.py.
 *
 * Works in constant time and memory for each value, so it may show a highest step that is somewhat too high after points were removed.
 */

import type { ScannedEvent } from '../wire/scan-event.js';
import { type Step, stepBefore } from './step.js';

/** A tag of the earlier files. */
export interface EarlierTag {
  /** The plugin of the first value that names one, which TensorBoard keeps for the whole run; '' without any. */
  readonly plugin: string;
  /** The lowest and highest step of the points that are shown; undefined if none are. */
  readonly lowest: Step | undefined;
  readonly highest: Step | undefined;
  /** The highest of these steps that is not written again. */
  readonly last: Step | undefined;
  /** The lowest step that is written again and has a point in either reader; undefined without any. */
  readonly supersededFrom: Step | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class EarlierTags {
  readonly #fromStep: Step | undefined;
  readonly #tags = new Map<string, Mutable<EarlierTag>>();
  /** NaN for text that is not a version, which is below 2 for the reader too. */
  #fileVersion = 0;
  #hasSessionStart = false;
  #lastSummaryStep: Step = -1;

  /** Steps from `fromStep` on are written again; undefined: none. */
  constructor(fromStep: Step | undefined) {
    this.#fromStep = fromStep;
  }

  get tags(): ReadonlyMap<string, EarlierTag> {
    return this.#tags;
  }

  /** Adds the next event, in the order in which TensorBoard reads them. */
  add({ step, fileVersion, isSessionStart, values }: ScannedEvent): void {
    if (fileVersion !== undefined) this.#fileVersion = Number(fileVersion.split('brain.Event:').at(-1));
    if (this.#fileVersion >= 2) {
      if (isSessionStart && this.#hasSessionStart) {
        for (const state of this.#tags.values()) removeFrom(state, step);
      }
      this.#hasSessionStart ||= isSessionStart;
    } else if (values !== undefined && step < this.#lastSummaryStep) {
      for (const { tag } of values) {
        const state = this.#tags.get(tag);
        if (state === undefined) continue;
        removeFrom(state, step);
        if (state.supersededFrom !== undefined && state.supersededFrom >= step)
          state.supersededFrom = undefined;
      }
    }
    if (values === undefined) return;
    this.#lastSummaryStep = step;
    for (const { tag, plugin, hasData } of values) {
      if (plugin === undefined && !hasData) continue;
      const state = this.#tagOf(tag);
      if (state.plugin === '' && plugin !== undefined) state.plugin = plugin;
      if (hasData) this.#addPoint(state, step);
    }
  }

  #addPoint(state: Mutable<EarlierTag>, step: Step): void {
    if (state.lowest === undefined || step < state.lowest) state.lowest = step;
    if (state.highest === undefined || step > state.highest) state.highest = step;
    if (this.#fromStep === undefined || step < this.#fromStep) {
      if (state.last === undefined || step > state.last) state.last = step;
    } else if (state.supersededFrom === undefined || step < state.supersededFrom) state.supersededFrom = step;
  }

  #tagOf(tag: string): Mutable<EarlierTag> {
    let state = this.#tags.get(tag);
    if (state === undefined) {
      const none = { lowest: undefined, highest: undefined, last: undefined, supersededFrom: undefined };
      state = { plugin: '', ...none };
      this.#tags.set(tag, state);
    }
    return state;
  }
}

/** Removes the points from `step` on from what the Python reader shows. */
function removeFrom(state: Mutable<EarlierTag>, step: Step): void {
  if (state.lowest !== undefined && state.lowest >= step) {
    state.lowest = undefined;
    state.highest = undefined;
    state.last = undefined;
    return;
  }
  const before = stepBefore(step);
  if (state.highest !== undefined && state.highest >= step) state.highest = before;
  if (state.last !== undefined && state.last >= step) state.last = before;
}
