/**
 * Sends requests to a Polyaxon server, one attempt each, and reads the answers.
 *
 * A request is repeated once if its token was renewed in its file, or if the connection of a GET broke. A redirected GET is followed.
 * Credentials are only sent to the configured origin.
 */

import { type Clock, systemClock } from '../../src/base/clock.js';
import { guardUser } from '../../src/base/user-callback.js';
import { ClockSkew, type OnSkewNotice } from '../base/clock-skew.js';
import type { HttpRequest, HttpResponse, Transport } from '../base/http/transport.js';
import { type AnswerContext, isSuccess, readJson, toApiError } from './api-answer.js';
import { isCut, PolyaxonApiError, type PolyaxonApiErrorCode, toUnreachable } from './api-error.js';
import type { PolyaxonConnection } from './connection.js';

interface ApiSessionOptions {
  readonly transport: Transport;
  readonly clock?: Clock | undefined;
  /** Awaited before each request, to limit the requests per second. */
  readonly beforeRequest?: ((signal?: AbortSignal) => Promise<void>) | undefined;
  /** Receives a notice when the clocks of this host and of the server differ. */
  readonly onNotice?: OnSkewNotice | undefined;
}

export interface ApiCall {
  readonly method: HttpRequest['method'];
  /** The path after the host. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>> | undefined;
  /** The operation, for messages. */
  readonly operation: string;
  /** The error code for a 404. */
  readonly missing: PolyaxonApiErrorCode;
  readonly body?: ApiBody | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ApiBody {
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Opens the body. Called for each attempt. */
  readonly open: () => NonNullable<HttpRequest['body']>;
}

const MAX_REDIRECTS = 5;
/** F39: minimum time limit of a whole request; a large body gets more. */
const TOTAL_MS = 60_000;
const MIN_BYTES_PER_MS = 256 * 1.024;
/** A server must process a body at least this fast; a slower one counts as not answering. */
const MIN_WORK_BYTES_PER_MS = 1024 * 1.024;

export class ApiSession {
  readonly connection: PolyaxonConnection;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #skew: ClockSkew;
  readonly #beforeRequest: (signal?: AbortSignal) => Promise<void>;

  constructor(connection: PolyaxonConnection, options: ApiSessionOptions) {
    this.connection = connection;
    this.#transport = options.transport;
    this.#clock = options.clock ?? systemClock;
    this.#skew = new ClockSkew(this.#clock, connection.host, guardUser('onNotice', options.onNotice));
    this.#beforeRequest = options.beforeRequest ?? (async () => undefined);
  }

  get clockOffsetMs(): number {
    return this.#skew.offsetMs;
  }

  /** Returns the JSON of the answer; null if it is empty. Throws `PolyaxonApiError`. */
  async callJson(call: ApiCall): Promise<unknown> {
    return this.call(call, (response) => readJson(response, this.#toContext(call)));
  }

  /** Sends a request and returns the result of `use` for a success. Throws `PolyaxonApiError` for anything else. */
  async call<Result>(call: ApiCall, use: (response: HttpResponse) => Promise<Result>): Promise<Result> {
    await this.#beforeRequest(call.signal);
    return this.#withinTime(call, async (signal) => {
      const response = await this.#sendAuthorized(call, signal);
      if (isSuccess(response)) return use(response);
      throw await toApiError(response, this.#toContext(call));
    });
  }

  /** Sends a request and returns a success. The caller reads its body, without a total time limit. Throws `PolyaxonApiError`. */
  async open(call: ApiCall): Promise<HttpResponse> {
    await this.#beforeRequest(call.signal);
    try {
      const response = await this.#sendAuthorized(call, call.signal);
      if (isSuccess(response)) return response;
      throw await toApiError(response, this.#toContext(call));
    } catch (error) {
      throw toError(call, error);
    }
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  #toContext({ operation, missing }: ApiCall): AnswerContext {
    return { operation, missing, mask: (text) => this.connection.credentials.mask(text) };
  }

  /** Repeats the request if the answer is 401 and the token in its file has been renewed since it was read. */
  async #sendAuthorized(call: ApiCall, signal: AbortSignal | undefined): Promise<HttpResponse> {
    const { credentials } = this.connection;
    const authorization = await credentials.authorization();
    const response = await this.#sendRedirected(call, authorization, signal);
    if (response.status !== 401) return response;
    const renewed = await credentials.authorization();
    if (renewed === authorization) return response;
    response.body.destroy();
    return this.#sendRedirected(call, renewed, signal);
  }

  async #sendRedirected(
    call: ApiCall,
    authorization: string | null,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    const start = this.#toUrl(call);
    let url = start;
    for (let redirects = 0; ; redirects += 1) {
      const isOurs = url.origin === start.origin;
      const send = () => this.#sendOnce(call, url, isOurs ? authorization : null, isOurs, signal);
      const response = await send().catch(async (error: unknown) => {
        // A GET changes nothing and may be repeated (RFC 9110 §9.2.2), so that a walk through directories need not restart.
        if (call.method !== 'GET' || signal?.aborted === true || !isCut(error)) throw error;
        await this.#beforeRequest(signal);
        return send();
      });
      const { location } = response.headers;
      const isRedirect = [301, 302, 303, 307, 308].includes(response.status) && location !== undefined;
      if (!isRedirect || call.method !== 'GET' || redirects === MAX_REDIRECTS) return response;
      const next = URL.canParse(location, url.href) ? new URL(location, url) : null;
      // Never follow a redirect from https to http: others could read the data, even without credentials.
      if (next === null || (next.protocol !== 'https:' && next.protocol !== url.protocol)) return response;
      response.body.destroy();
      next.username = '';
      next.password = '';
      url = next;
    }
  }

  async #sendOnce(
    call: ApiCall,
    url: URL,
    authorization: string | null,
    isOurs: boolean,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    signal?.throwIfAborted();
    const { serviceHeader, silenceMs } = this.connection;
    const { contentType, sizeBytes = 0 } = call.body ?? {};
    const headers = {
      accept: '*/*',
      'user-agent': 'polytrack',
      ...(isOurs ? serviceHeader : {}),
      ...(authorization === null ? {} : { authorization }),
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
    };
    const sentMs = this.#clock.monotonicMs();
    const response = await this.#transport.send({
      method: call.method,
      url,
      headers,
      body: call.body?.open(),
      silenceMs: silenceMs + sizeBytes / MIN_WORK_BYTES_PER_MS,
      signal,
    });
    this.#skew.observe(response.headers.date, sentMs);
    return response;
  }

  #toUrl({ path, query = {} }: ApiCall): URL {
    const url = new URL(`${this.connection.host}${path}`);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, value);
    return url;
  }

  async #withinTime<Result>(call: ApiCall, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const sizeBytes = call.body?.sizeBytes ?? 0;
    const limitMs = Math.max(TOTAL_MS, this.connection.silenceMs, sizeBytes / MIN_BYTES_PER_MS);
    const limit = new AbortController();
    const ended = new AbortController();
    const untilLimit = this.#clock.sleep(limitMs, ended.signal).then(
      () => limit.abort(timeoutError(limitMs)),
      () => undefined,
    );
    const signal = call.signal === undefined ? limit.signal : AbortSignal.any([call.signal, limit.signal]);
    try {
      return await work(signal);
    } catch (error) {
      throw toError(call, limit.signal.aborted ? limit.signal.reason : error);
    } finally {
      ended.abort();
      await untilLimit;
    }
  }
}

/** Keeps the reason of an abort by the caller. */
function toError({ signal, operation }: ApiCall, error: unknown): unknown {
  if (signal?.aborted === true) return signal.reason;
  return error instanceof PolyaxonApiError ? error : toUnreachable(operation, error);
}

function timeoutError(limitMs: number): Error {
  return Object.assign(new Error(`no answer within ${Math.round(limitMs / 1000)} s`), {
    name: 'TimeoutError',
  });
}
