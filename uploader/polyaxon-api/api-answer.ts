/**
 * Reads answers of the API: returns the JSON of a success, and creates a `PolyaxonApiError` for anything else.
 *
 * Source of the error formats: Django REST framework's exception handler, as haupt 2.16.1 uses it. Streams answer in plain text.
 */

import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { parseBoundedJson } from '../../src/base/bounded-json.js';
import type { HttpResponse } from '../base/http/transport.js';
import { PolyaxonApiError, type PolyaxonApiErrorCode, toUnreachable } from './api-error.js';

/** For comparison: a lineage page of 100 artifacts has about 100 KiB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MAX_SHOWN = 500;
/** The characters of an error that are read: more than the API sends, so that a huge page takes no time to search. */
const MAX_REFUSAL = 64 * 1024;

export interface AnswerContext {
  /** The operation, for messages. */
  readonly operation: string;
  /** The error code for a 404 whose answer does not name what is missing. */
  readonly missing: PolyaxonApiErrorCode;
  /** Hides secrets. */
  readonly mask: (text: string) => string;
}

/** Returns the decompressed body. The open server compresses some answers even if the request does not ask for it. */
export function decodeBody({ headers, body }: HttpResponse): Readable {
  const decoder = toDecoder(headers['content-encoding']);
  if (decoder === null) return body;
  body.on('error', (error) => decoder.destroy(error));
  decoder.on('close', () => body.destroy());
  return body.pipe(decoder);
}

function toDecoder(encoding: string | undefined): ReturnType<typeof createGunzip> | null {
  switch (encoding?.trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return null;
  }
}

export async function readText(response: HttpResponse, operation: string): Promise<string> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const piece of decodeBody(response) as AsyncIterable<Buffer>) {
      sizeBytes += piece.length;
      if (sizeBytes > MAX_ANSWER_BYTES)
        throw new PolyaxonApiError(
          'ERR_API_NOT_JSON',
          `${operation}: the answer has more than ${MAX_ANSWER_BYTES} bytes`,
        );
      pieces.push(piece);
    }
  } catch (error) {
    response.body.destroy();
    throw error instanceof PolyaxonApiError ? error : toUnreachable(operation, error);
  }
  return Buffer.concat(pieces).toString('utf8');
}

export function isSuccess({ status }: HttpResponse): boolean {
  return status >= 200 && status < 300;
}

/** Parses the JSON of a success. Returns null for an empty body. */
export async function readJson(response: HttpResponse, { operation, mask }: AnswerContext): Promise<unknown> {
  const text = await readText(response, operation);
  if (text.trim() === '') return null;
  try {
    return parseBoundedJson(text);
  } catch (cause) {
    throw notJson(operation, response, mask(text.slice(0, MAX_REFUSAL)), cause);
  }
}

/** Reads a success that should be empty. Throws if it is an HTML page. */
export async function expectEmpty(response: HttpResponse, { operation, mask }: AnswerContext): Promise<void> {
  const text = await readText(response, operation);
  if (text.trim().startsWith('<'))
    throw notJson(operation, response, mask(text.slice(0, MAX_REFUSAL)), undefined);
}

/** Converts an answer that is not a success to an error. Reads its body. */
export async function toApiError(response: HttpResponse, context: AnswerContext): Promise<PolyaxonApiError> {
  const { operation, mask } = context;
  const { status, headers } = response;
  const refusal = readRefusal(mask((await readText(response, operation)).slice(0, MAX_REFUSAL)));
  // haupt 2.16.1 on SQLite answers 405 without text when another request locks its database.
  const isBusy = status === 405 && refusal.text === '';
  const code = isBusy ? 'ERR_API_SERVER' : toCode(status, refusal, context);
  const where = status >= 300 && status < 400 ? toOrigin(headers.location) : null;
  const message = [`${operation}: ${status}`, where ?? refusal.text].filter(Boolean).join(' ');
  return new PolyaxonApiError(code, message, {
    httpStatus: status,
    // Gateways have their own 5xx codes for servers that they cannot reach; 501 and 505 are permanent.
    failureCode: isBusy || (status >= 500 && ![501, 505].includes(status)) ? 'ServiceUnavailable' : undefined,
    retryAfterMs: toRetryAfterMs(headers),
    fields: refusal.fields,
  });
}

interface Refusal {
  readonly isJson: boolean;
  /** One line, for messages. */
  readonly text: string;
  readonly fields: Readonly<Record<string, readonly string[]>>;
}

function readRefusal(body: string): Refusal {
  let found: unknown;
  try {
    found = JSON.parse(body);
  } catch {
    return { isJson: false, text: toShown(body), fields: {} };
  }
  if (Array.isArray(found))
    return { isJson: true, text: toShown(found.map(String).join('; ')), fields: { '': found.map(String) } };
  if (typeof found !== 'object' || found === null) return { isJson: true, text: toShown(body), fields: {} };
  const entries = Object.entries(found);
  const fields = Object.fromEntries(
    entries.filter(([name]) => name !== 'detail').map(([name, value]) => [name, toMessages(value)]),
  );
  const text = entries
    .map(([name, value]) => `${name === 'detail' ? '' : `${name}: `}${toMessages(value).join(' ')}`)
    .join('; ');
  return { isJson: true, text: toShown(text), fields };
}

function toMessages(value: unknown): string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.map((each) => (typeof each === 'string' ? each : JSON.stringify(each)));
}

function toCode(status: number, { isJson, text }: Refusal, { missing }: AnswerContext): PolyaxonApiErrorCode {
  if (status >= 500) return 'ERR_API_SERVER';
  if (status >= 300 && status < 400) return 'ERR_API_REDIRECTED';
  switch (status) {
    case 401:
      return 'ERR_API_UNAUTHORIZED';
    case 403:
      return 'ERR_API_FORBIDDEN';
    case 404:
      return toMissing(isJson, text, missing);
    case 407: // the proxy, not the API
    case 408:
      return 'ERR_API_UNREACHABLE';
    case 409:
      return 'ERR_API_CONFLICT';
    case 413:
      return 'ERR_API_TOO_LARGE';
    case 429:
      return 'ERR_API_THROTTLED';
    default:
      return 'ERR_API_INVALID';
  }
}

/** haupt 2.16.1 names what is missing. A page of another server is neither JSON nor one of haupt's texts. */
function toMissing(isJson: boolean, text: string, missing: PolyaxonApiErrorCode): PolyaxonApiErrorCode {
  if (/\bNo Project\b/i.test(text)) return 'ERR_API_PROJECT_MISSING';
  if (/\bNo Run\b/i.test(text)) return 'ERR_API_RUN_MISSING';
  return isJson || /^Artifacts? not found/.test(text) ? missing : 'ERR_API_MISSING';
}

function notJson(
  operation: string,
  { status, headers }: HttpResponse,
  text: string,
  cause: unknown,
): PolyaxonApiError {
  const type = headers['content-type'] ?? 'no content type';
  const message = `${operation}: ${status} with ${type} instead of an answer of the API: ${toShown(text)}`;
  // For example from a captive portal: a retry may succeed.
  return new PolyaxonApiError('ERR_API_NOT_JSON', message, { failureCode: 'UnexpectedAnswer' }, { cause });
}

/** Shortens a body for a message: removes markup and cuts it to `MAX_SHOWN` characters. */
function toShown(body: string): string {
  const text = body
    .replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^<>]*>/g, ' ')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** Returns the target of a redirect without the parts that may contain secrets. */
function toOrigin(location: string | undefined): string | null {
  if (location === undefined || !URL.canParse(location)) return null;
  const { origin, pathname } = new URL(location);
  return `to ${origin}${pathname}`;
}

/** Parses `Retry-After`: seconds or a date (RFC 9110 §10.2.3). A date is relative to the server's `Date` header. */
function toRetryAfterMs(headers: HttpResponse['headers']): number | undefined {
  const text = headers['retry-after']?.trim() ?? '';
  if (/^\d{1,6}$/.test(text)) return Number(text) * 1000;
  const untilMs = Date.parse(text) - Date.parse(headers.date ?? '');
  return Number.isFinite(untilMs) ? Math.min(Math.max(0, untilMs), 24 * 3600 * 1000) : undefined;
}
