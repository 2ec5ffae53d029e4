/** Compares what viewers show of a run with what they showed before it was compacted. Pure. */

import { REASON_CODES, SHOWN } from '../visibility/reasons.js';
import type { ShownRun } from '../visibility/run-visibility.js';
import { isEqualMetadata } from '../visibility/value-facts.js';
import type { TagView, Viewer } from '../visibility/viewer.js';
import { DataClass } from '../wire/messages.js';

/** A tag that a viewer shows differently. */
export interface Difference {
  readonly viewer: string;
  readonly tag: string;
}

/**
 * The tags that a viewer shows differently. `before` and `after` have the same viewers, which sample nothing. `beforeOf`: for each point of
 * `after`, the point of `before` that it is a copy of.
 */
export function compareShown(before: ShownRun, after: ShownRun, beforeOf: ArrayLike<number>): Difference[] {
  const differences: Difference[] = [];
  const afterIndices = new Map(after.points.tags.map((tag, index) => [tag, index]));
  for (const [name, viewer] of Object.entries(before.viewers)) {
    const other = after.viewers[name]!;
    const tags = new Set<string>(differentFailures(viewer, other));
    const shown = groupVisible(before, name);
    const shownAfter = groupVisible(after, name);
    for (const [index, tag] of before.points.tags.entries()) {
      const view = viewer.tagView(index);
      const afterIndex = afterIndices.get(tag);
      const afterView = afterIndex === undefined ? undefined : other.tagView(afterIndex);
      const points = afterIndex === undefined ? NONE : shownAfter(afterIndex);
      const isSame =
        isSameView(view, afterView) &&
        // Hyperparameters are read from the metadata; how often they are repeated shows nowhere.
        (view?.plugin === 'hparams' || isSamePoints(before, shown(index), after, points, beforeOf));
      if (!isSame) tags.add(tag);
    }
    for (const tag of tags) differences.push({ viewer: name, tag });
  }
  return differences;
}

const NONE = new Int32Array();

function isSamePoints(
  before: ShownRun,
  shown: Int32Array,
  after: ShownRun,
  shownAfter: Int32Array,
  beforeOf: ArrayLike<number>,
): boolean {
  if (shown.length !== shownAfter.length) return false;
  return shown.every((point, i) => {
    const other = shownAfter[i]!;
    return (
      beforeOf[other] === point &&
      before.points.stepOf(point) === after.points.stepOf(other) &&
      Object.is(before.points.wallTimeOf(point), after.points.wallTimeOf(other))
    );
  });
}

/** A tag without a plugin is listed nowhere. */
function isSameView(a: TagView | undefined, b: TagView | undefined): boolean {
  const [before, after] = [a, b].map((view) => (view?.plugin === undefined ? undefined : view.metadata));
  if (before === undefined || after === undefined) return before === after;
  return isEqualMetadata(before, after);
}

function differentFailures(before: Viewer, after: Viewer): string[] {
  const toKeys = ({ failures }: Viewer): Map<string, string> =>
    new Map(failures.map(({ plugin, tag, scope }) => [`${scope} ${plugin} ${tag}`, tag]));
  const [a, b] = [toKeys(before), toKeys(after)];
  return [...a, ...b].filter(([key]) => a.has(key) !== b.has(key)).map(([, tag]) => tag);
}

/** The points that a viewer shows of a tag, in the order of reading. */
function groupVisible({ points, viewers }: ShownRun, name: string): (tag: number) => Int32Array {
  const viewer = viewers[name]!;
  const isTensor = points.tags.map((_, tag) => viewer.tagView(tag)?.metadata?.dataClass === DataClass.TENSOR);
  const isVisible = (point: number): boolean => {
    const code = viewer.codes.at(point);
    if (code === SHOWN || code === REASON_CODES.misread || code === REASON_CODES.broken) return true;
    // The fast reader has an empty tensor in the place of missing data, in a series of tensors.
    return name === 'fast' && code === REASON_CODES.noData && isTensor[points.tagIndexOf(point)]!;
  };
  const ends = new Uint32Array(points.tags.length + 1);
  for (let point = 0; point < points.count; point++)
    if (isVisible(point)) ends[points.tagIndexOf(point) + 1]!++;
  for (let tag = 0; tag < points.tags.length; tag++) ends[tag + 1]! += ends[tag]!;
  const grouped = new Int32Array(ends[points.tags.length]!);
  const next = ends.slice();
  for (let point = 0; point < points.count; point++)
    if (isVisible(point)) grouped[next[points.tagIndexOf(point)]!++] = point;
  return (tag) => grouped.subarray(ends[tag], ends[tag + 1]);
}
