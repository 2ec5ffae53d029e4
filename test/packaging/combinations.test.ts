/** Programs of other module systems, compilers and bundlers use the packed package. `npm run try-package` tries all combinations. */

import { beforeAll, describe, it } from 'vitest';
import { createSharedTempDir, createTempDir } from '../support/temp-dir.js';
import { COMBINATIONS } from './combinations/combinations.mjs';
import { packRepository, tryCombination } from './combinations/try-combination.mjs';

/** Those that together take less than five minutes. */
const IN_TESTS = /^(?:Node\.js|TypeScript 7|bundle of esbuild|Deno)/;

const repository = new URL('../..', import.meta.url).pathname;
let tarball: string;

beforeAll(async () => {
  tarball = await packRepository(repository, createSharedTempDir());
});

describe('polytrack works with', () => {
  it.each(COMBINATIONS.filter(({ name }) => IN_TESTS.test(name)))('$name', async (combination) => {
    await tryCombination(combination, tarball, createTempDir());
  });
});
