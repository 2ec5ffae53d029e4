/** The name under which TensorBoard shows a run: that of the link to it, and its status unless it has succeeded. */

import { toLinkName } from '../../src/run-directory/layout.js';

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

/** `path` is that of the log directory below the run; '' for its own. */
export function toRunName(uuid: string, { name, status }: RunTitle, path: string): string {
  const suffix = status === '' || status === 'succeeded' ? '' : ` (${status})`;
  return `${toLinkName(name, uuid)}${suffix}${path === '' ? '' : `/${path}`}`;
}
