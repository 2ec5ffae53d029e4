/** The files of the alerts of a run: one for each writer, in `.plx/`, with one JSON object in each line. Pure. */

import { join } from 'node:path';
import { toCleanMap } from '../base/clean-json.js';
import { PROCESS_DIRECTORY } from './layout.js';

export type AlertLevel = 'info' | 'warn' | 'error';
export const ALERT_LEVELS: readonly AlertLevel[] = ['info', 'warn', 'error'];

/** One alert, in the form of its line. */
export interface AlertRecord {
  /** The same in each delivery of the alert. */
  readonly id: string;
  /** ISO text. */
  readonly time: string;
  readonly level: AlertLevel;
  readonly title: string;
  readonly text: string;
  readonly run: { readonly uuid: string; readonly name: string; readonly project?: string };
}

const ALERTS_FILE_PATTERN = /^alerts-.+\.jsonl$/;

export function toAlertsPath(runDirectory: string, writer: string): string {
  return join(runDirectory, PROCESS_DIRECTORY, `alerts-${writer}.jsonl`);
}

/** Whether a file of the process directory has the alerts of a writer. */
export function isAlertsFile(fileName: string): boolean {
  return ALERTS_FILE_PATTERN.test(fileName);
}

/** Returns the alert of a line; null if it is none. */
export function parseAlert(line: string): AlertRecord | null {
  let found: ReturnType<typeof toCleanMap>;
  try {
    found = toCleanMap(JSON.parse(line));
  } catch {
    return null; // the rest of a line that a full disk has cut
  }
  const { id, time, title, text } = found;
  const { uuid, name, project } = toCleanMap(found.run);
  const level = ALERT_LEVELS.find((known) => known === found.level);
  if (typeof id !== 'string' || typeof title !== 'string' || level === undefined) return null;
  if (typeof time !== 'string' || Number.isNaN(Date.parse(time))) return null;
  const run = {
    uuid: typeof uuid === 'string' ? uuid : '',
    name: typeof name === 'string' ? name : '',
    ...(typeof project === 'string' ? { project } : {}),
  };
  return { id, time, level, title, text: typeof text === 'string' ? text : '', run };
}
