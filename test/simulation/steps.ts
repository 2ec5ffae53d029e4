/** What happens to the simulated machines, as plain data, so that a failing history can be printed and shortened. */

import type { Death } from './machine.js';
import type { Random } from './random.js';

/**
 * Something that happens to a run directory. `run`: which directory, modulo their number. `grow log`, after which uploaders extend the object, takes
 * long to compare, so only known histories have it.
 */
export interface Change {
  readonly kind:
    | ('append log' | 'grow log' | 'restart log' | 'delete log')
    | ('append events' | 'restart events' | 'tear events')
    | ('rewrite artifact' | 'delete artifact' | 'delete event file' | 'write status')
    | ('append line' | 'append record' | 'append to artifact');
  readonly run: number;
}

/** Something that a writer does, with polytrack's own library. */
export interface Writing {
  readonly kind: 'start' | 'log' | 'log much' | 'end';
  readonly run: number;
  readonly fsync: boolean;
  /** What ends the writer's process at this effect of the step. */
  readonly crash: Crash | null;
}

export interface Crash {
  readonly effect: number;
  readonly death: Death;
}

const COMMANDS = [
  ...(['sync', 'sync', 'sync', 'sync', 'sync run', 'mirror', 'watch', 'watch', 'verify'] as const),
  ...(['clean', 'clean all', 'pull', 'pull overwrite', 'pull elsewhere'] as const),
];

/** A command on a machine with a store. */
export interface Invocation {
  readonly kind: (typeof COMMANDS)[number];
  readonly run: number;
  readonly machine: number;
  readonly store: number;
  /** What happens at this effect of the command. */
  readonly incident: { readonly effect: number; readonly what: Death | Change | Invocation } | null;
}

export interface Fault {
  readonly kind:
    | ('lose power' | 'fill disk' | 'fail writes' | 'fail syncs' | 'fail reads' | 'read-only' | 'heal disk')
    | ('unmount' | 'mount' | 'mount old copy' | 'lose state' | 'save state' | 'roll back state');
  readonly machine: number;
}

export type Step =
  | Change
  | Writing
  | Invocation
  | Fault
  | {
      readonly kind: 'copy beside' | 'copy to machine' | 'rename' | 'delete run' | 'kill writer';
      readonly run: number;
    }
  | { readonly kind: 'store down' | 'store flaky' | 'store late' | 'store up'; readonly store: number }
  | { readonly kind: 'set clock'; readonly machine: number; readonly seconds: number }
  | { readonly kind: 'wait'; readonly seconds: number }
  | Later;

/** What was added after the first histories had become known. */
export type Later =
  /** From now on, what is done with the directory as a store is done by commands, which print reports and set exit codes. */
  | { readonly kind: 'use commands' }
  /** From now on, the first store is a bucket of Google Cloud Storage. */
  | { readonly kind: 'use gcs' }
  /** From now on, the objects of a bucket cannot be extended. */
  | { readonly kind: 'use segments'; readonly store: number; readonly keepsMetadata: boolean }
  /** From now on, a clock runs faster than the others by this many thousandths, or slower. */
  | { readonly kind: 'let clock drift'; readonly machine: number; readonly permille: number }
  /** From now on, runs are reported to a Polyaxon server. */
  | { readonly kind: 'use polyaxon' }
  | { readonly kind: 'polyaxon down' | 'polyaxon flaky' | 'polyaxon loses lineage' | 'polyaxon up' }
  | { readonly kind: 'stop on polyaxon'; readonly run: number };

/**
 * `salt` seeds everything random within the step, so that the others stay the same without it. `at` is when the step is played, among those of
 * the other steps; default: its index.
 */
export type SaltedStep = Step & { readonly salt: number; readonly at?: number };

const STORES = 3;

/** Most things happen to the same run, machine and store. */
function someIndex(random: Random, count: number): number {
  return random.chance(0.65) ? 0 : random.below(count);
}

function someChange(random: Random): Change {
  const kind = random.pick([
    ...(['append log', 'append log', 'restart log', 'delete log', 'write status', 'write status'] as const),
    ...(['append events', 'append events', 'restart events', 'tear events', 'delete event file'] as const),
    ...(['rewrite artifact', 'rewrite artifact', 'delete artifact'] as const),
  ]);
  return { kind, run: someIndex(random, 5) };
}

function someWriting(random: Random): Writing {
  const kind = random.pick(['start', 'start', 'log', 'log', 'log', 'log much', 'end'] as const);
  const crash = random.chance(0.15)
    ? { effect: random.below(30), death: random.pick(['kill', 'power'] as const) }
    : null;
  return { kind, run: someIndex(random, 5), fsync: random.chance(0.5), crash };
}

function someInvocation(random: Random, isNested = false): Invocation {
  const machine = random.chance(0.8) ? 0 : 1;
  return {
    kind: random.pick(COMMANDS),
    run: someIndex(random, 5),
    machine,
    // Without conditional writes, only one machine may use a store; a directory belongs to its machine.
    store: machine === 1 ? 0 : someIndex(random, STORES),
    incident: isNested || random.chance(0.5) ? null : someIncident(random),
  };
}

function someIncident(random: Random): Invocation['incident'] {
  const what = random.weighted<() => Death | Change | Invocation>([
    [3, () => 'kill'],
    [2, () => 'power'],
    [3, () => someChange(random)],
    [1, () => someInvocation(random, true)],
  ]);
  // Most commands end before effect 300; some effects come only after hundreds.
  return { effect: random.below(random.pick([30, 120, 300])), what: what() };
}

function someFault(random: Random): Fault {
  const kind = random.pick([
    ...([
      'lose power',
      'lose power',
      'lose power',
      'fill disk',
      'fail writes',
      'fail syncs',
      'fail reads',
    ] as const),
    ...([
      'read-only',
      'heal disk',
      'heal disk',
      'heal disk',
      'unmount',
      'mount',
      'mount',
      'mount old copy',
    ] as const),
    ...(['lose state', 'lose state', 'save state', 'roll back state', 'roll back state'] as const),
  ]);
  return { kind, machine: random.chance(0.8) ? 0 : 1 };
}

function someStep(random: Random): Step {
  return random.weighted<() => Step>([
    [6, () => someChange(random)],
    [7, () => someWriting(random)],
    [10, () => someInvocation(random)],
    [3, () => someFault(random)],
    [
      2,
      () => ({
        kind: random.pick(['copy beside', 'copy to machine', 'rename', 'delete run', 'kill writer'] as const),
        run: someIndex(random, 5),
      }),
    ],
    [
      1,
      () => ({
        kind: random.pick(['store down', 'store flaky', 'store flaky', 'store late', 'store up'] as const),
        store: someIndex(random, STORES - 1),
      }),
    ],
    [
      1,
      () => ({ kind: 'set clock', machine: random.below(2), seconds: random.pick([-7200, -60, 60, 7200]) }),
    ],
    [1, () => ({ kind: 'wait', seconds: random.pick([5, 60, 900, 90_000]) })],
  ])();
}

/** A history of random steps. */
export function someSteps(random: Random, count: number): SaltedStep[] {
  return Array.from({ length: count }, () => ({ ...someStep(random), salt: random.below(2 ** 32) }));
}

/** What happens to the Polyaxon server. */
function someTrouble(random: Random): Step {
  if (random.chance(0.1)) return { kind: 'stop on polyaxon', run: someIndex(random, 5) };
  const kinds = [
    'polyaxon down',
    'polyaxon flaky',
    'polyaxon flaky',
    'polyaxon loses lineage',
    'polyaxon up',
  ] as const;
  return { kind: random.pick(kinds) };
}

/** Files of a run that is being written grow between commands for the same store. */
function addGrowth(
  random: Random,
  {
    begin,
    add,
    rounds,
  }: { begin: (step: Step) => void; add: (make: () => Step) => void; readonly rounds: number },
): void {
  const store = random.below(STORES);
  if (store < STORES - 1 && random.chance(0.7))
    begin({ kind: 'use segments', store, keepsMetadata: random.chance(0.7) });
  begin({ kind: 'start', run: 0, fsync: random.chance(0.5), crash: null });
  for (const kind of ['append log', 'append log', 'append log', 'append events', 'rewrite artifact'] as const)
    begin({ kind, run: 0 });
  begin({ kind: 'sync', run: 0, machine: 0, store, incident: null });
  const toGrow = [
    ...(['append log', 'append events', 'rewrite artifact', 'restart log'] as const),
    ...(['append line', 'append line', 'append record', 'append record'] as const),
    ...(['append to artifact', 'append to artifact'] as const),
  ];
  for (let round = 0; round < rounds; round += 1) {
    add(() => ({ kind: random.pick(toGrow), run: 0 }));
    add(() => ({
      ...{ ...someInvocation(random), run: 0, machine: 0, store },
      kind: random.pick(['watch', 'watch', 'sync', 'pull elsewhere'] as const),
    }));
    add(() => ({ ...someWriting(random), kind: random.pick(['start', 'log', 'log much'] as const), run: 0 }));
  }
}

/** Steps that are played before and between `count` others. `most`: how many of a kind between them. */
export function someLaterSteps(random: Random, count: number, most: number): SaltedStep[] {
  const steps: SaltedStep[] = [];
  const begin = (step: Step): void => {
    steps.push({ ...step, salt: random.below(2 ** 32), at: -1 });
  };
  const add = (make: () => Step): void => {
    for (let rest = 1 + random.below(most); rest > 0; rest -= 1)
      steps.push({ ...make(), salt: random.below(2 ** 32), at: random.below(count) - 0.5 });
  };
  if (random.chance(0.4)) return steps;
  if (random.chance(0.3)) {
    begin({ kind: 'use commands' });
    add(() => ({ ...someInvocation(random), machine: 0, store: STORES - 1 }));
  }
  if (random.chance(0.3)) {
    begin({ kind: 'use polyaxon' });
    add(() => someTrouble(random));
    add(() => ({ ...someWriting(random), run: 0, crash: null }));
    add(() => ({ ...someInvocation(random), kind: random.pick(['sync', 'watch'] as const), machine: 0 }));
  }
  if (random.chance(0.3)) begin({ kind: 'use gcs' });
  if (random.chance(0.2))
    begin({ kind: 'let clock drift', machine: random.below(2), permille: random.pick([-100, -1, 1, 100]) });
  // With a crash at every effect, each step costs hundreds of plays.
  if (random.chance(most === 1 ? 0.15 : 0.5)) addGrowth(random, { begin, add, rounds: most === 1 ? 1 : 4 });
  return steps;
}

/** One line for a step. */
export function toLine(step: Step): string {
  const { kind, ...rest } = step;
  const parts = Object.entries(rest).flatMap(([name, value]) => {
    if (name === 'salt' || name === 'at' || value === null || value === false) return [];
    if (name === 'crash') return [`[${(value as Crash).death} at effect ${(value as Crash).effect}]`];
    if (name !== 'incident') return [`${name} ${value}`];
    const { effect, what } = value as NonNullable<Invocation['incident']>;
    return [`[at effect ${effect}: ${typeof what === 'string' ? what : toLine(what)}]`];
  });
  return [kind, ...parts].join(', ');
}
