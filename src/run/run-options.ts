/**
 * The options of `Run`, and the functions that check them.
 */

import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import type { Clock } from '../base/clock.js';
import { describe } from '../base/describe.js';
import type { DiagnosticsOptions } from '../base/diagnostics.js';
import { InvalidArgumentError } from '../base/errors.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import { findCommand } from '../base/own-package.js';
import { toWellFormedText } from '../base/well-formed-text.js';
import type { EventLogOptions } from '../event-log/event-log.js';
import { EVENT_FILE_MARK } from '../format/event-file-name.js';
import { MAIN_WRITER, RUN_UUID_PATTERN } from '../run-directory/layout.js';
import { parseName } from '../summary/arguments.js';
import type { TraceMetricsOptions } from './span-metrics.js';

export interface RunSyncOptions {
  /** Destination, such as `s3://bucket/prefix`. Default: the uploader's store, from `POLYTRACK_STORE` or its configuration file. */
  readonly store?: string | undefined;
  /** Longest time in milliseconds that `end()` waits for the upload. Default 60,000. After that, the upload continues in the background. */
  readonly deadlineMs?: number | undefined;
  /** Further flags of `polytrack sync`, such as `['--polyaxon', 'https://polyaxon.example.com']`. */
  readonly flags?: readonly string[] | undefined;
}
const RUN_SYNC_OPTIONS: OptionTable<RunSyncOptions> = { store: 'string', deadlineMs: 'any', flags: 'any' };

/**
 * A format of event files. `tensorboard`: TensorBoard event files, which are always written. `polyaxon`: also Polyaxon event files in
 * `events/…` and `assets/…`, for Polyaxon's sidecar, client and viewer.
 */
export type RunFormat = 'tensorboard' | 'polyaxon';

export interface RunOptions
  extends Pick<DiagnosticsOptions, 'onWarning'>,
    Pick<
      EventLogOptions,
      | 'flushIntervalMs'
      | 'maxFileBytes'
      | 'maxQueueBytes'
      | 'onQueueFull'
      | 'fsync'
      | 'fileNameSuffix'
      | 'sink'
      | 'filter'
    > {
  /**
   * Directory of all runs. Default: `POLYAXON_OFFLINE_ROOT`, else `./plx-runs`. (Polyaxon's own default is in the temporary
   * folder, which a reboot empties.) Links with the names of the runs, for TensorBoard, lie beside it in `<root>-tensorboard`.
   */
  readonly root?: string | undefined;
  /** Directory of this run. Default: `<root>/runs/<uuid>`, or the directory that Polyaxon mounts in a cluster. */
  readonly artifactsPath?: string | undefined;
  /** 32 hex digits, with or without dashes. Default: the uuid of the job in a cluster, else a new one. */
  readonly uuid?: string | undefined;
  /** Name that TensorBoard and Polyaxon show. Default: `run`. */
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly owner?: string | undefined;
  /** A project, or `owner/project`. */
  readonly project?: string | undefined;
  readonly tags?: string | readonly string[] | undefined;
  /** Creates a separate run directory even if the process is a Polyaxon job. Default: `POLYAXON_IS_OFFLINE`. */
  readonly isOffline?: boolean | undefined;
  /** Writes nothing, but still checks arguments. Default: `POLYAXON_NO_OP`. */
  readonly noOp?: boolean | undefined;
  /** Starts a new run inside a Polyaxon job, in addition to the run of the job. Default false. */
  readonly isNew?: boolean | undefined;
  /**
   * Makes this process an additional writer of the run `uuid`, under this name, such as a rank: at most 64 letters, digits, `.`, `_` and `-`.
   * The worker writes its events to a separate log directory. Only the main process sets the status.
   */
  readonly worker?: string | number | undefined;
  /** Default: `tensorboard`; in a cluster also `polyaxon`. */
  readonly formats?: readonly RunFormat[] | undefined;
  /** Whether events are written. Default: `POLYAXON_COLLECT_ARTIFACTS`, else true. */
  readonly collectArtifacts?: boolean | undefined;
  /** Whether system metrics are sampled. Default: `POLYAXON_COLLECT_RESOURCES`, else true; false for a worker. */
  readonly collectResources?: boolean | undefined;
  /** Time between two samples of system metrics, in milliseconds. Default 10,000, like Polyaxon. */
  readonly resourcesIntervalMs?: number | undefined;
  /** Whether commit, branch and changes of the git repository are recorded. Default true. */
  readonly trackCode?: boolean | undefined;
  /** Whether `outputs/env.json` is written. Default true. */
  readonly trackEnv?: boolean | undefined;
  /** Whether console output is written to `plxlogs/`. Default true; false in a cluster, where Polyaxon collects it. */
  readonly trackLogs?: boolean | undefined;
  /** Bytes of console output that are logged, except for the last lines. Default 33,554,432 (32 MiB). */
  readonly maxLogBytes?: number | undefined;
  /**
   * Whether TensorBoard's HParams dashboard shows the run: inputs as hyperparameters, metrics and outputs as results, and the status.
   * Default true. Workers and runs without inputs never add a row.
   */
  readonly hparams?: boolean | undefined;
  /**
   * Whether traces whose spans say how many tokens a model used add metrics to the run: `traces/latency_s`, `traces/llm_latency_s`, `traces/input_tokens`, `traces/output_tokens`
   * and, with your prices, `traces/cost`. Default true.
   */
  readonly traceMetrics?: boolean | TraceMetricsOptions | undefined;
  /** Time between two heartbeats, in milliseconds. Default 10,000. */
  readonly heartbeatIntervalMs?: number | undefined;
  /**
   * Handling of misuse, and of failures that no caller waits for. `throw` (the default): misuse throws, and a failure is reported as
   * a process warning. `warn`: misuse is also counted and reported as a warning. A function: misuse throws, and failures call the function.
   */
  readonly onError?: 'throw' | 'warn' | DiagnosticsOptions['onError'];
  /**
   * Uploads the run while it is written, in a separate uploader process. `end()` waits for it up to a deadline. `true`: to the store that
   * the uploader is configured with (`POLYTRACK_STORE`). Default false: run `polytrack sync` later. Throws in a bundled program unless
   * polytrack is installed beside it.
   */
  readonly sync?: boolean | RunSyncOptions | undefined;
  /**
   * Whether two lines on stderr say at the start where the run is and how to view it, and two at the end how it ended and how to upload
   * it. Default: `POLYTRACK_ANNOUNCE`, else only on a terminal. Workers never print them.
   */
  readonly announce?: boolean | undefined;
  /**
   * In a job of Polyaxon: whether a separate process reports inputs, outputs, tags, progress and lineage to the server, and without Polyaxon's sidecar
   * also uploads the files. `end()` waits up to 15 s for it. Default: `POLYTRACK_REPORT`, else true. Workers never report.
   */
  readonly report?: boolean | undefined;
  /**
   * Continues the run of an earlier process. `true`: the run `uuid`. A text: the run of the root with this name, uuid, or first 8 or more digits of
   * the uuid. Events continue after the last step, or from `fromStep`, as in `{ run: 'baseline', fromStep: 100 }`. Default false; true for a
   * restarted job of Polyaxon and for workers.
   */
  readonly resume?: boolean | string | RunResume | undefined;
  readonly clock?: Clock | undefined;
}

/** The key of a name for a run that `name` does not name, instead of `run`. A name that is given with it can be changed in Polyaxon. */
export const DEFAULT_NAME = Symbol('default name');

export interface NamedRunOptions extends RunOptions {
  readonly [DEFAULT_NAME]?: string | undefined;
}

/** Which run to resume, and the step from which on its events are written again. */
export interface RunResume {
  /** The name or uuid of the run. Default: the run `uuid`. */
  readonly run?: string | undefined;
  readonly fromStep?: number | bigint | undefined;
}

export const RUN_OPTIONS: OptionTable<RunOptions> = {
  root: 'any',
  artifactsPath: 'any',
  uuid: 'any',
  name: 'any',
  description: 'string',
  owner: 'string',
  project: 'string',
  tags: 'any',
  isOffline: 'boolean',
  noOp: 'boolean',
  isNew: 'boolean',
  worker: 'any',
  formats: 'any',
  collectArtifacts: 'boolean',
  collectResources: 'boolean',
  resourcesIntervalMs: 'any',
  trackCode: 'boolean',
  trackEnv: 'boolean',
  trackLogs: 'boolean',
  maxLogBytes: 'number',
  hparams: 'boolean',
  traceMetrics: 'any',
  heartbeatIntervalMs: 'any',
  onError: 'any',
  onWarning: 'function',
  sync: 'any',
  announce: 'boolean',
  report: 'boolean',
  clock: 'object',
  flushIntervalMs: 'number',
  maxFileBytes: 'number',
  maxQueueBytes: 'number',
  onQueueFull: 'any',
  fsync: 'boolean',
  fileNameSuffix: 'string',
  sink: 'object',
  filter: 'function',
  resume: 'any',
};

const DEFAULT_ROOT = 'plx-runs';
const WORKER_PATTERN = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
/** The values that Polyaxon accepts. Source: clipped 0.11, `utils/bools.py`. */
const TRUE_TEXTS = ['y', 'yes', 't', 'true', 'on', '1'];
const FALSE_TEXTS = ['n', 'no', 'f', 'false', 'off', '0', ''];

/** Returns the absolute root from the option, the environment or the default. */
export function resolveRoot(root: string | undefined, env: NodeJS.ProcessEnv): string {
  const chosen = root ?? (env.POLYAXON_OFFLINE_ROOT || DEFAULT_ROOT);
  return resolve(parsePath('root', chosen));
}

export function parsePath(name: string, path: unknown): string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path;
  throw invalidOption(`${name} is ${describe(path)}, expected a path`, `Pass a directory as \`${name}\`.`);
}

/** Returns a run's uuid without dashes, or a new one when none is given. */
export function resolveUuid(uuid: string | undefined): string {
  const given: unknown = uuid ?? randomUUID();
  const compact = toCompactUuid(typeof given === 'string' ? given : '');
  if (RUN_UUID_PATTERN.test(compact)) return compact;
  throw invalidOption(`uuid is ${describe(uuid)}, expected 32 hex digits`, 'Omit it, or pass a UUID.');
}

/** The name of a run that the program does not name. */
const DEFAULT_RUN_NAME = 'run';

/** Returns a uuid without dashes, braces and `urn:uuid:`, in lower case. */
export function toCompactUuid(text: string): string {
  return text
    .trim()
    .replace(/^urn:uuid:/i, '')
    .replace(/[{}-]/g, '')
    .toLowerCase();
}

/** Returns a run's name, checked with the rules for names of events. */
export function resolveRunName(name: string | undefined): string {
  const { text } = parseName(name ?? DEFAULT_RUN_NAME);
  if (text.toLowerCase().includes(EVENT_FILE_MARK)) {
    throw invalidOption(
      `name contains "${EVENT_FILE_MARK}", which is reserved for event files`,
      'Choose another name for the run.',
    );
  }
  return text;
}

/** Returns a list of non-empty tags without duplicates. */
export function parseTags(tags: unknown): string[] {
  const list = typeof tags === 'string' ? tags.split(',').map((tag) => tag.trim()) : tags;
  if (!Array.isArray(list) || list.some((tag) => typeof tag !== 'string' || tag.trim() === '')) {
    throw new InvalidArgumentError(
      'ERR_TAGS_INVALID',
      `tags is ${describe(tags)}, expected non-empty strings`,
      'Pass an array of strings, or one string with commas between tags.',
    );
  }
  return [...new Set(list.map((tag: string) => toWellFormedText(tag).text))];
}

/** Returns a worker's name, checked because it becomes a directory and part of file names. */
export function parseWorker(worker: unknown): string {
  const name = typeof worker === 'string' || typeof worker === 'number' ? String(worker) : '';
  const isUsable =
    WORKER_PATTERN.test(name) && name !== MAIN_WRITER && !name.toLowerCase().includes(EVENT_FILE_MARK);
  if (isUsable) return name;
  throw invalidOption(
    `worker is ${describe(worker)}, expected 1 to 64 letters, digits, ".", "_" and "-", and not "${MAIN_WRITER}"`,
    'Name the worker after its rank, for example.',
  );
}

/** Returns the formats as a set, which always includes `tensorboard`. */
export function parseFormats(formats: readonly string[]): ReadonlySet<RunFormat> {
  if (!Array.isArray(formats)) {
    throw invalidOption(
      `formats is ${describe(formats)}, expected an array`,
      "Pass ['tensorboard', 'polyaxon'], or omit it.",
    );
  }
  const unknown = formats.find((format) => format !== 'tensorboard' && format !== 'polyaxon');
  if (unknown === undefined) return new Set(['tensorboard', ...(formats as readonly RunFormat[])]);
  throw invalidOption(
    `formats has ${describe(unknown)}, expected tensorboard or polyaxon`,
    "Pass ['tensorboard', 'polyaxon'], or omit it.",
  );
}

/**
 * Returns owner and project. `project` may be `owner/project` or `owner.project`. Of an owner `organization/team`, only the organization is used.
 *
 * Source: polyaxon 2.16, `_client/run.py` and `_utils/fqn_utils.py`.
 */
export function parseProject(
  owner: string | undefined,
  project: string | undefined,
): { owner: string | undefined; project: string | undefined } {
  const parts = project?.split(/[./]/) ?? [];
  if (parts.length > 2 || parts.some((part) => part === '')) {
    throw invalidOption(
      `project is ${describe(project)}, expected a name or owner/name`,
      'Pass `owner` and `project` separately.',
    );
  }
  const named = parts.length === 2 ? { owner: parts[0], project: parts[1] } : { owner: undefined, project };
  return { owner: owner?.split('/')[0] ?? named.owner, project: named.project };
}

/** Parses an environment variable that is true or false. */
export function parseFlag(name: string, text: string | undefined, byDefault: boolean): boolean {
  if (text === undefined) return byDefault;
  const lower = text.toLowerCase();
  if (TRUE_TEXTS.includes(lower)) return true;
  if (FALSE_TEXTS.includes(lower)) return false;
  throw invalidOption(
    `${name} is ${describe(text)}, expected true or false`,
    `Set ${name} to true or false.`,
  );
}

/** Checked options of the uploader that runs beside a run. */
export interface ResolvedSync {
  /** `report`: tells a Polyaxon server about the run, and uploads files only where no other program does. */
  readonly subject: 'upload' | 'report';
  /** The path of the `polytrack` command. */
  readonly command: string;
  readonly store: string | undefined;
  readonly deadlineMs: number;
  readonly flags: readonly string[];
}

/** Checks the option `sync`; undefined when the run is not uploaded. */
export function parseSync(sync: boolean | RunSyncOptions | undefined): ResolvedSync | undefined {
  if (sync === undefined || sync === false) return undefined;
  const options = sync === true ? {} : sync;
  checkOptions('sync', options, RUN_SYNC_OPTIONS);
  const { store, deadlineMs = 60_000, flags = [] } = options;
  if (!(typeof deadlineMs === 'number' && deadlineMs >= 0)) {
    throw invalidOption(
      `sync.deadlineMs is ${describe(deadlineMs)}, expected milliseconds, 0 or more`,
      'Omit it, or pass a number of milliseconds.',
    );
  }
  if (!Array.isArray(flags) || flags.some((flag) => typeof flag !== 'string')) {
    throw invalidOption(
      `sync.flags is ${describe(flags)}, expected an array of strings`,
      "Omit it, or pass flags of polytrack sync, such as ['--polyaxon'].",
    );
  }
  const command = findCommand();
  if (command !== undefined) return { subject: 'upload', command, store, deadlineMs, flags };
  throw invalidOption(
    'sync needs the polytrack command, which was not found: this program is bundled without the package',
    'Install polytrack beside the bundle, or omit sync and run `npx polytrack sync` later.',
  );
}

export function parseInterval(
  name: 'heartbeatIntervalMs' | 'resourcesIntervalMs',
  options: RunOptions,
): number {
  const intervalMs = options[name] ?? 10_000;
  if (typeof intervalMs === 'number' && intervalMs >= 10 && intervalMs <= 2 ** 31 - 1) return intervalMs;
  throw invalidOption(
    `${name} is ${describe(intervalMs)}, expected milliseconds, 10 or more`,
    `Omit ${name}, or pass a number of milliseconds.`,
  );
}

/** Checks the option `onError`. */
export function parseOnError(onError: RunOptions['onError']): void {
  const isKnown =
    onError === undefined || onError === 'throw' || onError === 'warn' || typeof onError === 'function';
  if (isKnown) return;
  throw invalidOption(
    `onError is ${describe(onError)}, expected throw, warn or a function`,
    "Pass 'throw', 'warn' or a function.",
  );
}

export function parseMaxLogBytes({ maxLogBytes }: RunOptions): number | undefined {
  if (maxLogBytes === undefined || maxLogBytes >= 0) return maxLogBytes;
  throw invalidOption(
    `maxLogBytes is ${maxLogBytes}, expected a number of bytes, 0 or more`,
    'Omit maxLogBytes, or pass Infinity for no limit.',
  );
}

export function invalidOption(message: string, hint: string): InvalidArgumentError {
  return new InvalidArgumentError('ERR_OPTION_INVALID', message, hint);
}
