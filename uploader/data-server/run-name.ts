/** The name under which TensorBoard shows a run: that of the link to it, and its status unless it has succeeded. */

import { readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { RUN_FILE, TENSORBOARD_DIRECTORY, toLinkName } from '../../src/run-directory/layout.js';
import { isAbsent } from '../base/io/system-error.js';

/** Matches the run directory, its name, and the path of a log directory in it. */
const RUN_LOGS = new RegExp(`^(.*/([0-9a-f]{32}))/${TENSORBOARD_DIRECTORY}(?:/(.+))?$`);

export interface RunTitle {
  readonly name: string;
  readonly status: string;
}

/** Parses `run.plx.json`. What it does not say is empty. */
export function parseRunTitle(text: string): RunTitle {
  try {
    const { name, status } = JSON.parse(text) as Record<string, unknown>;
    return { name: typeof name === 'string' ? name : '', status: typeof status === 'string' ? status : '' };
  } catch {
    return { name: '', status: '' };
  }
}

/**
 * The name of a local log directory. `run`: its path below the served directory; `real`: its path without links. A link to a run has the name of
 * the run, so only the status is added. Other log directories of a run get the name of the run, and all others keep their path, as in TensorBoard.
 */
export async function findLocalRunName(run: string, real: string): Promise<string> {
  const [, directory, uuid, path = ''] = RUN_LOGS.exec(real.replaceAll(sep, '/')) ?? [];
  if (directory === undefined || uuid === undefined) return run;
  const file = await readFile(join(directory, RUN_FILE), 'utf8').catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
  if (file === undefined) return run;
  const title = parseRunTitle(file);
  const link = run.slice(0, run.length - path.length).replace(/\/$/, '');
  const isLink = link !== '' && link !== '.' && !link.split('/').includes(uuid);
  return isLink ? joinName(link, title, path) : toRunName(uuid, title, path);
}

/** `path` is that of the log directory below the run; '' for its own. */
export function toRunName(uuid: string, title: RunTitle, path: string): string {
  return joinName(toLinkName(title.name, uuid), title, path);
}

function joinName(link: string, { status }: RunTitle, path: string): string {
  const suffix = status === '' || status === 'succeeded' ? '' : ` (${status})`;
  return `${link}${suffix}${path === '' ? '' : `/${path}`}`;
}
