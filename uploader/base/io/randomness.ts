/** The interface for random values, so that a simulator can pass a seeded source. */

import { randomUUID } from 'node:crypto';

export interface Randomness {
  /** Uniform in [0, 1). For jitter only. */
  fraction(): number;
  /** A unique id of 32 lower-case hex digits. */
  id(): string;
}

export const nodeRandomness: Randomness = {
  fraction: Math.random,
  id: () => randomUUID().replaceAll('-', ''),
};
