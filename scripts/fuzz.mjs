/** Runs the fuzzer (`test/fuzz/main.ts`): `npm run fuzz -- --target reader --time 600`. */

import { runCompiled } from './run-compiled.mjs';

process.exitCode = await runCompiled('fuzz', ['test/fuzz', 'test/support']);
