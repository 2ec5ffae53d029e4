/** What the model says that viewers show of the runs below a directory, without sampling, in a form that tests compare. */

import { listEventFiles } from '../../../../src/format/index.js';
import { readVisibility } from '../../../../src/format/visibility/read-run.js';
import { SHOWN } from '../../../../src/format/visibility/reasons.js';
import type { ShownRun, VisibilityOptions } from '../../../../src/format/visibility/run-visibility.js';
import { PolyaxonViewer } from '../../../../src/polyaxon/export/polyaxon-viewer.js';
import { expectedOf } from '../../../format/visibility/compare-with-tensorboard.js';

const viewers: VisibilityOptions['viewers'] = { polyaxon: (state) => new PolyaxonViewer(state) };

/** `samples`: as `--samples_per_plugin` of TensorBoard. */
export async function readShown(
  directory: string,
  samples: VisibilityOptions['samples'] = 'all',
): Promise<Map<string, ShownRun>> {
  const runs = new Map<string, ShownRun>();
  for (const { run, directory: path, files } of await listEventFiles(directory)) {
    runs.set(run, await readVisibility(path, files, { samples, viewers }));
  }
  return runs;
}

/** By reader and plugin: the points of each tag in order, and the failed requests. */
export function describeShown(run: ShownRun): object {
  const tensorBoard = Object.fromEntries(
    (['fast', 'python'] as const).map((reader) => [
      reader,
      { series: expectedOf(run, reader), failures: run.viewers[reader]!.failures.map(toLine).sort() },
    ]),
  );
  return { ...tensorBoard, polyaxon: describePolyaxon(run) };
}

function describePolyaxon({ points, viewers }: ShownRun): Map<string, string[]> {
  const rows = new Map<string, string[]>();
  for (let point = 0; point < points.count; point++) {
    const tag = points.tags[points.tagIndexOf(point)]!;
    // Hyperparameters are inputs of the run.
    if (viewers.polyaxon!.codes.at(point) !== SHOWN || tag.startsWith('_hparams_/')) continue;
    rows.set(tag, [...(rows.get(tag) ?? []), `${points.stepOf(point)}@${points.wallTimeOf(point)}`]);
  }
  return rows;
}

function toLine({ scope, plugin, tag }: { scope: string; plugin: string; tag: string }): string {
  return `${scope} ${plugin} ${tag}`;
}
