/** Provides `run.client` to programs that import `polytrack/polyaxon`. */

import { provideRunClient } from '../../src/run/run-client.js';
import { RunClient } from './run-client.js';

declare module '../../src/run/run-client.js' {
  interface RunServices {
    readonly client: RunClient;
  }
}

provideRunClient(({ uuid, owner, project }) => new RunClient({ uuid, owner, project }));
