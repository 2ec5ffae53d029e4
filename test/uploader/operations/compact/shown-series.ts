/** What the model says that viewers show of the runs below a directory, without sampling, in a form that tests compare. */

import { listEventFiles } from '../../../../src/format/index.js';
import { readVisibility } from '../../../../src/format/visibility/read-run.js';
import type { ShownRun } from '../../../../src/format/visibility/run-visibility.js';
import { expectedOf } from '../../../format/visibility/compare-with-tensorboard.js';

export async function readShown(directory: string): Promise<Map<string, ShownRun>> {
  const runs = new Map<string, ShownRun>();
  for (const { run, directory: path, files } of await listEventFiles(directory)) {
    runs.set(run, await readVisibility(path, files, { samples: 'all' }));
  }
  return runs;
}

/** By reader and plugin: the points of each tag in order, and the failed requests. */
export function describeShown(run: ShownRun): object {
  return Object.fromEntries(
    (['fast', 'python'] as const).map((reader) => [
      reader,
      { series: expectedOf(run, reader), failures: run.viewers[reader]!.failures.map(toLine).sort() },
    ]),
  );
}

function toLine({ scope, plugin, tag }: { scope: string; plugin: string; tag: string }): string {
  return `${scope} ${plugin} ${tag}`;
}
