/**
 * Values that only remove points of their tag (src/format/writer/retraction.ts): `obsolete_old_style_histogram`, which no reader shows.
 *
 * An empty one removes the points from its step on in every viewer. One with a single byte removes them in TensorBoard alone, where the points
 * before it were hidden by what other viewers ignore, such as a step that decreases in a file of version 1.
 */

import type { Event, SummaryValue, ValueContent } from './messages.js';

/** Removes points in every viewer. */
export const RETRACTION: ValueContent = { kind: 'obsoleteHistogram', obsoleteHistogram: new Uint8Array() };
/** Removes points in TensorBoard alone. */
export const HIDING: ValueContent = { kind: 'obsoleteHistogram', obsoleteHistogram: new Uint8Array(1) };

/** Whether a value only removes points, in TensorBoard at least. */
export function removesPoints({ value }: SummaryValue): boolean {
  return value?.kind === 'obsoleteHistogram' && value.obsoleteHistogram.length <= 1;
}

/** Whether a value removes points in every viewer: also the rows of an export. */
export function removesRows({ value }: SummaryValue): boolean {
  return value?.kind === 'obsoleteHistogram' && value.obsoleteHistogram.length === 0;
}

/** The tags whose rows an event removes from its step on. */
export function retractedTags({ what }: Event): string[] {
  // Nearly all events hold none.
  if (what.kind !== 'summary' || !what.values.some(removesRows)) return [];
  return what.values.filter(removesRows).map(({ tag }) => tag);
}
