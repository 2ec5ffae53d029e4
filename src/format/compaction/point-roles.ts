/** What each viewer is to do with the points of a compacted file: show them, not show them, or neither matters. Pure. */

import { REASON_CODES, SHOWN } from '../visibility/reasons.js';
import type { ShownRun } from '../visibility/run-visibility.js';
import type { Viewer } from '../visibility/viewer.js';
import { DataClass } from '../wire/messages.js';

const { broken, damage, misread, noData, order, restart } = REASON_CODES;

/** The viewer does not show the point in any case. */
export const IGNORES = 0;
/** The viewer shows the point. */
export const SHOWS = 1;
/** The viewer does not show the point, and would show it if nothing hid it. */
export const HIDES = 2;
/** The viewer does not show the point, because it shows an earlier one of the same step. */
export const REPEATS = 3;

/** By point: the role that it has in each viewer. */
export interface PointRoles {
  readonly fast: Uint8Array;
  readonly python: Uint8Array;
  /** All viewers beside TensorBoard's: a point that one of them shows has to be shown. */
  readonly others: Uint8Array;
}

export function findRoles(run: ShownRun): PointRoles {
  const { fast, python, ...others } = run.viewers;
  const rest = Object.values(others).map((viewer) => rolesOf(run, viewer));
  const merged = new Uint8Array(run.points.count);
  for (const roles of rest)
    for (let point = 0; point < merged.length; point++)
      if (merged[point] !== SHOWS && roles[point] !== IGNORES) merged[point] = roles[point]!;
  return { fast: rolesOf(run, fast!), python: rolesOf(run, python!), others: merged };
}

function rolesOf(run: ShownRun, viewer: Viewer): Uint8Array {
  const { points } = run;
  const roles = new Uint8Array(points.count);
  const views = points.tags.map((_, tag) => viewer.tagView(tag));
  const isHeld = new Uint8Array(points.count);
  for (const view of views) for (let i = 0; i < (view?.held?.length ?? 0); i++) isHeld[view!.held!.at(i)] = 1;
  for (let point = 0; point < points.count; point++) {
    const view = views[points.tagIndexOf(point)];
    // Hyperparameters are in the metadata of their tag, which nothing removes.
    if (view?.plugin === 'hparams') continue;
    const code = viewer.codes.at(point);
    if (code === SHOWN || code === misread || code === broken) roles[point] = SHOWS;
    // The fast reader has an empty tensor in the place of missing data, in a series of tensors.
    else if (viewer === run.viewers.fast && code === noData && view?.metadata?.dataClass === DataClass.TENSOR)
      roles[point] = SHOWS;
    else if (code === damage || code === restart) roles[point] = HIDES;
    else if (code === order) roles[point] = isHeld[point] === 1 ? REPEATS : HIDES;
  }
  return roles;
}
