/** Randomness, as an argument: a simulator passes a seeded one. */

import { randomUUID } from 'node:crypto';

export interface Randomness {
  /** Uniform in [0, 1). For jitter only. */
  fraction(): number;
  /** 32 lower-case hex digits that nobody else draws. */
  id(): string;
}

export const nodeRandomness: Randomness = {
  fraction: Math.random,
  id: () => randomUUID().replaceAll('-', ''),
};
