/** Options for the connection to an Azure container. Separate from the client, so that importing them needs no types of Microsoft's library. */

import type { Clock } from '../../../src/base/clock.js';
import type { OptionTable } from '../../../src/base/options.js';
import type { RequestTimeouts } from '../base/time-limit.js';

export interface AzureClientOptions {
  /** The account and credentials, in the variables of the Azure CLI. Default: the environment of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  readonly clock?: Clock | undefined;
  /** Awaited before each request, to limit the number of requests per second. */
  readonly beforeRequest?: ((signal?: AbortSignal) => Promise<void>) | undefined;
  readonly timeouts?: Partial<RequestTimeouts> | undefined;
}
export const AZURE_CLIENT_OPTIONS: OptionTable<AzureClientOptions> = {
  environment: 'object',
  clock: 'object',
  beforeRequest: 'function',
  timeouts: 'object',
};
