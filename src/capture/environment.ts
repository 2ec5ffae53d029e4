/**
 * Captures the host, the software and the command of a run, for `outputs/env.json`.
 */

import { arch, cpus, hostname, machine, platform, release, totalmem, type } from 'node:os';
import { basename, dirname } from 'node:path';
import type { JsonValue } from '../base/json-value.js';
import { findOwnVersion, OWN_PACKAGE } from '../base/own-package.js';
import {
  findContainer,
  findUser,
  HOST_FILES,
  type HostFiles,
  readCpuLimit,
  readMemoryLimit,
} from './host.js';
import { findPackageManager, listPackages } from './packages.js';
import type { Masker } from './secrets.js';

interface EnvironmentCaptureOptions {
  /** Default for this and all other options: the value of the current process. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  readonly argv?: readonly string[] | undefined;
  readonly execArgv?: readonly string[] | undefined;
  readonly directory?: string | undefined;
  readonly hostFiles?: HostFiles | undefined;
}

/** Longer texts, such as programs passed to `--eval` or settings in JSON, are truncated. */
const MAX_TEXT_LENGTH = 2000;

/** Variables that describe how a program runs: schedulers, processors, threads, ranks. Only these are written. */
const VARIABLE_PREFIXES =
  /^(?:POLYAXON|SLURM|PBS|LSB|SGE|OMPI|PMI|PMIX|MPI|KUBERNETES|CUDA|NVIDIA|NCCL|ROCM|ROCR|HIP|HSA|OMP|KMP|MKL|OPENBLAS|TF|TORCH|PYTORCH|XLA|JAX|ONNX|ORT|NODE|UV)_/;
const VARIABLE_NAMES = new Set(
  'RANK LOCAL_RANK WORLD_SIZE LOCAL_WORLD_SIZE GROUP_RANK MASTER_ADDR MASTER_PORT TZ LANG LC_ALL CI GPU_DEVICE_ORDINAL'.split(
    ' ',
  ),
);

/**
 * Returns the environment as a JSON object with secrets masked. Never rejects.
 *
 * Uses the keys of the Python client where they apply, and further keys for Node.js. Source of keys: clipped 0.11, `utils/env.py`
 * (`get_run_env`). Here `filename` and `module_path` describe the program, not the library.
 */
export async function captureEnvironment(
  masker: Masker,
  options: EnvironmentCaptureOptions = {},
): Promise<Record<string, JsonValue>> {
  const {
    environment = process.env,
    argv = process.argv,
    execArgv = process.execArgv,
    directory = findWorkingDirectory() ?? '.',
    hostFiles = HOST_FILES,
  } = options;
  const script = argv[1];
  const processors = cpus();
  const memoryBytes = totalmem();
  const system = platform() === 'win32' ? 'Windows' : type();
  const version = findOwnVersion();
  const captured: Record<string, JsonValue> = {
    pid: process.pid,
    hostname: hostname(),
    os: `${system}-${release()}-${machine()}`,
    system,
    user: findUser(environment),
    'sys.argv': masker.maskArguments(argv.slice(1)).map(cut),
    is_notebook: false,
    filename: script === undefined ? 'not found' : basename(script),
    module_path: script === undefined ? directory : dirname(script),
    node_version: process.versions.node,
    v8_version: process.versions.v8,
    ...(version === undefined ? {} : { [`${OWN_PACKAGE}_version`]: version }),
    exec_path: process.execPath,
    exec_argv: masker.maskArguments(execArgv).map(cut),
    working_directory: directory,
    platform: platform(),
    arch: arch(),
    cpu_count: processors.length,
    cpu_model: processors[0]?.model.trim() ?? null,
    cpu_limit: readCpuLimit(hostFiles) ?? null,
    memory_total_bytes: memoryBytes,
    memory_limit_bytes: readMemoryLimit(hostFiles, memoryBytes)?.limitBytes ?? null,
    container: findContainer(hostFiles, environment),
    package_manager: await findPackageManager(directory, environment),
    environment_variables: captureVariables(environment, masker),
    packages: await findPackages(directory, script),
  };
  return masker.maskValue('', captured) as Record<string, JsonValue>;
}

/** Returns undefined when the directory was removed. */
export function findWorkingDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

function captureVariables(environment: NodeJS.ProcessEnv, masker: Masker): Record<string, JsonValue> {
  const names = Object.keys(environment).filter(
    (name) => VARIABLE_PREFIXES.test(name) || VARIABLE_NAMES.has(name),
  );
  return Object.fromEntries(
    names.sort().map((name) => {
      const masked = masker.maskValue(name, environment[name] ?? '');
      return [name, typeof masked === 'string' ? cut(masked) : masked];
    }),
  );
}

/** Returns the packages of the working directory. If it has none, returns those of the program's directory. */
async function findPackages(directory: string, script: string | undefined): Promise<JsonValue> {
  const packages = await listPackages(directory);
  if (packages.length > 0 || script === undefined) return packages;
  return listPackages(dirname(script));
}

/** Truncates a text. Call it after masking, so that no secret is cut in two. */
function cut(text: string): string {
  const more = text.length - MAX_TEXT_LENGTH;
  return more <= 0 ? text : `${text.slice(0, MAX_TEXT_LENGTH).toWellFormed()}… (${more} characters more)`;
}
