/** What operators and writers do, as plain data, so that a failing sequence can be printed and shortened. */

import fc from 'fast-check';

/** Something that happens to a run directory. `run`: which directory, modulo their number. */
export type Change =
  | { readonly kind: 'append log' | 'restart log' | 'append events' | 'restart events'; readonly run: number }
  | { readonly kind: 'rewrite artifact' | 'delete artifact' | 'delete log'; readonly run: number }
  | { readonly kind: 'start' | 'log metric' | 'end'; readonly run: number };

export type Command =
  | { readonly kind: 'sync' | 'sync run' | 'mirror' | 'watch' | 'verify' | 'clean' | 'clean all' }
  | { readonly kind: 'pull' | 'pull overwrite' | 'pull elsewhere' };

/** A command on a machine with a store. `run`: the run of a command that needs one. */
export type Invocation = Command & {
  readonly run: number;
  readonly machine: number;
  readonly store: number;
  /** What happens at this call of the file system: the process is killed, or something changes meanwhile. */
  readonly incident: { readonly call: number; readonly change: Change | Invocation | 'kill' } | null;
};

export type Step =
  | Change
  | Invocation
  | { readonly kind: 'copy beside' | 'copy to machine' | 'rename'; readonly run: number }
  | { readonly kind: 'lose state' | 'save state' | 'roll back state'; readonly machine: number }
  | { readonly kind: 'set clock'; readonly machine: number; readonly seconds: number }
  | { readonly kind: 'wait'; readonly seconds: number };

const run = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat({ max: 4 }) });
const machine = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) });
const store = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) });

const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom(
    ...(['append log', 'append log', 'restart log', 'append events', 'restart events'] as const),
    ...(['rewrite artifact', 'rewrite artifact', 'delete artifact', 'delete log'] as const),
    ...(['start', 'log metric', 'end', 'end'] as const),
  ),
  run,
});

const command = fc.constantFrom(
  ...(['sync', 'sync', 'sync', 'sync', 'sync run', 'mirror', 'watch', 'verify'] as const),
  ...(['clean', 'clean', 'clean all', 'pull', 'pull overwrite', 'pull elsewhere'] as const),
);

const invoke = (incident: fc.Arbitrary<Invocation['incident']>): fc.Arbitrary<Invocation> =>
  fc.record({ kind: command, run, machine, store, incident });

const incident: fc.Arbitrary<Invocation['incident']> = fc.record({
  call: fc.nat({ max: 250 }),
  change: fc.oneof(
    { weight: 3, arbitrary: fc.constant('kill' as const) },
    { weight: 3, arbitrary: change },
    { weight: 1, arbitrary: invoke(fc.constant(null)) },
  ),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: change },
  { weight: 10, arbitrary: invoke(fc.option(incident, { nil: null, freq: 2 })) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('copy beside', 'copy to machine', 'rename'), run }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('lose state', 'save state', 'roll back state'), machine }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('set clock' as const),
      machine,
      seconds: fc.constantFrom(-7200, -60, 60, 7200),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.constantFrom(5, 900, 90_000) }),
  },
);

export const someSteps: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 4, maxLength: 12, size: 'max' });

/** One line for each step. */
export function toText(steps: readonly Step[]): string {
  return steps.map(toLine).join('\n');
}

function toLine(step: Step): string {
  const { kind, ...rest } = step;
  const parts = Object.entries(rest).map(([name, value]) => {
    if (name !== 'incident') return `${name} ${value}`;
    if (value === null) return '';
    const { call, change } = value as NonNullable<Invocation['incident']>;
    return `[at call ${call}: ${change === 'kill' ? 'kill' : toLine(change)}]`;
  });
  return [kind, ...parts].filter(Boolean).join(', ');
}
