/**
 * Removes points of earlier files from what TensorBoard shows, by events at the end. Files that are written are never changed.
 *
 * TensorBoard's two readers agree on one thing only: a file of version 1 in which the step of a summary decreases. Then both remove the points
 * of the summary's tags from that step on. In files of version 2, which all current writers write, the Python reader instead removes the points
 * of all tags at a SessionLog START; a tag whose first point was after that step is then left without data, and the pages of images and time
 * series fail for all runs. The points are therefore removed between two `file_version` events, 1 and 2:
 *
 *     file_version 1 | an empty summary at a later step | summaries of the points to remove, with decreasing steps | file_version 2
 *
 * A value of such a summary is an `obsolete_old_style_histogram` (src/format/wire/retraction-value.ts). The fast reader stores it instead of the points, and drops it when the series
 * is read, because it cannot be converted to any kind. The Python reader removes the points before it reads the value, and adds nothing.
 * Sources: TensorBoard 2.21, `_CheckForOutOfOrderStepAndMaybePurge` in backend/event_processing/plugin_event_accumulator.py; `read_event` in
 * data/server/run.rs, `preempt` in data/server/reservoir.rs, `EventValue` in data/server/data_compat.rs.
 */

import { DataType, type Event, type SummaryValue, type ValueContent } from '../wire/messages.js';
import { RETRACTION } from '../wire/retraction-value.js';
import type { EarlierTag } from './earlier-tags.js';
import { type Step, stepAfter } from './step.js';

/** Removes the points of a tag from a step on. */
export interface Retraction {
  readonly tag: string;
  readonly fromStep: Step;
  /** Whether an empty list of images takes the place of the points: for a tag of images that has no others. */
  readonly leavesNoImages?: boolean;
}

/** More values in one event would make records of many megabytes. */
const MAX_VALUES = 1000;

/**
 * The width and height of images, and no image. Both readers skip it, but it is a point: the Python reader fails for all runs while a tag of
 * images has none, and the program may be killed before the next value is written. Source: tensorboard/plugins/image/images_plugin.py.
 */
const NO_IMAGES: ValueContent = {
  kind: 'tensor',
  tensor: { dtype: DataType.STRING, shape: [2], stringVal: [Buffer.from('0'), Buffer.from('0')] },
};

/** Plugins whose last value is shown whatever its step is: hyperparameters, layouts and graphs do not belong to a step of the training. */
export function isWithoutSteps(plugin: string): boolean {
  return /^(hparams|custom_scalars|graphs|graph_.*)$/.test(plugin);
}

/**
 * Decides which points are removed when steps from `fromStep` on are written again: those of all tags that keep points before it. Those of
 * other tags stay until the tag has a new value, because the Python reader fails for tags without any point.
 */
export function planRetractions(tags: ReadonlyMap<string, EarlierTag>, fromStep: Step): Retraction[] {
  const retractions: Retraction[] = [];
  for (const [tag, { plugin, lowest, supersededFrom }] of tags) {
    if (supersededFrom === undefined || isWithoutSteps(plugin)) continue;
    if (lowest !== undefined && lowest < fromStep) retractions.push({ tag, fromStep: supersededFrom });
  }
  return retractions;
}

/** The events of retractions. Write them between `file_version` 1 and 2. `content`: that of their values. */
export function createRetractions(
  retractions: readonly Retraction[],
  wallTime: number,
  content: ValueContent = RETRACTION,
): Event[] {
  const sorted = [...retractions].sort((a, b) => compare(b.fromStep, a.fromStep));
  const events: Event[] = [];
  let last: Step | undefined;
  for (let start = 0; start < sorted.length; ) {
    const { fromStep } = sorted[start]!;
    let end = start + 1;
    while (end < sorted.length && end - start < MAX_VALUES && sorted[end]!.fromStep === fromStep) end++;
    const values = sorted.slice(start, end).flatMap((each) => toValues(each, content));
    if (last === undefined || last === fromStep) events.push(createLaterSummary(fromStep, wallTime));
    events.push(createSummary(fromStep, values, wallTime));
    last = fromStep;
    start = end;
  }
  return events;
}

/** An empty summary after `step`, so that the step decreases with a summary at `step`. */
export function createLaterSummary(step: Step, wallTime: number): Event {
  return createSummary(stepAfter(step), [], wallTime);
}

function toValues({ tag, leavesNoImages = false }: Retraction, content: ValueContent): SummaryValue[] {
  return [{ tag, value: content }, ...(leavesNoImages ? [{ tag, value: NO_IMAGES }] : [])];
}

function createSummary(step: Step, values: readonly SummaryValue[], wallTime: number): Event {
  return { wallTime, step, what: { kind: 'summary', values } };
}

function compare(a: Step, b: Step): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
