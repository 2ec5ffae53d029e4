/** Serves health and metrics as long as some work goes on. */

import type { Clock } from '../../src/clock.js';
import type { HttpAddress } from '../config.js';
import type { Status } from '../engine/status-file.js';
import type { OnSyncEvent } from '../progress.js';
import { serveMonitor } from './http-server.js';
import { Monitor } from './monitor.js';

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
