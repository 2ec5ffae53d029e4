/**
 * Names inside a root and inside a run directory: the contract between tracking and the uploader, and nothing else.
 *
 *     <root>/runs/<uuid>/run.plx.json, lineages.plx.json, outputs/…, outputs/tensorboard/[<worker>/]<event files>
 *                       events/<kind>/<name>.plx, assets/<kind>/…, plxlogs/<writer>.jsonl
 *                       resources/metric/<name>.plx, system/tensorboard/[<worker>/]<event files>
 *                       .plx/heartbeat-<writer>.json, end-<writer>.json, formats-<writer>.json, worker-<worker>.json
 *     <root>/tensorboard/<run name>-<8 hex> → ../runs/<uuid>/outputs/tensorboard
 *
 * A writer is `main` or the name of a worker. `.plx/` is of this machine: it is never uploaded.
 *
 * Source: Polyaxon's offline layout, traceml 1.3.0 and polyaxon 2.16 (`<offline root>/runs/<uuid>`).
 */

import { join, resolve } from 'node:path';
import { EVENT_FILE_MARK } from '../format/event-file-name.js';
import { ASSETS_DIRECTORY, RESOURCES_DIRECTORY } from '../polyaxon/names.js';

export const RUNS_DIRECTORY = 'runs';
export const LINKS_DIRECTORY = 'tensorboard';
export const RUN_FILE = 'run.plx.json';
export const LINEAGE_FILE = 'lineages.plx.json';
export const OUTPUTS_DIRECTORY = 'outputs';
export const TENSORBOARD_DIRECTORY = 'outputs/tensorboard';
/**
 * Event files of system metrics: not below `outputs/`, so that TensorBoard does not show them as another run, and not below `resources/`,
 * of whose directories Polyaxon's client and sidecar read every file as a table, and fail at one that is none (polyaxon 2.16, `_client/run.py`).
 */
export const RESOURCES_TENSORBOARD_DIRECTORY = 'system/tensorboard';
export const LOGS_DIRECTORY = 'plxlogs';
/** What processes leave for one another: heartbeats, end markers, what workers logged. */
export const PROCESS_DIRECTORY = '.plx';
/** The writer that is no worker. */
export const MAIN_WRITER = 'main';

/** Polyaxon's run uuid: 32 lower-case hex digits, no dashes. */
export const RUN_UUID_PATTERN = /^[0-9a-f]{32}$/;

/** The directories of one run, absolute. */
export interface RunPaths {
  readonly root: string;
  readonly run: string;
  readonly outputs: string;
  readonly tensorboard: string;
  readonly assets: string;
  readonly resources: string;
  readonly logs: string;
  readonly runFile: string;
  readonly lineageFile: string;
}

/** The paths of run `uuid` below `root`, or of the run in `directory`. Touches no disk. */
export function toRunPaths(
  root: string,
  uuid: string,
  directory: string = join(resolve(root), RUNS_DIRECTORY, uuid),
): RunPaths {
  const run = resolve(directory);
  return {
    root: resolve(root),
    run,
    outputs: join(run, OUTPUTS_DIRECTORY),
    tensorboard: join(run, TENSORBOARD_DIRECTORY),
    assets: join(run, ASSETS_DIRECTORY),
    resources: join(run, RESOURCES_DIRECTORY),
    logs: join(run, LOGS_DIRECTORY),
    runFile: join(run, RUN_FILE),
    lineageFile: join(run, LINEAGE_FILE),
  };
}

/** The file that changes as long as `writer` lives. */
export function toHeartbeatPath(runDirectory: string, writer: string): string {
  return join(runDirectory, PROCESS_DIRECTORY, `heartbeat-${writer}.json`);
}

/** The file that says how `writer` ended. */
export function toEndMarkerPath(runDirectory: string, writer: string): string {
  return join(runDirectory, PROCESS_DIRECTORY, `end-${writer}.json`);
}

const FORMATS_FILE_PATTERN = /^formats-(.+)\.json$/;

/**
 * The file that says which formats `writer` writes: `{"formats": ["tensorboard", …]}`. There before `run.plx.json` and the first event, so
 * that nobody else makes Polyaxon's files of events whose writer does.
 */
export function toFormatsPath(runDirectory: string, writer: string): string {
  return join(runDirectory, PROCESS_DIRECTORY, `formats-${writer}.json`);
}

/** Whether a file of the process directory says what a writer writes. */
export function isFormatsFile(fileName: string): boolean {
  return FORMATS_FILE_PATTERN.test(fileName);
}

const WORKER_FILE_PATTERN = /^worker-(.+)\.json$/;

/** The file of what a worker adds to `run.plx.json` and `lineages.plx.json`. */
export function toWorkerPath(runDirectory: string, worker: string): string {
  return join(runDirectory, PROCESS_DIRECTORY, `worker-${worker}.json`);
}

/** Whether a file of the process directory is that of a worker. */
export function isWorkerFile(fileName: string): boolean {
  return WORKER_FILE_PATTERN.test(fileName);
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
