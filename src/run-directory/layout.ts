/**
 * Defines the names inside a root and a run directory: the contract between the tracking library and the uploader.
 *
 *     <root>/runs/<uuid>/run.plx.json, lineages.plx.json, outputs/…, outputs/tensorboard/[<worker>/]<event files>
 *                       events/<kind>/<name>.plx, assets/<kind>/…, plxlogs/<writer>.jsonl
 *                       resources/metric/<name>.plx, system/tensorboard/[<worker>/]<event files>
 *                       .plx/heartbeat-<writer>.json, end-<writer>.json, formats-<writer>.json, worker-<worker>.json,
 *                       order, order-main.json, alerts-<writer>.jsonl, spans-<writer>-<uuid of a root>.jsonl
 *     <root>-tensorboard/<run name>-<8 hex> → ../<root's name>/runs/<uuid>/outputs/tensorboard
 *
 * A writer is `main` or the name of a worker. `.plx/` is local to the machine and never uploaded.
 *
 * Source: Polyaxon's offline layout, traceml 1.3.0 and polyaxon 2.16 (`<offline root>/runs/<uuid>`).
 */

import { join, resolve } from 'node:path';
import { EVENT_FILE_MARK } from '../format/event-file-name.js';
import { ASSETS_DIRECTORY, RESOURCES_DIRECTORY } from '../polyaxon/names.js';

export const RUNS_DIRECTORY = 'runs';
/** The links lie beside the root, because TensorBoard follows links: below the root, it would show each run twice. */
export const LINKS_SUFFIX = '-tensorboard';
/** Where earlier versions created the links, below the root. */
export const EARLIER_LINKS_DIRECTORY = 'tensorboard';
export const RUN_FILE = 'run.plx.json';
export const LINEAGE_FILE = 'lineages.plx.json';
export const OUTPUTS_DIRECTORY = 'outputs';
export const TENSORBOARD_DIRECTORY = 'outputs/tensorboard';
/**
 * Event files of system metrics, under names that TensorBoard ignores (`toHiddenFileName`). They are not below `outputs/`, and not below `resources/`,
 * where Polyaxon's client and sidecar read every file as a table and fail for other files (polyaxon 2.16, `_client/run.py`).
 */
export const RESOURCES_TENSORBOARD_DIRECTORY = 'system/tensorboard';
export const LOGS_DIRECTORY = 'plxlogs';
/** Files that processes exchange: heartbeats, end markers, and data that workers logged. */
export const PROCESS_DIRECTORY = '.plx';
/** The writer of the main process. */
export const MAIN_WRITER = 'main';

/** A Polyaxon run uuid: 32 lower-case hex digits, no dashes. */
export const RUN_UUID_PATTERN = /^[0-9a-f]{32}$/;

/** The absolute paths of one run. */
export interface RunPaths {
  readonly root: string;
  /** The directory of the links with readable names to the runs of the root. A run with `artifactsPath` has no link. */
  readonly links: string;
  readonly run: string;
  readonly outputs: string;
  readonly tensorboard: string;
  readonly assets: string;
  readonly resources: string;
  readonly logs: string;
  readonly runFile: string;
  readonly lineageFile: string;
}

/** Returns the paths of run `uuid` below `root`, or of the run in `directory`. Does not access the disk. */
export function toRunPaths(
  root: string,
  uuid: string,
  directory: string = join(resolve(root), RUNS_DIRECTORY, uuid),
): RunPaths {
  const run = resolve(directory);
  return {
    root: resolve(root),
    links: `${resolve(root)}${LINKS_SUFFIX}`,
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

export function toHeartbeatPath(runDirectory: string, writer: string): string {
  return join(runDirectory, PROCESS_DIRECTORY, `heartbeat-${writer}.json`);
}

export function toEndMarkerPath(runDirectory: string, writer: string): string {
  return join(runDirectory, PROCESS_DIRECTORY, `end-${writer}.json`);
}

/** Files that stay when local files of a run are deleted, because a resumed run continues them. The run file is last. */
export const CONTINUED_FILES: readonly string[] = [LINEAGE_FILE, RUN_FILE];

/** Returns the path of the marker of a run whose local files were deleted on purpose. */
export function toCleanedPath(runDirectory: string): string {
  return join(runDirectory, PROCESS_DIRECTORY, 'cleaned.json');
}

const FORMATS_FILE_PATTERN = /^formats-(.+)\.json$/;

/**
 * Returns the path of the file with the formats that `writer` writes: `{"formats": ["tensorboard", …]}`. It is written before `run.plx.json`
 * and the first event, so that no other process exports events that their writer exports.
 */
export function toFormatsPath(runDirectory: string, writer: string): string {
  return join(runDirectory, PROCESS_DIRECTORY, `formats-${writer}.json`);
}

/** Returns whether a file of the process directory holds the formats of a writer. */
export function isFormatsFile(fileName: string): boolean {
  return FORMATS_FILE_PATTERN.test(fileName);
}

/** Returns the path of the counter that orders the writes of all processes. */
export function toOrderCounterPath(runDirectory: string): string {
  return join(runDirectory, PROCESS_DIRECTORY, 'order');
}

/** The file, beside those of workers, with the number of the last write of each name in `run.plx.json` and `lineages.plx.json`. */
export const ORDER_FILE = 'order-main.json';

const WORKER_FILE_PATTERN = /^worker-(.+)\.json$/;

/** Returns the path of the file with a worker's additions to `run.plx.json` and `lineages.plx.json`. */
export function toWorkerPath(runDirectory: string, worker: string): string {
  return join(runDirectory, PROCESS_DIRECTORY, `worker-${worker}.json`);
}

/** Returns whether a file of the process directory belongs to a worker. */
export function isWorkerFile(fileName: string): boolean {
  return WORKER_FILE_PATTERN.test(fileName);
}

/**
 * Returns a run's name in TensorBoard: the run name made safe for a file system, and the first 8 digits of the uuid.
 * It never contains `tfevents`, which would stop TensorBoard's Python reader for all runs.
 */
export function toLinkName(runName: string, uuid: string): string {
  const safe = runName
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._ -]+/gu, '-')
    .replaceAll(new RegExp(EVENT_FILE_MARK, 'gi'), 'events')
    .replace(/^[.\s-]+|[.\s-]+$/g, '')
    .slice(0, 60);
  return `${safe || 'run'}${toLinkEnd(uuid)}`;
}

/** Returns how the names of links to a run end. */
export function toLinkEnd(uuid: string): string {
  return `-${uuid.slice(0, 8)}`;
}
