/** `tracking`: one run for the whole process, for programs that do not want to pass a `Run` around. */

import { NoRunError } from '../base/errors.js';
import { checkOptions } from '../base/options.js';
import { TRACED_OPTIONS, type TracedOptions } from '../trace/traced-function.js';
import type { EndOptions } from './lifecycle.js';
import { Run } from './run.js';
import type { RunConfig } from './run-config.js';
import { resolveRunEnvironment } from './run-environment.js';
import type { RunOptions } from './run-options.js';
import { type RunFunction, useRun } from './with-run.js';

type MethodName = {
  [Name in keyof Run]: Run[Name] extends (...args: never[]) => unknown ? Name : never;
}[keyof Run & string];

interface Tracking extends Readonly<Pick<Run, MethodName>> {
  /** Starts the run of this process. An earlier run stays open until its own `end()` is called. */
  init(options?: RunOptions): Run;
  /** Returns `run` if given, else the run of this process. Starts one with default options if none exists. */
  getOrCreateRun(run?: Run): Run;
  /** `config` of the run of this process. */
  readonly config: RunConfig;
  /** Like `withRun`, with the run as that of this process. */
  withRun<T>(fn: RunFunction<T>): Promise<T>;
  withRun<T>(options: RunOptions, fn: RunFunction<T>): Promise<T>;
  /** Ends the run of this process. `init` starts another one. */
  end(options?: EndOptions): Promise<void>;
}

let current: Run | undefined;

const FUNCTIONS: Omit<Tracking, 'config'> = {
  ...forwardMethods(),
  init,
  withRun<T>(options: RunOptions | RunFunction<T>, fn?: RunFunction<T>): Promise<T> {
    return useRun(init, options, fn).finally(() => {
      if (current?.isEnding === true) current = undefined;
    });
  },
  getOrCreateRun,
  // Programs wrap functions before their run starts.
  traced<F extends (...args: never[]) => unknown>(fn: F, options?: TracedOptions): F {
    if (typeof fn !== 'function') return findRun('traced').traced(fn, options);
    checkOptions('traced', options, TRACED_OPTIONS);
    const wrapped = new WeakMap<Run, F>();
    return new Proxy(fn, {
      apply(_target, self, args) {
        const run = findRun('traced');
        const traced = wrapped.get(run) ?? run.traced(fn, options);
        wrapped.set(run, traced);
        return Reflect.apply(traced, self, args);
      },
    });
  },
  end(options?: EndOptions) {
    const run = current;
    if (run === undefined) return Promise.resolve();
    const ending = run.end(options);
    // After a call with invalid options, the run continues.
    if (run.isEnding) current = undefined;
    return ending;
  },
};

/**
 * The methods of `Run` as functions that use the run of this process. Before `init` they throw `ERR_NO_RUN`, except in a job that Polyaxon
 * has started and in a program of `polytrack run`: there they use the run that exists already.
 */
export const tracking: Tracking = Object.freeze(
  // Not enumerable: a program that lists the functions has no run yet.
  Object.defineProperty({ ...FUNCTIONS }, 'config', { get: () => findRun('config').config }) as Tracking,
);

function init(options: RunOptions = {}): Run {
  current = new Run(options);
  return current;
}

function getOrCreateRun(run?: Run): Run {
  if (run !== undefined) return run;
  current ??= new Run();
  return current;
}

/** Returns the run of this process. Throws `ERR_NO_RUN` rather than start a run that the program does not expect. */
function findRun(name: string): Run {
  if (current !== undefined) return current;
  const { mode, isJoined } = resolveRunEnvironment({}, process.env);
  if (mode === 'offline' && !isJoined) throw new NoRunError(`tracking.${name}`);
  return getOrCreateRun();
}

function forwardMethods(): Pick<Run, MethodName> {
  const methods: Record<string, unknown> = {};
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(Run.prototype))) {
    if (typeof value !== 'function' || name === 'constructor') continue;
    methods[name] = (...args: unknown[]) => {
      const run = findRun(name);
      return Reflect.get(run, name).apply(run, args);
    };
  }
  return methods as unknown as Pick<Run, MethodName>;
}
