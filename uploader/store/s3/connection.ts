/**
 * Sends requests to S3, one attempt each, and mends what can be mended by signing anew, once each for a request: expired credentials, a clock
 * that is off, a region that the store corrects (F43, F45, F46). All else is the caller's to judge.
 */

import type { $Command, ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-s3';
import { type Clock, systemClock } from '../../../src/base/clock.js';
import { messageOf } from '../../../src/base/errors.js';
import { ConfigError, StoreCredentialsError } from '../../base/errors.js';
import type { StoreNotice } from '../base/store.js';
import { isAboutCredentials, isAboutTime, toRegionHint, toS3Failure } from './answer.js';
import { createS3Clients, loadS3Sdk, type S3ClientPair, type S3Sdk, TIMEOUTS } from './client.js';
import type { PutInput, PutOutput } from './direct-put.js';
import type { S3ClientOptions, S3Timeouts } from './options.js';

export type S3Command<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = $Command<
  Input,
  Output,
  S3ClientPair['quick']['config'],
  ServiceInputTypes,
  ServiceOutputTypes
>;

export interface SendOptions {
  readonly signal?: AbortSignal | undefined;
  /** Of the body, sent or copied: what the time for the request is made of. */
  readonly sizeBytes?: number | undefined;
  /** A server may think about it for minutes. */
  readonly isPatient?: boolean | undefined;
}

/** F39: throughput of the slowest connection that is still useful. */
const MIN_BYTES_PER_MS = 256 * 1.024;
/** The same expired credentials in many requests at once cause one refresh. */
const REFRESH_INTERVAL_MS = 5_000;

/** In place of an error with its stack for each request, which nobody would read. */
const ENDED = 'ended';

type SendWith<Output> = (clients: S3ClientPair, abortSignal: AbortSignal) => Promise<Output>;
type Repair = 'credentials' | 'time' | 'region';

export class S3Connection {
  readonly sdk: S3Sdk;
  readonly #options: S3ClientOptions;
  readonly #timeouts: S3Timeouts;
  readonly #clock: Clock;
  readonly #onNotice: (notice: StoreNotice) => void;
  readonly #retired: S3ClientPair[] = [];
  #clients: S3ClientPair;
  #refreshedMs = Number.NEGATIVE_INFINITY;

  private constructor(sdk: S3Sdk, options: S3ClientOptions, onNotice: (notice: StoreNotice) => void) {
    this.sdk = sdk;
    this.#options = options;
    this.#timeouts = { ...TIMEOUTS, ...options.timeouts };
    this.#clock = options.clock ?? systemClock;
    this.#onNotice = onNotice;
    this.#clients = createS3Clients(sdk, options, this.#timeouts);
  }

  /**
   * Loads the SDK and resolves the credentials, from the standard AWS chain: environment, shared files, SSO, container and instance
   * roles. Throws `StoreLibraryError` without the SDK, `StoreCredentialsError` without credentials and `ConfigError` without a region.
   */
  static async open(
    options: S3ClientOptions,
    onNotice: (notice: StoreNotice) => void = () => undefined,
  ): Promise<S3Connection> {
    const connection = new S3Connection(await loadS3Sdk(), options, onNotice);
    try {
      await connection.region();
      await connection.credentials();
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  async region(): Promise<string> {
    try {
      return await this.#clients.quick.config.region();
    } catch (cause) {
      const hint = 'Name it with --region or AWS_REGION.';
      throw new ConfigError(`no region for S3: ${messageOf(cause)}`, hint, { cause });
    }
  }

  /** What requests are signed with. Refreshed by the SDK five minutes before it expires. */
  async credentials(options: { forceRefresh?: boolean } = {}): Promise<S3Credentials> {
    try {
      return await this.#clients.quick.config.credentials(options);
    } catch (cause) {
      throw new StoreCredentialsError(`no credentials for S3: ${messageOf(cause)}`, { cause });
    }
  }

  /** How far the store's clock is ahead of ours, as its last answer had it; exact to a second or so. */
  get clockOffsetMs(): number {
    return this.#clients.quick.config.systemClockOffset;
  }

  /** The time by the store's clock, in milliseconds since the epoch. */
  storeTimeMs(): number {
    return this.#clock.wallTime() * 1000 + this.clockOffsetMs;
  }

  /** By the clock of the connection. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal);
  }

  /** One attempt. `toCommand` makes the request anew when it has to be signed again: a streamed body can be sent only once. */
  send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    toCommand: (sdk: S3Sdk) => S3Command<Input, Output>,
    options: SendOptions = {},
  ): Promise<Output> {
    return this.#sendMended(({ quick, patient }, abortSignal) => {
      const client = options.isPatient === true ? patient : quick;
      return client.send(toCommand(this.sdk), { abortSignal });
    }, options);
  }

  /** As `send`, for what is sent most often: a small object. */
  put(toInput: () => PutInput, options: SendOptions): Promise<PutOutput> {
    return this.#sendMended(({ puts }, abortSignal) => puts.send(toInput(), abortSignal), options);
  }

  async #sendMended<Output>(sendWith: SendWith<Output>, options: SendOptions): Promise<Output> {
    const tried = new Set<Repair>();
    for (;;) {
      const signedWith = await this.credentials();
      try {
        return await this.#sendOnce(sendWith, options);
      } catch (error) {
        const repair = options.signal?.aborted === true ? null : await this.#repair(error, signedWith, tried);
        if (repair === null) throw error;
        tried.add(repair);
      }
    }
  }

  close(): void {
    for (const { quick, patient } of [this.#clients, ...this.#retired]) {
      quick.destroy();
      patient.destroy();
    }
  }

  async #sendOnce<Output>(
    sendWith: SendWith<Output>,
    { signal, sizeBytes = 0, isPatient = false }: SendOptions,
  ): Promise<Output> {
    const clients = this.#clients;
    const { quick, patient } = clients;
    await this.#options.beforeRequest?.(signal);
    const minimumMs = isPatient ? this.#timeouts.patientSilenceMs : this.#timeouts.totalMs;
    const limitMs = Math.max(minimumMs, sizeBytes / MIN_BYTES_PER_MS);
    const limit = new AbortController();
    const ended = new AbortController();
    const abort = (): void => limit.abort();
    const untilLimit = this.#clock.sleep(limitMs, ended.signal).then(abort, () => undefined);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      signal?.throwIfAborted();
      patient.config.systemClockOffset = quick.config.systemClockOffset;
      return await sendWith(clients, limit.signal);
    } catch (error) {
      if (signal?.aborted === true || !limit.signal.aborted) throw error;
      throw Object.assign(new Error(`no answer within ${Math.round(limitMs / 1000)} s`, { cause: error }), {
        name: 'TimeoutError',
      });
    } finally {
      signal?.removeEventListener('abort', abort);
      ended.abort(ENDED);
      await untilLimit;
    }
  }

  /** What was mended, so that the request is worth sending once more; null when nothing was. */
  async #repair(
    error: unknown,
    signedWith: S3Credentials,
    tried: ReadonlySet<Repair>,
  ): Promise<Repair | null> {
    const failure = toS3Failure(error);
    const region = toRegionHint(error);
    if (region !== null && !tried.has('region') && region !== (await this.region())) {
      this.#switchRegion(region);
      return 'region';
    }
    // The SDK has taken the store's time from the answer already.
    if (isAboutTime(failure) && !tried.has('time')) return 'time';
    if (!isAboutCredentials(failure) || tried.has('credentials')) return null;
    return isSame(await this.#refreshed(signedWith), signedWith) ? null : 'credentials';
  }

  /** Credentials other than those that were refused, if there are any. */
  async #refreshed(refused: S3Credentials): Promise<S3Credentials> {
    const current = await this.credentials();
    const nowMs = this.#clock.monotonicMs();
    if (!isSame(current, refused) || nowMs - this.#refreshedMs < REFRESH_INTERVAL_MS) return current;
    this.#refreshedMs = nowMs;
    return this.credentials({ forceRefresh: true });
  }

  #switchRegion(region: string): void {
    const { systemClockOffset } = this.#clients.quick.config;
    this.#retired.push(this.#clients); // requests may still be under way
    this.#clients = createS3Clients(this.sdk, { ...this.#options, region }, this.#timeouts);
    this.#clients.quick.config.systemClockOffset = systemClockOffset;
    this.#onNotice({
      code: 'NOTICE_STORE_REGION',
      message: `the bucket lies in the region ${region}: name it with --region to save a request at each start`,
    });
  }
}

export type S3Credentials = Awaited<ReturnType<S3ClientPair['quick']['config']['credentials']>>;

function isSame(a: S3Credentials, b: S3Credentials): boolean {
  return (
    a.accessKeyId === b.accessKeyId &&
    a.secretAccessKey === b.secretAccessKey &&
    a.sessionToken === b.sessionToken
  );
}
