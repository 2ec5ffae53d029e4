/** Finds the event files of a run. */

import { isEventFileName } from '../format/event-file-name.js';
import { RESOURCES_TENSORBOARD_DIRECTORY, TENSORBOARD_DIRECTORY } from '../run-directory/layout.js';
import type { RunFolder } from './run-source.js';

/** `metric`: what the program logs. `system`: system metrics. */
export type MetricKind = 'metric' | 'system';

const DIRECTORIES: Readonly<Record<MetricKind, string>> = {
  metric: TENSORBOARD_DIRECTORY,
  system: RESOURCES_TENSORBOARD_DIRECTORY,
};

/** A directory of event files. */
export interface LogDirectory {
  /** The path below the run's own log directory; '' for that one. That of a worker is its name. */
  readonly path: string;
  /** In the order of their names, in which TensorBoard reads them. */
  readonly files: readonly EventFile[];
}

interface EventFile {
  readonly name: string;
  /** Relative to the run directory. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** The log directories of a run, its own first. */
export async function listLogDirectories(
  folder: RunFolder,
  kind: MetricKind,
  signal: AbortSignal | undefined,
): Promise<LogDirectory[]> {
  const base = DIRECTORIES[kind];
  const found = new Map<string, EventFile[]>();
  for (const { path, sizeBytes } of await folder.listFiles(base, signal)) {
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    if (!isEventFileName(name)) continue;
    const directory = path.slice(base.length + 1, Math.max(slash, base.length + 1));
    const files = found.get(directory) ?? [];
    files.push({ name, path, sizeBytes });
    found.set(directory, files);
  }
  const directories = [...found].map(([path, files]) => ({
    path,
    files: files.sort((a, b) => (a.name < b.name ? -1 : 1)),
  }));
  return directories.sort((a, b) => (a.path < b.path ? -1 : 1));
}
