/** `tracking`: one run for the whole process, for programs that do not want to pass a `Run` around. */

import { type EndOptions, Run } from './run.js';
import type { RunOptions } from './run-options.js';

type MethodName = {
  [Name in keyof Run]: Run[Name] extends (...args: never[]) => unknown ? Name : never;
}[keyof Run & string];

interface Tracking extends Readonly<Pick<Run, MethodName>> {
  /** Starts the run of this process. An earlier run stays open until its own `end()` is called. */
  init(options?: RunOptions): Run;
  /** Returns `run` if given, else the run of this process. Starts one with default options if none exists. */
  getOrCreateRun(run?: Run): Run;
  /** Ends the run of this process. The next call of another function starts a new one. */
  end(options?: EndOptions): Promise<void>;
}

let current: Run | undefined;

/** Methods that `keyof Run` leaves out, but that exist on its prototypes. */
const PROTECTED = ['addCodeRef', 'addStatus', 'change', 'updateFromSpan', 'writeEnv', 'writeFileArtifact'];

/**
 * The methods of `Run` as functions that use the run of this process. The first call starts a run with default options unless `init`
 * was called before.
 */
export const tracking: Tracking = Object.freeze({
  ...forwardMethods(),
  init(options: RunOptions = {}) {
    current = new Run(options);
    return current;
  },
  getOrCreateRun,
  end(options?: EndOptions) {
    const run = current;
    current = undefined;
    return run?.end(options) ?? Promise.resolve();
  },
});

function getOrCreateRun(run?: Run): Run {
  if (run !== undefined) return run;
  current ??= new Run();
  return current;
}

function forwardMethods(): Pick<Run, MethodName> {
  const methods: Record<string, unknown> = {};
  for (let type: object = Run.prototype; type !== Object.prototype; type = Object.getPrototypeOf(type)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(type))) {
      if (typeof value !== 'function' || name === 'constructor' || PROTECTED.includes(name)) continue;
      methods[name] = (...args: unknown[]) => {
        const run = getOrCreateRun();
        return Reflect.get(run, name).apply(run, args);
      };
    }
  }
  return methods as unknown as Pick<Run, MethodName>;
}
