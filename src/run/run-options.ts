/**
 * Options of `Run`, each checked once.
 */

import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import type { Clock } from '../base/clock.js';
import type { DiagnosticsOptions } from '../base/diagnostics.js';
import { InvalidArgumentError } from '../base/errors.js';
import { toWellFormedText } from '../base/well-formed-text.js';
import type { EventLogOptions } from '../event-log/event-log.js';
import { EVENT_FILE_MARK } from '../format/event-file-name.js';
import { MAIN_WRITER, RUN_UUID_PATTERN } from '../run-directory/layout.js';
import { parseName } from '../summary/arguments.js';

export interface RunSyncOptions {
  /** Where to, such as `s3://bucket/prefix`. Default: what the uploader is configured with, `POLYTRACK_STORE` or its file. */
  readonly store?: string | undefined;
  /** Longest time in milliseconds that `end()` waits for the upload. Default 60,000. The upload goes on by itself after it. */
  readonly deadlineMs?: number | undefined;
}

/**
 * What is written beside the event files. `polyaxon`: Polyaxon's own event files, `events/…` and `assets/…`, so that its
 * sidecar, client and viewer find what they expect.
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
      | 'resume'
    > {
  /**
   * Directory that holds all runs. Default: `POLYAXON_OFFLINE_ROOT`, else `./plx-runs` (Polyaxon's own default lies in the
   * temporary folder, which a reboot empties).
   */
  readonly root?: string | undefined;
  /** The run's own directory. Default: `<root>/runs/<uuid>`; in a cluster what Polyaxon mounts. */
  readonly artifactsPath?: string | undefined;
  /** 32 hex digits, with or without dashes. Default: in a cluster that of the job, else a new one. */
  readonly uuid?: string | undefined;
  /** Shown in TensorBoard and Polyaxon. Default: `run`. */
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly owner?: string | undefined;
  /** A project, or `owner/project`. */
  readonly project?: string | undefined;
  readonly tags?: string | readonly string[] | undefined;
  /** Whether the run has its own directory although the process is a job of Polyaxon's. Default: `POLYAXON_IS_OFFLINE`. */
  readonly isOffline?: boolean | undefined;
  /** Whether nothing is written at all; arguments are still checked. Default: `POLYAXON_NO_OP`. */
  readonly noOp?: boolean | undefined;
  /** Inside a job of Polyaxon's: whether to start a run beside the job's own. Default false. */
  readonly isNew?: boolean | undefined;
  /**
   * Makes this process one more writer of the run `uuid`, under this name (a rank, say): letters, digits, `.`, `_` and `-`, at most
   * 64. Its events are in a log directory of its own; the status stays with the process that is no worker.
   */
  readonly worker?: string | number | undefined;
  /** Default: `tensorboard`; in a cluster `polyaxon` as well. */
  readonly formats?: readonly RunFormat[] | undefined;
  /** Whether events are written. Default: `POLYAXON_COLLECT_ARTIFACTS`, else true. */
  readonly collectArtifacts?: boolean | undefined;
  /** Whether system metrics are sampled. Default: `POLYAXON_COLLECT_RESOURCES`, else true; of a worker false. */
  readonly collectResources?: boolean | undefined;
  /** Time between two samples of system metrics, in milliseconds. Default 10,000, Polyaxon's. */
  readonly resourcesIntervalMs?: number | undefined;
  /** Whether commit, branch and changes of the git repository are recorded. Default true. */
  readonly trackCode?: boolean | undefined;
  /** Whether `outputs/env.json` is written. Default true. */
  readonly trackEnv?: boolean | undefined;
  /** Whether the console's output is kept in `plxlogs/`. Default true; not in a cluster, where Polyaxon does it. */
  readonly trackLogs?: boolean | undefined;
  /** Time between two heartbeats, in milliseconds. Default 10,000. */
  readonly heartbeatIntervalMs?: number | undefined;
  /**
   * What happens to mistakes in calls and to failures that no caller waits for. `throw` (the default): mistakes throw, failures
   * become a process warning. `warn`: mistakes become counted warnings too. A function: mistakes throw, failures go there.
   */
  readonly onError?: 'throw' | 'warn' | DiagnosticsOptions['onError'];
  /**
   * Uploads the run while it is written, by an uploader in a process of its own; `end()` waits for it up to a deadline. `true`: to
   * where the uploader is configured to, `POLYTRACK_STORE`. Default false: `polytrack sync` does it later.
   */
  readonly sync?: boolean | RunSyncOptions | undefined;
  readonly clock?: Clock | undefined;
}

const DEFAULT_ROOT = 'plx-runs';
const WORKER_PATTERN = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
/** As Polyaxon reads them. Source: clipped 0.11, `utils/bools.py`. */
const TRUE_TEXTS = ['y', 'yes', 't', 'true', 'on', '1'];
const FALSE_TEXTS = ['n', 'no', 'f', 'false', 'off', '0', ''];

/** The root that applies: option, environment, default; absolute. */
export function resolveRoot(root: string | undefined, environment: NodeJS.ProcessEnv): string {
  const chosen = root ?? (environment.POLYAXON_OFFLINE_ROOT || DEFAULT_ROOT);
  return resolve(parsePath('root', chosen));
}

/** Checks a path. */
export function parsePath(name: string, path: unknown): string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path;
  throw invalidOption(
    `${name} is ${JSON.stringify(path)}, expected a path`,
    `Pass a directory as \`${name}\`.`,
  );
}

/** A run's uuid without dashes; a new one when none is given. */
export function resolveUuid(uuid: string | undefined): string {
  const compact = String(uuid ?? randomUUID())
    .replaceAll('-', '')
    .toLowerCase();
  if (RUN_UUID_PATTERN.test(compact)) return compact;
  throw invalidOption(
    `uuid is ${JSON.stringify(uuid)}, expected 32 hex digits`,
    'Leave it out, or pass a UUID.',
  );
}

/** A run's name, checked as the names of events are. */
export function resolveRunName(name: string | undefined): string {
  const { text } = parseName(name ?? 'run');
  if (text.toLowerCase().includes(EVENT_FILE_MARK)) {
    throw invalidOption(
      `name contains "${EVENT_FILE_MARK}", by which TensorBoard knows event files`,
      'Choose another name for the run.',
    );
  }
  return text;
}

/** A list of tags: strings that are not empty; duplicates are merged. */
export function parseTags(tags: unknown): string[] {
  const list = typeof tags === 'string' ? tags.split(',').map((tag) => tag.trim()) : tags;
  if (!Array.isArray(list) || list.some((tag) => typeof tag !== 'string' || tag.trim() === '')) {
    throw new InvalidArgumentError(
      'ERR_TAGS_INVALID',
      `tags is ${JSON.stringify(tags)}, expected strings that are not empty`,
      'Pass an array of strings, or one string with commas.',
    );
  }
  return [...new Set(list.map((tag: string) => toWellFormedText(tag).text))];
}

/** A worker's name, which becomes a directory and part of file names. */
export function parseWorker(worker: string | number): string {
  const name = String(worker);
  const isUsable =
    WORKER_PATTERN.test(name) && name !== MAIN_WRITER && !name.toLowerCase().includes(EVENT_FILE_MARK);
  if (isUsable) return name;
  throw invalidOption(
    `worker is ${JSON.stringify(worker)}, expected 1 to 64 letters, digits, ".", "_" and "-", and not "${MAIN_WRITER}"`,
    'Name the worker by its rank, for example.',
  );
}

/** The formats, as a set; event files are always written. */
export function parseFormats(formats: readonly string[]): ReadonlySet<RunFormat> {
  const unknown = formats.find((format) => format !== 'tensorboard' && format !== 'polyaxon');
  if (unknown === undefined) return new Set(['tensorboard', ...(formats as readonly RunFormat[])]);
  throw invalidOption(
    `formats has ${JSON.stringify(unknown)}, expected tensorboard or polyaxon`,
    "Pass ['tensorboard', 'polyaxon'], or leave it out.",
  );
}

/**
 * Owner and project; a project may carry its owner, as `owner/project` or `owner.project`, and of `organization/team` the organization is the owner.
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
      `project is ${JSON.stringify(project)}, expected a name or owner/name`,
      'Pass `owner` and `project` separately.',
    );
  }
  const named = parts.length === 2 ? { owner: parts[0], project: parts[1] } : { owner: undefined, project };
  return { owner: owner?.split('/')[0] ?? named.owner, project: named.project };
}

/** An environment variable that switches something. */
export function parseFlag(name: string, text: string | undefined, byDefault: boolean): boolean {
  if (text === undefined) return byDefault;
  const lower = text.toLowerCase();
  if (TRUE_TEXTS.includes(lower)) return true;
  if (FALSE_TEXTS.includes(lower)) return false;
  throw invalidOption(
    `${name} is ${JSON.stringify(text)}, expected true or false`,
    `Set ${name} to true or false.`,
  );
}

/** How a run is synced. */
export interface ResolvedSync {
  readonly store: string | undefined;
  readonly deadlineMs: number;
}

/** Checks how a run is synced; undefined when it is not. */
export function parseSync(sync: boolean | RunSyncOptions | undefined): ResolvedSync | undefined {
  if (sync === undefined || sync === false) return undefined;
  const { store, deadlineMs = 60_000 } = sync === true ? {} : sync;
  if (deadlineMs >= 0) return { store, deadlineMs };
  throw invalidOption(
    `sync.deadlineMs is ${deadlineMs}, expected milliseconds, 0 or more`,
    'Leave it out, or pass milliseconds.',
  );
}

/** Checks a time between two events, in milliseconds. */
export function parseInterval(name: string, intervalMs: number): number {
  if (intervalMs >= 10 && intervalMs <= 2 ** 31 - 1) return intervalMs;
  throw invalidOption(
    `${name} is ${intervalMs}, expected milliseconds, 10 or more`,
    `Leave ${name} out, or pass milliseconds.`,
  );
}

export function invalidOption(message: string, hint: string): InvalidArgumentError {
  return new InvalidArgumentError('ERR_OPTION_INVALID', message, hint);
}
