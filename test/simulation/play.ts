/** Plays a history, and finds the shortest one that still fails. */

import { Random } from './random.js';
import { type SaltedStep, someSteps } from './steps.js';
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
  /** The effects of each step. */
  readonly effects: readonly number[];
}

/** Returns the history of a seed. */
export function toHistory(mode: Mode, seed: number): SaltedStep[] {
  const random = new Random(mode, seed);
  const count =
    mode === 'soak' ? 150 + random.below(150) : mode === 'crash' ? 5 + random.below(4) : 4 + random.below(22);
  return someSteps(random, count);
}

/** Plays a history until an invariant is broken. */
export async function play(steps: readonly SaltedStep[]): Promise<Result> {
  const world = new World();
  const effects: number[] = [];
  let violations: string[] = [];
  try {
    for (const step of steps) {
      await world.apply(step);
      effects.push(world.effects);
      violations = world.findViolations();
      if (violations.length > 0) break;
    }
    if (violations.length === 0) violations = await world.converge();
  } catch (error) {
    violations = [`the simulation fails: ${error instanceof Error ? error.stack : String(error)}`];
  } finally {
    await world.close();
  }
  return { violations, log: world.log, effects };
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
