/** Creates log directories like those of third-party writers. */

import { join } from 'node:path';
import { createExperimentValue, createSessionStartValue } from '../../../src/summary/hparams.js';
import { scalarValue, toEvent } from '../../support/summary-events.js';
import { toRecord } from './event-records.js';
import { writeFiles } from './run-tree.js';

export const LOG_FILE = 'events.out.tfevents.1700000000.host';
const VERSION = toRecord({
  wallTime: 1,
  step: 0,
  what: { kind: 'fileVersion', fileVersion: 'brain.Event:2' },
});
/** The start of a HParams session. */
export const SESSION = toRecord(toEvent(0, 1, createSessionStartValue({ lr: 0.1 }, 1)));
/** The configuration of a sweep. */
export const CONFIG = toRecord(
  toEvent(0, 1, createExperimentValue({ hparams: [{ name: 'lr' }], metrics: [{ tag: 'acc' }] }, 1)),
);

export function scalars(tag = 'epoch_loss'): Buffer {
  return toRecord(toEvent(1, 2, scalarValue(tag, 0.5)));
}

/** Records by path of a log directory; `.` is the root. */
export type Logs = Readonly<Record<string, readonly Buffer[]>>;

/** Writes one event file into each log directory. */
export function writeLogs(root: string, logs: Logs): void {
  for (const [path, records] of Object.entries(logs))
    writeFiles(join(root, path), { [LOG_FILE]: Buffer.concat([VERSION, ...records]) });
}

/** Two phases of one run, as Keras writes them. */
export const PAIR: Logs = { train: [scalars()], validation: [scalars()] };

export function below(path: string, logs: Logs): Logs {
  return Object.fromEntries(Object.entries(logs).map(([name, records]) => [`${path}/${name}`, records]));
}
