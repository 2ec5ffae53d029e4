/** Serves health and metrics over HTTP while some work runs. */

import type { Clock } from '../../src/base/clock.js';
import { guardUser } from '../../src/base/user-callback.js';
import type { OnSyncEvent } from '../pipeline/report/progress.js';
import type { HttpAddress } from '../settings/value-types.js';
import type { OnStoreCall } from './context/observe-store.js';
import { serveMonitor } from './monitor/http-server.js';
import { Monitor } from './monitor/monitor.js';
import type { Status } from './monitor/status-file.js';

interface Listeners {
  readonly onEvent?: OnSyncEvent | undefined;
  readonly onStatus?: ((status: Status) => void) | undefined;
}

/** Runs `work` and, if `address` is given, serves its health and metrics there. Throws `ConfigError` when it cannot listen at `address`. */
export async function withMonitor<Options extends Listeners, Result>(
  address: HttpAddress | undefined,
  clock: Clock,
  options: Options,
  work: (options: Options & { readonly onStoreCall?: OnStoreCall }) => Promise<Result>,
): Promise<Result> {
  if (address === undefined) return work(options);
  const monitor = new Monitor(clock);
  const server = await serveMonitor(monitor, address);
  const onEvent = guardUser('onEvent', options.onEvent);
  const onStatus = guardUser('onStatus', options.onStatus);
  try {
    const message = `serving health and metrics at ${server.url}`;
    onEvent({ kind: 'notice', code: 'NOTICE_HTTP', message });
    return await work({
      ...options,
      onStoreCall: monitor.onStoreCall,
      onEvent: (event) => {
        monitor.onEvent(event);
        onEvent(event);
      },
      onStatus: (status) => {
        monitor.onStatus(status);
        onStatus(status);
      },
    });
  } finally {
    await server.close();
  }
}
