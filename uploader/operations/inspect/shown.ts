/** How many values of each tag TensorBoard and Polyaxon show, and why they do not show the others. */

import { readVisibility } from '../../../src/format/visibility/read-run.js';
import { HIDDEN_REASONS, type HiddenReason } from '../../../src/format/visibility/reasons.js';
import type { ShownRun, TagCounts } from '../../../src/format/visibility/run-visibility.js';
import type { Failure, ReadingState } from '../../../src/format/visibility/viewer.js';
import { PolyaxonViewer } from '../../../src/polyaxon/export/polyaxon-viewer.js';
import { chooseRuns, createTagError } from './choose-runs.js';
import type { InspectOptions } from './inspect.js';

/** TensorBoard's fast reader, its Python reader, and Polyaxon. */
const VIEWER_NAMES = ['fast', 'python', 'polyaxon'] as const;
export type ViewerName = (typeof VIEWER_NAMES)[number];

const OPTIONS = { viewers: { polyaxon: (state: ReadingState) => new PolyaxonViewer(state) } };

/** What the viewers show of a tag. */
export interface TagShown {
  readonly tag: string;
  /** The plugin that shows the tag in TensorBoard; empty if none does. */
  readonly plugin: string;
  /** The number of values in the files. */
  readonly values: number;
  readonly viewers: Readonly<Record<ViewerName, TagCounts>>;
}

/** A page or a series for which a viewer answers with an error. */
export interface ShownFailure extends Failure {
  readonly viewer: ViewerName;
}

export interface RunShownCounts {
  /** Path relative to the log directory; `.` for the log directory. */
  readonly run: string;
  /** Sorted by name. */
  readonly tags: readonly TagShown[];
  readonly failures: readonly ShownFailure[];
}

/** Explains each reason. Each completes "3 values: …". */
const REASON_TEXTS: Readonly<Record<HiddenReason, string>> = {
  restart: 'superseded by a restart, which begins again at or before their step',
  order: 'out of order: a later value has the same step or a smaller one',
  kind: "of another kind than the tag's first value",
  misread: "of another kind than the tag's first value, and taken for one of that kind",
  metadata: 'only in their metadata, of which the first of a tag is final',
  noData: 'metadata without data',
  sampled: 'left out of the random sample that the viewer keeps',
  form: 'of a type or shape that the viewer does not read',
  broken: "in a series that fails, because one of the tag's values cannot be read",
  damage: 'after damage, where the viewer stops reading the file',
  wallTime: 'with a wall time that is not finite',
  noPage: 'of a kind for which the viewer has no page',
  retraction: 'retractions, which only remove values',
  unread: 'in a file that the viewer does not read, such as those of system metrics',
};

/** The reasons that no writer intends. The others are a restart, a sample, values without a page, and damage, which has its own report. */
const PROBLEMS: ReadonlySet<HiddenReason> = new Set([
  ...(['order', 'kind', 'misread', 'metadata', 'noData', 'form', 'broken'] as const),
]);

/** Reads all runs at or below `path`, or only one of them or one tag. Throws `ConfigError` if that does not exist, and the error of the file system. */
export async function readShown(
  path: string,
  options: Pick<InspectOptions, 'run' | 'tag' | 'signal'> = {},
): Promise<RunShownCounts[]> {
  const runs = await chooseRuns(path, options.run);
  const found: RunShownCounts[] = [];
  for (const { run, directory, files } of runs) {
    found.push(toCounts(run, await readVisibility(directory, files, OPTIONS, options.signal)));
  }
  const { tag } = options;
  if (tag === undefined || found.length === 0) return found;
  const withTag = found
    .map((run) => ({ ...run, tags: run.tags.filter((each) => each.tag === tag) }))
    .filter(({ tags }) => tags.length > 0);
  if (withTag.length > 0) return withTag;
  throw createTagError(
    path,
    tag,
    found.flatMap(({ tags }) => tags.map((each) => each.tag)),
  );
}

function toCounts(run: string, shown: ShownRun): RunShownCounts {
  const counts = VIEWER_NAMES.map((viewer) => [viewer, shown.countTags(viewer)] as const);
  const tags = shown.points.tags.map((tag, index): TagShown => {
    const viewers = Object.fromEntries(
      counts.map(([viewer, of]) => [viewer, withoutRetractions(of[index]!)]),
    );
    const plugin = (shown.viewers.python!.tagView(index) ?? shown.viewers.fast!.tagView(index))?.plugin ?? '';
    return { tag, plugin, values: countValues(viewers.fast!), viewers: viewers as TagShown['viewers'] };
  });
  const failures = VIEWER_NAMES.flatMap((viewer) =>
    shown.viewers[viewer]!.failures.map((failure) => ({ viewer, ...failure })),
  );
  return { run, tags: tags.sort((a, b) => (a.tag < b.tag ? -1 : 1)), failures };
}

/** Retractions are not values. */
function withoutRetractions({ shown, hidden }: TagCounts): TagCounts {
  const { retraction: _, ...others } = hidden;
  return { shown, hidden: others };
}

function countValues({ shown, hidden }: TagCounts): number {
  return Object.values(hidden).reduce((sum, count) => sum + count, shown);
}

/** A line for each reason why values are hidden: `3 values: superseded by a restart, …`. */
export function toReasonLines(hidden: TagCounts['hidden']): string[] {
  return HIDDEN_REASONS.flatMap((reason) => {
    const count = hidden[reason];
    return count === undefined
      ? []
      : [`${count} ${count === 1 ? 'value' : 'values'}: ${REASON_TEXTS[reason]}`];
  });
}

/** The values of one tag that a reader of TensorBoard hides for a reason that no writer intends. */
export interface HiddenValues {
  readonly run: string;
  readonly tag: string;
  readonly viewer: 'fast' | 'python';
  readonly values: number;
  readonly shown: number;
  readonly hidden: TagCounts['hidden'];
}

/** The tags of which TensorBoard does not show all values, except for what a restart supersedes and what a sample leaves out. */
export function findHidden(runs: readonly RunShownCounts[]): HiddenValues[] {
  return runs.flatMap(({ run, tags }) =>
    tags.flatMap(({ tag, values, viewers }) =>
      (['fast', 'python'] as const).flatMap((viewer): HiddenValues[] => {
        const { shown, hidden } = viewers[viewer];
        const problems = HIDDEN_REASONS.filter(
          (reason) => PROBLEMS.has(reason) && hidden[reason] !== undefined,
        );
        if (problems.length === 0) return [];
        const counted = Object.fromEntries(problems.map((reason) => [reason, hidden[reason]!]));
        return [{ run, tag, viewer, values, shown, hidden: counted }];
      }),
    ),
  );
}
