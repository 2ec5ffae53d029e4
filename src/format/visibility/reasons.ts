/** Why a viewer does not show a point. */

/**
 * The code of each reason, as stored for every point. 0 is a point that is shown.
 *
 * Names are part of the output of `polytrack inspect --shown --json`. `docs/tensorboard.md` has an example of each.
 */
export const REASON_CODES = {
  /** A later session or file begins again at or before the point's step. */
  restart: 1,
  /** A later value of the same session has the same step or a smaller one, or the value repeats the step of an earlier one. */
  order: 2,
  /** The value belongs to another plugin than the tag's first value. */
  kind: 3,
  /** As `kind`, but the viewer takes the value for one of the tag's plugin, and draws nothing or nonsense. */
  misread: 4,
  /** The first metadata of the tag is final, and this value's information is in its own metadata. */
  metadata: 5,
  /** The value is only metadata, without data. */
  noData: 6,
  /** The viewer keeps a random sample of the tag's values. */
  sampled: 7,
  /** The viewer does not read values of this form: type, shape, or number of elements. */
  form: 8,
  /** The tag's request fails, because one of its values cannot be read. */
  broken: 9,
  /** The viewer has stopped at damage before this value. */
  damage: 10,
  /** The wall time is not finite. */
  wallTime: 11,
  /** No page shows values of this plugin. */
  noPage: 12,
  /** The value is a retraction: it only removes points of its tag. */
  retraction: 13,
  /** The value is in a file that the viewer ignores because of its name. */
  unread: 14,
} as const;

/** Why a viewer does not show a point. */
export type HiddenReason = keyof typeof REASON_CODES;

/** The code of a point that is shown. */
export const SHOWN = 0;

/** All reasons, in the order of their codes. */
export const HIDDEN_REASONS = Object.keys(REASON_CODES) as readonly HiddenReason[];

/** The reason of a code; undefined for a point that is shown. */
export function toReason(code: number): HiddenReason | undefined {
  return code === SHOWN ? undefined : HIDDEN_REASONS[code - 1];
}
