/** How a container of Azure's is reached. Apart from the client, so that whoever names these options needs no types of Microsoft's library. */

import type { Clock } from '../../../src/base/clock.js';
import type { RequestTimeouts } from '../base/time-limit.js';

export interface AzureClientOptions {
  /** Names the account and what to sign with, under the names of the Azure CLI. Default: the process' own. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  readonly clock?: Clock | undefined;
  /** Waited for before each request: a limit on how many there may be each second. */
  readonly beforeRequest?: ((signal?: AbortSignal) => Promise<void>) | undefined;
  readonly timeouts?: Partial<RequestTimeouts> | undefined;
}
