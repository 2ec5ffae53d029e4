/** `run.client`: what `polytrack/polyaxon` provides, so that a run needs neither that code nor a network connection. */

import { NoClientError } from '../base/errors.js';

/** What entry points add to runs. `polytrack/polyaxon` adds `client`, and its type. */
// biome-ignore lint/suspicious/noEmptyInterface: polytrack/polyaxon declares its member
export interface RunServices {}

/** The type of `run.client`: unknown in a program that does not import `polytrack/polyaxon`. */
export type ClientOfRun = 'client' extends keyof RunServices ? RunServices['client'] : unknown;

/** What identifies a run on a server. */
interface RunIdentity {
  readonly uuid: string;
  readonly owner?: string | undefined;
  readonly project?: string | undefined;
}

type CreateClient = (run: RunIdentity) => ClientOfRun;

// A global symbol, because a bundler may put the two entry points into different files, each with a copy of this module.
const registry = globalThis as { [key: symbol]: CreateClient | undefined };
const KEY = Symbol.for('polytrack.createRunClient');
const clients = new WeakMap<RunIdentity, ClientOfRun>();

/** Provides `run.client`. */
export function provideRunClient(create: CreateClient): void {
  registry[KEY] = create;
}

/** Returns the client of a run, the same for each call. Throws `ERR_NO_CLIENT` without `polytrack/polyaxon`. */
export function clientOfRun(run: RunIdentity): ClientOfRun {
  if (!clients.has(run)) {
    const create = registry[KEY];
    if (create === undefined) throw new NoClientError();
    clients.set(run, create(run));
  }
  return clients.get(run) as ClientOfRun;
}
