/** Sends requests to one container, with one attempt each and a time limit. */

import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { REQUEST_TIMEOUTS, type RequestTimeouts, TimeLimit, withinTime } from '../base/time-limit.js';
import { findEndpoint, openContainer } from './client.js';
import type { AzureClientOptions } from './options.js';

export interface AzureSendOptions {
  readonly signal?: AbortSignal | undefined;
  /** The size of the body. */
  readonly sizeBytes?: number | undefined;
}

/** Options of every request of the library. */
export interface AzureRequestOptions {
  readonly abortSignal: AbortSignal;
  readonly onProgress: () => void;
}

export class AzureConnection {
  readonly container: ContainerClient;
  readonly signsWith: string;
  readonly #options: AzureClientOptions;
  readonly #timeouts: RequestTimeouts;

  private constructor(container: ContainerClient, signsWith: string, options: AzureClientOptions) {
    this.container = container;
    this.signsWith = signsWith;
    this.#options = options;
    this.#timeouts = { ...REQUEST_TIMEOUTS, ...options.timeouts };
  }

  /** Throws as `openContainer` does. */
  static async open(container: string, options: AzureClientOptions): Promise<AzureConnection> {
    const { client, signsWith } = await openContainer(container, options);
    return new AzureConnection(client, signsWith, options);
  }

  /** The URL of the account, without credentials. */
  get endpoint(): string {
    return findEndpoint(this.#options.environment);
  }

  blob(name: string): BlockBlobClient {
    return this.container.getBlockBlobClient(name);
  }

  async send<Answer>(
    request: (options: AzureRequestOptions) => Promise<Answer>,
    { signal, sizeBytes = 0 }: AzureSendOptions = {},
  ): Promise<Answer> {
    await this.#options.beforeRequest?.(signal);
    const { clock } = this.#options;
    return withinTime({ clock, timeouts: this.#timeouts, sizeBytes, signal }, (limit) =>
      request({ abortSignal: limit.signal, onProgress: () => limit.touch() }),
    );
  }

  /** Starts the time limit of a response that is read in pieces. The caller ends it. */
  async startLimit(signal: AbortSignal | undefined): Promise<TimeLimit> {
    await this.#options.beforeRequest?.(signal);
    const { clock } = this.#options;
    return new TimeLimit({ clock, timeouts: this.#timeouts, signal });
  }
}
