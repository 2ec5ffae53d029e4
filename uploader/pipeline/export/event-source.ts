/** Finds the event files of a run to export, and what to export each of them as. */

import type { ExportTarget } from '../../../src/polyaxon/export/exporter.js';
import { RESOURCES_TENSORBOARD_DIRECTORY, TENSORBOARD_DIRECTORY } from '../../../src/run-directory/layout.js';

export interface EventSource {
  /** Path inside the run. */
  readonly relPath: string;
  readonly target: ExportTarget;
  /** The path of its log directory, relative to the run's own log directory; '' for that one. */
  readonly logDirectory: string;
  readonly name: string;
}

const BASES: readonly { readonly directory: string; readonly target: ExportTarget }[] = [
  { directory: TENSORBOARD_DIRECTORY, target: 'events' },
  { directory: RESOURCES_TENSORBOARD_DIRECTORY, target: 'resources' },
];

/** Returns what the event files in a directory of a run are exported as; undefined when they are not exported. */
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

/** Sorts by log directory, the run's own first, then by name, as TensorBoard reads them. Names are allocated in this order. */
export function compareSources(a: EventSource, b: EventSource): number {
  return compare(a.target, b.target) || compare(a.logDirectory, b.logDirectory) || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
