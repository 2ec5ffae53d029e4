/** Runs the simulator (`test/simulation/main.ts`): `npm run simulate -- --seeds 100 --mode chaos`. */

import { runCompiled } from './run-compiled.mjs';

process.exitCode = await runCompiled('simulation', ['test/simulation', 'test/uploader/support']);
