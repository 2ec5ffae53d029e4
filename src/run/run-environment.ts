/**
 * Decides where a run is stored and what is collected: from options, then `POLYAXON_…` variables, then defaults. Pure.
 *
 * Source of variables and cluster paths: polyaxon 2.16, `_env_vars/keys.py` and `_contexts/paths.py`.
 */

import { join } from 'node:path';
import { describe } from '../base/describe.js';
import { MAIN_WRITER, type RunPaths, toRunPaths } from '../run-directory/layout.js';
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
  /** `main`, or the name of a worker. */
  readonly writer: string;
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

/** Returns the settings of a new `Run`. Throws `ERR_OPTION_INVALID`. */
export function resolveRunEnvironment(options: RunOptions, env: NodeJS.ProcessEnv): RunEnvironment {
  const isOn = (name: string, byDefault = false) => parseFlag(name, env[name], byDefault);
  const isOffline = options.isOffline ?? isOn('POLYAXON_IS_OFFLINE');
  const instance = isOffline ? undefined : findInstance(env, isOn);
  const given = options.uuid === undefined ? undefined : resolveUuid(options.uuid);
  const isPlatformRun =
    instance !== undefined && options.isNew !== true && (given === undefined || given === instance.uuid);
  const uuid = given ?? (isPlatformRun ? instance.uuid : resolveUuid(undefined));
  const mode =
    (options.noOp ?? isOn('POLYAXON_NO_OP')) ? 'no-op' : instance === undefined ? 'offline' : 'managed';
  const directory =
    options.artifactsPath === undefined
      ? findClusterDirectory(instance, env, uuid)
      : parsePath('artifactsPath', options.artifactsPath);
  const isMain = options.worker === undefined;
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
    writer: options.worker === undefined ? MAIN_WRITER : parseWorker(options.worker),
    formats: parseFormats(formats),
    isPlatformRun,
    hasLink: isActive && isMain && directory === undefined,
    collectsEvents,
    collectsResources:
      collectsEvents && (options.collectResources ?? isOn('POLYAXON_COLLECT_RESOURCES', isMain)),
    tracksCode: isActive && isMain && (options.trackCode ?? true),
    tracksEnvironment: isActive && isMain && (options.trackEnv ?? true),
    // The platform collects the output of its containers itself.
    tracksLogs: isActive && (options.trackLogs ?? !isPlatformRun),
    announces: isActive && isMain ? (options.announce ?? findFlag('POLYTRACK_ANNOUNCE', env)) : false,
  };
}

function findFlag(name: string, env: NodeJS.ProcessEnv): boolean | undefined {
  return (env[name] ?? '') === '' ? undefined : parseFlag(name, env[name], false);
}

function findInstance(env: NodeJS.ProcessEnv, isOn: (name: string) => boolean): RunInstance | undefined {
  if (!isOn('POLYAXON_IS_MANAGED') && !isOn('POLYAXON_K8S_IN_CLUSTER')) return undefined;
  const text = env.POLYAXON_RUN_INSTANCE;
  if (text === undefined || text === '') return undefined;
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
