/**
 * Sends requests of the JSON API, one attempt each, within their time.
 *
 * By our own client, not by the library's: that one repeats requests by a policy of its own, and its uploads cannot be gone on with after a restart.
 * Source: Cloud Storage JSON API v1.
 */

import type { HttpResponse, StreamedBody, Transport } from '../../base/http/transport.js';
import { createUndiciTransport } from '../../base/http/undici-transport.js';
import { REQUEST_TIMEOUTS, type RequestTimeouts, withinTime } from '../base/time-limit.js';
import { GcsError, UnexpectedAnswerError } from './answer.js';
import { type GcsClient, type GcsClientOptions, isPassing, openGcsClient } from './client.js';

export interface GcsRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the API's root, with names encoded; or a whole URL. */
  readonly path: string | URL;
  readonly query?: Readonly<Record<string, string | undefined>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | StreamedBody | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Statuses besides 2xx that are no failure. */
  readonly expected?: readonly number[] | undefined;
  /** The server may think about it for minutes. */
  readonly isPatient?: boolean | undefined;
}

export interface GcsAnswer {
  readonly status: number;
  readonly headers: HttpResponse['headers'];
  readonly text: string;
}

/** What every object is asked for. Numbers of 64 bits are texts in this API. */
export interface GcsObject {
  readonly name: string;
  readonly generation: string;
  readonly size: string;
  /** Base64 of the big-endian checksum; the store has it of every object. */
  readonly crc32c: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly timeCreated?: string;
}

export const OBJECT_FIELDS = 'name,generation,size,crc32c,metadata';
const PATIENT_SILENCE_MS = 600_000;
/** Of a refusal: enough for any message, too little for a page that something else has sent. */
const MAX_ERROR_TEXT = 500;

export class GcsConnection {
  readonly bucket: string;
  readonly #client: GcsClient;
  readonly #transport: Transport;
  readonly #options: GcsClientOptions;
  readonly #timeouts: RequestTimeouts;
  #storeClockOffsetMs = 0;

  private constructor(bucket: string, client: GcsClient, options: GcsClientOptions) {
    this.bucket = bucket;
    this.#client = client;
    this.#options = options;
    this.#timeouts = { ...REQUEST_TIMEOUTS, ...options.timeouts };
    const { environment = process.env } = options;
    this.#transport = createUndiciTransport({
      tls: { isVerified: true, isHostnameVerified: true },
      proxies: {
        http: environment.http_proxy,
        https: environment.https_proxy ?? environment.HTTPS_PROXY,
        none: environment.no_proxy ?? environment.NO_PROXY,
      },
    });
  }

  /** Throws as `openGcsClient` does, and `StoreCredentialsError`. */
  static async open(bucket: string, options: GcsClientOptions): Promise<GcsConnection> {
    const client = await openGcsClient(options);
    await client.authorize(new URL(client.endpoint)).catch((error: unknown) => {
      // Whoever sends the first request is told, and tries again.
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

  /** The time by the store's clock, in milliseconds since the epoch. */
  storeTimeMs(): number {
    return Date.now() + this.#storeClockOffsetMs;
  }

  /** Below the API's root. */
  objectPath(name: string): string {
    return `/storage/v1/b/${this.bucket}/o/${encodeURIComponent(name)}`;
  }

  get uploadPath(): string {
    return `/upload/storage/v1/b/${this.bucket}/o`;
  }

  /** The whole answer. Throws `GcsError` for a refusal. */
  send(request: GcsRequest): Promise<GcsAnswer> {
    return this.#use(request, async ({ status, headers, body }) => {
      const chunks: Buffer[] = [];
      for await (const chunk of body) chunks.push(chunk);
      return { status, headers, text: Buffer.concat(chunks).toString() };
    });
  }

  /** An answer in JSON. */
  async ask<Answer>(request: GcsRequest): Promise<Answer> {
    const { text } = await this.send(request);
    return parseJson(text) as Answer;
  }

  /** Bytes, as they come. */
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
    if (sizeBytes < length) throw new UnexpectedAnswerError(`${sizeBytes} of ${length} bytes came`);
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
    const timeouts = { totalMs, silenceMs: Number.POSITIVE_INFINITY }; // the transport knows when nothing moves
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
    return JSON.parse(text);
  } catch (cause) {
    throw new UnexpectedAnswerError('the answer is no JSON', { cause });
  }
}

function isExpected({ expected = [] }: GcsRequest, status: number): boolean {
  return (status >= 200 && status < 300) || expected.includes(status);
}

async function toError({ status, headers, body }: HttpResponse): Promise<GcsError> {
  let text = '';
  for await (const chunk of body) if (text.length < 64 * 1024) text += String(chunk);
  const found = readError(text);
  const message = found?.message ?? text.slice(0, MAX_ERROR_TEXT);
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
    return undefined; // not even JSON: its text is the message
  }
}
