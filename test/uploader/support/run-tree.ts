/** Creates run directories like those of the tracking library, without running it. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const RUN = '0123456789abcdef0123456789abcdef';
export const OTHER_RUN = 'fedcba9876543210fedcba9876543210';
export const EVENT_FILE = 'outputs/tensorboard/events.out.tfevents.1700000000.host.1.000000';

/** File contents by path inside the run. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** Creates `<root>/runs/<uuid>/` with a run file, a lineage file and `files`; returns its path. */
export function makeRun(root: string, files: Files = {}, uuid = RUN): string {
  const directory = join(root, 'runs', uuid);
  writeFiles(directory, {
    'run.plx.json': JSON.stringify({ uuid, name: 'a run', status: 'running' }),
    'lineages.plx.json': '[]',
    ...files,
  });
  return directory;
}

export function writeFiles(directory: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
}
