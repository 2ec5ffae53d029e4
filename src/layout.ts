/**
 * Names inside a root and inside a run directory: the contract between tracking and the uploader, and nothing else.
 *
 *     <root>/runs/<uuid>/run.plx.json, lineages.plx.json, outputs/…, outputs/tensorboard/<event files>
 *     <root>/tensorboard/<run name>-<8 hex> → ../runs/<uuid>/outputs/tensorboard
 *
 * Source: Polyaxon's offline layout, traceml 1.3.0 and polyaxon 2.16 (`<offline root>/runs/<uuid>`).
 */

import { join, resolve } from 'node:path';

export const RUNS_DIRECTORY = 'runs';
export const LINKS_DIRECTORY = 'tensorboard';
export const RUN_FILE = 'run.plx.json';
export const LINEAGE_FILE = 'lineages.plx.json';
export const OUTPUTS_DIRECTORY = 'outputs';
export const TENSORBOARD_DIRECTORY = 'outputs/tensorboard';

/** Files that are being written beside their final name end with this; they are never part of a run. */
export const PARTIAL_SUFFIX = '.partial';

/** Polyaxon's run uuid: 32 lower-case hex digits, no dashes. */
export const RUN_UUID_PATTERN = /^[0-9a-f]{32}$/;

/** What makes TensorBoard take a file for an event file, and trip over a directory, wherever it stands in the name. */
export const EVENT_FILE_MARK = 'tfevents';

/** The directories of one run, absolute. */
export interface RunPaths {
  readonly root: string;
  readonly run: string;
  readonly outputs: string;
  readonly tensorboard: string;
  readonly runFile: string;
  readonly lineageFile: string;
}

/** The paths of run `uuid` below `root`. Touches no disk. */
export function toRunPaths(root: string, uuid: string): RunPaths {
  const absoluteRoot = resolve(root);
  const run = join(absoluteRoot, RUNS_DIRECTORY, uuid);
  return {
    root: absoluteRoot,
    run,
    outputs: join(run, OUTPUTS_DIRECTORY),
    tensorboard: join(run, TENSORBOARD_DIRECTORY),
    runFile: join(run, RUN_FILE),
    lineageFile: join(run, LINEAGE_FILE),
  };
}

/**
 * The name under which a run shows in TensorBoard: the run's name made safe for a file system, and the first 8 digits of
 * its uuid. Never contains `tfevents`, which would stop TensorBoard's Python reader for all runs.
 */
export function toLinkName(runName: string, uuid: string): string {
  const safe = runName
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._ -]+/gu, '-')
    .replaceAll(new RegExp(EVENT_FILE_MARK, 'gi'), 'events')
    .replace(/^[.\s-]+|[.\s-]+$/g, '')
    .slice(0, 60);
  return `${safe || 'run'}-${uuid.slice(0, 8)}`;
}

/**
 * The name of an event file. Read order is name order in both of TensorBoard's readers, so the seconds are padded to 10
 * digits and the sequence number to 6.
 *
 * Source: tensorboard/summary/writer/event_file_writer.py: `events.out.tfevents.<seconds>.<host>.<pid>.<uid>`.
 */
export function toEventFileName(name: {
  seconds: number;
  hostname: string;
  pid: number;
  sequence: number;
  suffix: string;
}): string {
  const seconds = String(Math.floor(name.seconds)).padStart(10, '0');
  const hostname = name.hostname.replace(/[^A-Za-z0-9_-]+/g, '-') || 'localhost';
  const sequence = String(name.sequence).padStart(6, '0');
  return `events.out.${EVENT_FILE_MARK}.${seconds}.${hostname}.${name.pid}.${sequence}${name.suffix}`;
}
