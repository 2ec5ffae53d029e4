/** The tests of each group: arguments of vitest. */
export const NAMES_OF_TESTS: Readonly<Record<string, readonly string[]>>;

/** What is broken, in which file, the right text and the wrong one, and the group of tests that must find it. */
export const BREAKAGES: readonly (readonly [string, string, string, string, string])[];
