import type { Combination } from './try-combination.mjs';
export const COMBINATIONS: readonly Combination[];
