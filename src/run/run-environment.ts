/**
 * Decides where a run is stored and what is collected: from options, then `POLYAXON_…` variables, then defaults. Pure.
 *
 * Source of variables and cluster paths: polyaxon 2.16, `_env_vars/keys.py` and `_contexts/paths.py`.
 */

import { basename, isAbsolute, join } from 'node:path';
import { describe } from '../base/describe.js';
import { MAIN_WRITER, RUN_UUID_PATTERN, type RunPaths, toRunPaths } from '../run-directory/layout.js';
import {
  invalidOption,
  parseFlag,
  parseFormats,
  parsePath,
  parseProject,
  parseWorker,
  type RunFormat,
  type RunOptions,
  resolveRoot,
  resolveUuid,
} from './run-options.js';

/** The directory of the run that the programs started by `polytrack run` write to. */
export const RUN_DIRECTORY_VARIABLE = 'POLYTRACK_RUN_DIRECTORY';

/**
 * `offline`: the library creates the run directory. `managed`: Polyaxon runs the job in a cluster and provides the directory.
 * `no-op`: nothing is written.
 */
export type RunMode = 'offline' | 'managed' | 'no-op';

export interface RunEnvironment {
  readonly mode: RunMode;
  readonly uuid: string;
  readonly owner: string | undefined;
  readonly project: string | undefined;
  readonly paths: RunPaths;
  /** `main`, the name of a worker, or that of a process that has joined the run of `polytrack run`. */
  readonly writer: string;
  /** The log directory of this process, relative to that of the run: '' unless it is a worker. */
  readonly logDirectory: string;
  /** Whether the command `polytrack run` has created the run and owns its status. */
  readonly isJoined: boolean;
  readonly formats: ReadonlySet<RunFormat>;
  /** Whether the platform started this run. If so, the platform sets its statuses. */
  readonly isPlatformRun: boolean;
  /** Whether a link with a readable name is created. */
  readonly hasLink: boolean;
  /** Whether events are written; otherwise they are only counted. */
  readonly collectsEvents: boolean;
  readonly collectsResources: boolean;
  readonly tracksCode: boolean;
  readonly tracksEnvironment: boolean;
  readonly tracksLogs: boolean;
  /** Whether lines for people are printed; undefined: on a terminal. */
  readonly announces: boolean | undefined;
}

interface RunInstance {
  readonly owner: string;
  readonly project: string;
  readonly uuid: string;
}

/** Returns the settings of a new `Run` of the process `pid`. Throws `ERR_OPTION_INVALID`. */
export function resolveRunEnvironment(
  options: RunOptions,
  env: NodeJS.ProcessEnv,
  pid: number = process.pid,
): RunEnvironment {
  const isOn = (name: string, byDefault = false) => parseFlag(name, env[name], byDefault);
  const isNoOp = isRunNoOp(options, env);
  // A run that writes nothing has no place, so nothing that says where is read.
  const isOffline = isNoOp || (options.isOffline ?? isOn('POLYAXON_IS_OFFLINE'));
  const joined = isNoOp ? undefined : findJoinedRun(options, env);
  const instance = isOffline ? undefined : findInstance(options, env, isOn);
  const given = options.uuid === undefined ? undefined : resolveUuid(options.uuid);
  const isPlatformRun =
    instance !== undefined && options.isNew !== true && (given === undefined || given === instance.uuid);
  const uuid = joined?.uuid ?? given ?? (isPlatformRun ? instance.uuid : resolveUuid(undefined));
  const mode = isNoOp ? 'no-op' : instance === undefined ? 'offline' : 'managed';
  const directory =
    options.artifactsPath === undefined
      ? (joined?.directory ?? findClusterDirectory(instance, env, uuid))
      : parsePath('artifactsPath', options.artifactsPath);
  const worker = options.worker === undefined ? undefined : parseWorker(options.worker);
  const isMain = worker === undefined && joined === undefined;
  const isActive = mode !== 'no-op';
  const collectsEvents = isActive && (options.collectArtifacts ?? isOn('POLYAXON_COLLECT_ARTIFACTS', true));
  const { owner, project } = parseProject(options.owner, options.project);
  const formats = options.formats ?? (mode === 'managed' ? ['tensorboard', 'polyaxon'] : ['tensorboard']);
  return {
    mode,
    uuid,
    owner: owner ?? instance?.owner,
    project: project ?? instance?.project,
    paths: toRunPaths(resolveRoot(options.root, env), uuid, directory),
    writer: worker ?? (joined === undefined ? MAIN_WRITER : `process-${pid}`),
    logDirectory: worker ?? '',
    isJoined: joined !== undefined,
    formats: parseFormats(formats),
    isPlatformRun,
    hasLink: isActive && isMain && directory === undefined,
    collectsEvents,
    collectsResources:
      collectsEvents && (options.collectResources ?? isOn('POLYAXON_COLLECT_RESOURCES', isMain)),
    tracksCode: isActive && isMain && (options.trackCode ?? true),
    tracksEnvironment: isActive && isMain && (options.trackEnv ?? true),
    // The platform collects the output of its containers itself, and `polytrack run` that of its program.
    tracksLogs: isActive && (options.trackLogs ?? (!isPlatformRun && joined === undefined)),
    announces: isActive && isMain ? (options.announce ?? findFlag('POLYTRACK_ANNOUNCE', env)) : false,
  };
}

/** Whether a run writes nothing. */
export function isRunNoOp({ noOp }: Pick<RunOptions, 'noOp'>, env: NodeJS.ProcessEnv): boolean {
  return noOp ?? parseFlag('POLYAXON_NO_OP', env.POLYAXON_NO_OP, false);
}

/** Returns the run of `polytrack run` that has started this process, unless the options ask for another run. */
function findJoinedRun(
  { isNew, isOffline, artifactsPath, uuid }: RunOptions,
  env: NodeJS.ProcessEnv,
): { readonly directory: string; readonly uuid: string } | undefined {
  const directory = env[RUN_DIRECTORY_VARIABLE] ?? '';
  if (directory === '' || isNew === true || isOffline === true || artifactsPath !== undefined)
    return undefined;
  const name = basename(directory);
  if (!isAbsolute(directory) || !RUN_UUID_PATTERN.test(name)) {
    throw invalidOption(
      `${RUN_DIRECTORY_VARIABLE} is ${describe(directory)}, expected the absolute path of a run directory`,
      'Unset it: polytrack run sets it for the program that it starts.',
    );
  }
  return uuid === undefined || resolveUuid(uuid) === name ? { directory, uuid: name } : undefined;
}

function findFlag(name: string, env: NodeJS.ProcessEnv): boolean | undefined {
  return (env[name] ?? '') === '' ? undefined : parseFlag(name, env[name], false);
}

function findInstance(
  { artifactsPath }: RunOptions,
  env: NodeJS.ProcessEnv,
  isOn: (name: string) => boolean,
): RunInstance | undefined {
  const isManaged = isOn('POLYAXON_IS_MANAGED');
  if (!isManaged && !isOn('POLYAXON_K8S_IN_CLUSTER')) return undefined;
  const text = env.POLYAXON_RUN_INSTANCE;
  if (text === undefined || text === '') {
    // The disk of a job is thrown away with it.
    if (!isManaged || artifactsPath !== undefined) return undefined;
    throw invalidOption(
      'POLYAXON_IS_MANAGED is set, but POLYAXON_RUN_INSTANCE does not name the run',
      'Set POLYAXON_RUN_INSTANCE to owner.project.runs.uuid, or POLYAXON_IS_OFFLINE=true to write to the disk of the job.',
    );
  }
  const [owner, project, , uuid, ...rest] = text.split('.');
  if (owner && project && uuid && rest.length === 0) return { owner, project, uuid: resolveUuid(uuid) };
  throw invalidOption(
    `POLYAXON_RUN_INSTANCE is ${describe(text)}, expected owner.project.runs.uuid`,
    'Unset it, or set POLYAXON_IS_OFFLINE=true.',
  );
}

/** Returns the directory that Polyaxon mounts for its run, or for a run that this job creates. */
function findClusterDirectory(
  instance: RunInstance | undefined,
  env: NodeJS.ProcessEnv,
  uuid: string,
): string | undefined {
  if (instance === undefined) return undefined;
  const artifacts = join(env.POLYAXON_CONTEXT_ROOT || '/plx-context', 'artifacts');
  return uuid === instance.uuid ? join(artifacts, uuid) : join(artifacts, '_related_runs', uuid);
}
