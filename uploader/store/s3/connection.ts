/**
 * Sends requests to S3, with one attempt each. Signs and sends a request again, once for each reason, after expired credentials, a wrong clock,
 * or a region that the store corrects (F43, F45, F46). The caller handles all other errors.
 */

import type { $Command, ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-s3';
import { type Clock, systemClock } from '../../../src/base/clock.js';
import { messageOf } from '../../../src/base/errors.js';
import { describeSkew } from '../../base/clock-skew.js';
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
  /** The size of the body, sent or copied. It determines the time limit of the request. */
  readonly sizeBytes?: number | undefined;
  /** True when the server may need minutes to respond. */
  readonly isPatient?: boolean | undefined;
}

/** F39: the slowest connection that is still useful, 256 KiB/s. */
const MIN_BYTES_PER_MS = 256 * 1.024;
/** Many concurrent requests with the same expired credentials cause only one refresh. */
const REFRESH_INTERVAL_MS = 5_000;

/** The abort reason: a string, because an error would record a stack for each request. */
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
  #isSkewReported = false;
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
   * Loads the SDK and resolves the credentials from the standard AWS chain: environment, shared files, SSO, container and instance
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
      const hint = 'Set --region or AWS_REGION.';
      throw new ConfigError(`no region for S3: ${messageOf(cause)}`, hint, { cause });
    }
  }

  /** The current credentials. The SDK refreshes them five minutes before they expire. */
  async credentials(options: { forceRefresh?: boolean } = {}): Promise<S3Credentials> {
    try {
      return await this.#clients.quick.config.credentials(options);
    } catch (cause) {
      throw new StoreCredentialsError(`no credentials for S3: ${messageOf(cause)}`, { cause });
    }
  }

  /** How far the store's clock is ahead of this host's, from its last response; accurate to about a second. */
  get clockOffsetMs(): number {
    return this.#clients.quick.config.systemClockOffset;
  }

  /** The time of the store's clock, in milliseconds since the epoch. */
  storeTimeMs(): number {
    return this.#clock.wallTime() * 1000 + this.clockOffsetMs;
  }

  /** Waits, by the clock of the connection. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal);
  }

  /** Sends a request. Calls `toCommand` again when the request must be signed again, because a streamed body can be sent only once. */
  send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    toCommand: (sdk: S3Sdk) => S3Command<Input, Output>,
    options: SendOptions = {},
  ): Promise<Output> {
    return this.#sendMended(({ quick, patient }, abortSignal) => {
      const client = options.isPatient === true ? patient : quick;
      return client.send(toCommand(this.sdk), { abortSignal });
    }, options);
  }

  /** As `send`, with a fast path for the most frequent request, the upload of a small object. */
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
      throw Object.assign(new Error(`no response within ${Math.round(limitMs / 1000)} s`, { cause: error }), {
        name: 'TimeoutError',
      });
    } finally {
      signal?.removeEventListener('abort', abort);
      ended.abort(ENDED);
      await untilLimit;
    }
  }

  /** What was repaired, so that the request can be sent again; null when nothing was. */
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
    // The SDK has already read the store's time from the response.
    if (isAboutTime(failure) && !tried.has('time')) {
      this.#reportSkew();
      return 'time';
    }
    if (!isAboutCredentials(failure) || tried.has('credentials')) return null;
    return isSame(await this.#refreshed(signedWith), signedWith) ? null : 'credentials';
  }

  /** The store rejects a difference of some minutes only; requests are then signed with its time. */
  #reportSkew(): void {
    if (this.#isSkewReported) return;
    this.#isSkewReported = true;
    this.#onNotice({
      code: 'NOTICE_CLOCK_SKEW',
      message: describeSkew('the S3 server', -this.clockOffsetMs),
    });
  }

  /** The current credentials, refreshed if they are those that were rejected. */
  async #refreshed(refused: S3Credentials): Promise<S3Credentials> {
    const current = await this.credentials();
    const nowMs = this.#clock.monotonicMs();
    if (!isSame(current, refused) || nowMs - this.#refreshedMs < REFRESH_INTERVAL_MS) return current;
    this.#refreshedMs = nowMs;
    return this.credentials({ forceRefresh: true });
  }

  #switchRegion(region: string): void {
    const { systemClockOffset } = this.#clients.quick.config;
    this.#retired.push(this.#clients); // requests may still be in flight
    this.#clients = createS3Clients(this.sdk, { ...this.#options, region }, this.#timeouts);
    this.#clients.quick.config.systemClockOffset = systemClockOffset;
    this.#onNotice({
      code: 'NOTICE_STORE_REGION',
      message: `the bucket is in the region ${region}: set --region to save a request at each start`,
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
