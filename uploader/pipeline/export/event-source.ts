/** Which files of a run are event files to project, and as what. */

import { EVENT_FILE_MARK } from '../../../src/format/event-file-name.js';
import type { ExportTarget } from '../../../src/polyaxon/export/exporter.js';
import { RESOURCES_TENSORBOARD_DIRECTORY, TENSORBOARD_DIRECTORY } from '../../../src/run-directory/layout.js';

export interface EventSource {
  /** Inside the run. */
  readonly relPath: string;
  readonly target: ExportTarget;
  /** The path of its log directory below those of the run; '' for the run's own. */
  readonly logDirectory: string;
  readonly name: string;
}

const BASES: readonly { readonly directory: string; readonly target: ExportTarget }[] = [
  { directory: TENSORBOARD_DIRECTORY, target: 'events' },
  { directory: RESOURCES_TENSORBOARD_DIRECTORY, target: 'resources' },
];

/** What the event files of a directory of a run are projected as; undefined when they are not. */
export function toBase(
  directory: string,
): { readonly target: ExportTarget; readonly logDirectory: string } | undefined {
  for (const base of BASES) {
    if (directory === base.directory) return { target: base.target, logDirectory: '' };
    if (directory.startsWith(`${base.directory}/`))
      return { target: base.target, logDirectory: directory.slice(base.directory.length + 1) };
  }
  return undefined;
}

export function isEventFileName(name: string): boolean {
  return name.includes(EVENT_FILE_MARK);
}

/** By log directory, the run's own first, then by name, as TensorBoard reads them: the order in which names are given. */
export function compareSources(a: EventSource, b: EventSource): number {
  return compare(a.target, b.target) || compare(a.logDirectory, b.logDirectory) || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
