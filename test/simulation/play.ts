/** Plays a history, and finds the shortest one that still fails. */

import { Random } from './random.js';
import { type Crash, type SaltedStep, someLaterSteps, someSteps } from './steps.js';
import { World } from './world.js';

const MODES = ['crash', 'chaos', 'soak'] as const;
export type Mode = (typeof MODES)[number];

export function isMode(text: string): text is Mode {
  return (MODES as readonly string[]).includes(text);
}

export interface Result {
  readonly violations: readonly string[];
  /** What happened, for people. */
  readonly log: string;
  /** The effects of each step at which a crash leaves behind what one at an earlier effect does not. */
  readonly crashPoints: readonly (readonly number[])[];
}

/**
 * Returns the history of a seed. The kinds of steps that were added later are drawn from separate numbers, and stand at its end, so that a
 * seed and the indices of its first steps keep their meaning.
 */
export function toHistory(mode: Mode, seed: number): SaltedStep[] {
  const random = new Random(mode, seed);
  const count =
    mode === 'soak' ? 150 + random.below(150) : mode === 'crash' ? 5 + random.below(4) : 4 + random.below(22);
  const steps = someSteps(random, count).map((step, at) => ({ ...step, at }));
  return [...steps, ...someLaterSteps(new Random(mode, seed, 'later'), count, mode === 'crash' ? 1 : 5)];
}

/** Plays a history until an invariant is broken, or until `isKnown` returns true for the fingerprint of the world after a step. */
export async function play(
  steps: readonly SaltedStep[],
  isKnown: (index: number, fingerprint: () => string) => boolean = () => false,
): Promise<Result> {
  const world = new World();
  const crashPoints: (readonly number[])[] = steps.map(() => []);
  let violations: string[] = [];
  try {
    for (const [index, step] of inOrder(steps)) {
      await world.apply(step);
      crashPoints[index] = [...world.crashPoints];
      violations = world.findViolations();
      if (violations.length > 0) break;
      if (isKnown(index, () => world.fingerprint)) return { violations, log: world.log, crashPoints };
    }
    if (violations.length === 0) violations = await world.converge();
  } catch (error) {
    violations = [`the simulation fails: ${error instanceof Error ? error.stack : String(error)}`];
  } finally {
    await world.close();
  }
  return { violations, log: world.log, crashPoints };
}

function inOrder(steps: readonly SaltedStep[]): [number, SaltedStep][] {
  const timeOf = ([index, { at }]: [number, SaltedStep]): number => at ?? index;
  return [...steps.entries()].sort((a, b) => timeOf(a) - timeOf(b));
}

/**
 * Plays a history with a crash at every `every`-th effect of every step. Of effects in a row that change nothing, only the first is tried, and
 * a state that has been checked is not checked again. Yields each crash as `step:effect:death`.
 */
export async function* playCrashes(
  steps: readonly SaltedStep[],
  every: number,
  offset: number,
): AsyncGenerator<[string, Result]> {
  for (const index of steps.keys()) {
    const { crashPoints } = await play(withCrash(steps, index, null));
    const known = new Set<string>();
    const isKnown = (at: number, fingerprint: () => string): boolean =>
      at === index && known.size === known.add(fingerprint()).size;
    for (const effect of crashPoints[index] ?? [])
      for (const death of effect % every === offset % every ? (['kill', 'power'] as const) : []) {
        const result = await play(withCrash(steps, index, { effect, death }), isKnown);
        yield [`${index}:${effect}:${death}`, result];
      }
  }
}

/** Replaces what happens during a step, of an uploader or of a writer, by a crash. */
export function withCrash(steps: readonly SaltedStep[], index: number, crash: Crash | null): SaltedStep[] {
  return steps.map((step, each) => {
    if (each !== index) return step;
    if ('incident' in step)
      return { ...step, incident: crash && { effect: crash.effect, what: crash.death } };
    return 'fsync' in step ? { ...step, crash } : step;
  });
}

/** Drops steps as long as the history still fails. Returns the indices of those that are needed. */
export async function shorten(steps: readonly SaltedStep[]): Promise<number[]> {
  let kept = steps.map((_, index) => index);
  for (let size = kept.length >> 1; size > 0; size >>= 1)
    for (let at = 0; at < kept.length; ) {
      const without = [...kept.slice(0, at), ...kept.slice(at + size)];
      const { violations } = await play(without.map((index) => steps[index]!));
      if (violations.length > 0) kept = without;
      else at += size;
    }
  return kept;
}
