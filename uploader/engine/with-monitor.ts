/** Serves health and metrics as long as some work goes on. */

import type { Clock } from '../../src/base/clock.js';
import type { OnSyncEvent } from '../pipeline/report/progress.js';
import type { HttpAddress } from '../settings/value-types.js';
import { serveMonitor } from './monitor/http-server.js';
import { Monitor } from './monitor/monitor.js';
import type { Status } from './monitor/status-file.js';

interface Listeners {
  readonly onEvent?: OnSyncEvent | undefined;
  readonly onStatus?: ((status: Status) => void) | undefined;
}

/** Runs `work`, whose events and statuses are served at `address`; without one, just runs it. Throws `ConfigError` for an address that cannot be had. */
export async function withMonitor<Options extends Listeners, Result>(
  address: HttpAddress | undefined,
  clock: Clock,
  options: Options,
  work: (options: Options) => Promise<Result>,
): Promise<Result> {
  if (address === undefined) return work(options);
  const monitor = new Monitor(clock);
  const server = await serveMonitor(monitor, address);
  const { onEvent, onStatus } = options;
  try {
    const message = `health and metrics are served at ${server.url}`;
    onEvent?.({ kind: 'notice', code: 'NOTICE_HTTP', message });
    return await work({
      ...options,
      onEvent: (event) => {
        monitor.onEvent(event);
        onEvent?.(event);
      },
      onStatus: (status) => {
        monitor.onStatus(status);
        onStatus?.(status);
      },
    });
  } finally {
    await server.close();
  }
}
