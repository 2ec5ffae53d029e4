/**
 * Sends requests to the JSON API, with one attempt each and a time limit.
 *
 * Does not use the library's client, because that has its own retry policy and cannot resume uploads after a restart.
 * Source: Cloud Storage JSON API v1.
 */

import { parseBoundedJson } from '../../../src/base/bounded-json.js';
import { shorten } from '../../../src/base/describe.js';
import { proxiesFrom } from '../../base/http/find-proxy.js';
import type { HttpResponse, StreamedBody, Transport } from '../../base/http/transport.js';
import { createUndiciTransport } from '../../base/http/undici-transport.js';
import { MAX_ANSWER_BYTES, toTooLargeAnswer } from '../base/bounds.js';
import { REQUEST_TIMEOUTS, type RequestTimeouts, withinTime } from '../base/time-limit.js';
import { GcsError, UnexpectedAnswerError } from './answer.js';
import { type GcsClient, type GcsClientOptions, isPassing, openGcsClient } from './client.js';

export interface GcsRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** A path below the root of the API, with encoded names, or a complete URL. */
  readonly path: string | URL;
  readonly query?: Readonly<Record<string, string | undefined>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | StreamedBody | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Statuses other than 2xx that count as success. */
  readonly expected?: readonly number[] | undefined;
  /** True when the server may need minutes to respond. */
  readonly isPatient?: boolean | undefined;
}

export interface GcsAnswer {
  readonly status: number;
  readonly headers: HttpResponse['headers'];
  readonly text: string;
}

/** The requested fields of an object. The API writes 64-bit integers as strings. */
export interface GcsObject {
  readonly name: string;
  readonly generation: string;
  readonly size: string;
  /** The big-endian checksum in base64. Every object has it. */
  readonly crc32c: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly timeCreated?: string;
}

export const OBJECT_FIELDS = 'name,generation,size,crc32c,metadata';
const PATIENT_SILENCE_MS = 600_000;
/** The part of an error response that becomes the message: enough for an API error, but not for a whole page of a proxy. */
const MAX_ERROR_TEXT = 500;
const MAX_ERROR_BYTES = 64 * 1024;

export class GcsConnection {
  readonly bucket: string;
  readonly #client: GcsClient;
  readonly #transport: Transport;
  readonly #options: GcsClientOptions;
  readonly #timeouts: RequestTimeouts;
  #storeClockOffsetMs = 0;

  /** `transport`: a simulation replaces the network. */
  constructor(
    bucket: string,
    client: GcsClient,
    options: GcsClientOptions,
    transport: Transport = createUndiciTransport({
      tls: { isVerified: true, isHostnameVerified: true },
      proxies: proxiesFrom(options.environment ?? process.env),
    }),
  ) {
    this.bucket = bucket;
    this.#client = client;
    this.#options = options;
    this.#timeouts = { ...REQUEST_TIMEOUTS, ...options.timeouts };
    this.#transport = transport;
  }

  /** Throws as `openGcsClient` does, and `StoreCredentialsError`. */
  static async open(bucket: string, options: GcsClientOptions): Promise<GcsConnection> {
    const client = await openGcsClient(options);
    await client.authorize(new URL(client.endpoint)).catch((error: unknown) => {
      // The first request reports a temporary failure and is retried.
      if (!isPassing(error)) throw error;
    });
    return new GcsConnection(bucket, client, options);
  }

  get endpoint(): string {
    return this.#client.endpoint;
  }

  get signsWith(): string | null {
    return this.#client.signsWith;
  }

  /** The time of the store's clock, in milliseconds since the epoch. */
  storeTimeMs(): number {
    return Date.now() + this.#storeClockOffsetMs;
  }

  /** The path of an object below the root of the API. */
  objectPath(name: string): string {
    return `/storage/v1/b/${this.bucket}/o/${encodeURIComponent(name)}`;
  }

  get uploadPath(): string {
    return `/upload/storage/v1/b/${this.bucket}/o`;
  }

  /** The complete response. Throws `GcsError` for an error status. */
  send(request: GcsRequest): Promise<GcsAnswer> {
    return this.#use(request, async ({ status, headers, body }) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      for await (const chunk of body) {
        sizeBytes += chunk.length;
        if (sizeBytes > MAX_ANSWER_BYTES) throw toTooLargeAnswer();
        chunks.push(chunk);
      }
      return { status, headers, text: Buffer.concat(chunks).toString() };
    });
  }

  /** The parsed JSON of the response. */
  async ask<Answer>(request: GcsRequest): Promise<Answer> {
    const { text } = await this.send(request);
    return parseJson(text) as Answer;
  }

  /** The attributes of an object. */
  head(name: string, signal: AbortSignal | undefined): Promise<GcsObject> {
    const path = this.objectPath(name);
    return this.ask<GcsObject>({ method: 'GET', path, query: { fields: OBJECT_FIELDS }, signal });
  }

  /** The body of the response, in chunks as they arrive. */
  async *stream(request: GcsRequest): AsyncGenerator<Uint8Array> {
    await this.#options.beforeRequest?.(request.signal);
    const answer = await this.#sendOnce(request, request.signal);
    if (!isExpected(request, answer.status)) throw await toError(answer);
    const length = Number(answer.headers['content-length'] ?? Number.NaN);
    let sizeBytes = 0;
    for await (const chunk of answer.body) {
      sizeBytes += chunk.length;
      yield chunk;
    }
    if (sizeBytes < length) throw new UnexpectedAnswerError(`received ${sizeBytes} of ${length} bytes`);
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #use<Answer>(
    request: GcsRequest,
    read: (response: HttpResponse) => Promise<Answer>,
  ): Promise<Answer> {
    await this.#options.beforeRequest?.(request.signal);
    const { signal, body, isPatient = false } = request;
    const sizeBytes = body === undefined ? 0 : 'chunks' in body ? body.sizeBytes : body.length;
    const totalMs = isPatient ? PATIENT_SILENCE_MS : this.#timeouts.totalMs;
    const timeouts = { totalMs, silenceMs: Number.POSITIVE_INFINITY }; // the transport has the limit without progress
    return withinTime({ clock: this.#options.clock, timeouts, sizeBytes, signal }, async (limit) => {
      const answer = await this.#sendOnce(request, limit.signal);
      if (!isExpected(request, answer.status)) throw await toError(answer);
      return read(answer);
    });
  }

  async #sendOnce(request: GcsRequest, signal: AbortSignal | undefined): Promise<HttpResponse> {
    const { method, path, query = {}, headers = {}, body, isPatient = false } = request;
    const url = new URL(path, this.#client.endpoint);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, value);
    const authorization = await this.#client.authorize(url);
    const answer = await this.#transport.send({
      method,
      url,
      headers: { ...authorization, ...headers },
      body,
      silenceMs: isPatient ? PATIENT_SILENCE_MS : this.#timeouts.silenceMs,
      signal,
    });
    const date = Date.parse(answer.headers.date ?? '');
    if (!Number.isNaN(date)) this.#storeClockOffsetMs = date - Date.now();
    return answer;
  }
}

export function parseJson(text: string): unknown {
  try {
    return parseBoundedJson(text);
  } catch (cause) {
    throw new UnexpectedAnswerError('the response is not JSON', { cause });
  }
}

function isExpected({ expected = [] }: GcsRequest, status: number): boolean {
  return (status >= 200 && status < 300) || expected.includes(status);
}

async function toError({ status, headers, body }: HttpResponse): Promise<GcsError> {
  let text = '';
  for await (const chunk of body) {
    text += String(chunk);
    if (text.length > MAX_ERROR_BYTES) break;
  }
  const found = readError(text);
  const message = found?.message ?? shorten(text, MAX_ERROR_TEXT);
  return new GcsError(status, found?.errors?.[0]?.reason, message, headers['retry-after']);
}

interface ErrorDocument {
  readonly error?: {
    readonly message?: string;
    readonly errors?: readonly { readonly reason?: string }[];
  };
}

function readError(text: string): ErrorDocument['error'] {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? (found as ErrorDocument).error : undefined;
  } catch {
    return undefined; // not JSON: use the text as the message
  }
}
