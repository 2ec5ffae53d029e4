/**
 * What every write to S3 carries: the condition and checksums; and how a refusal is understood.
 *
 * Source: Amazon S3 User Guide, "Add preconditions to S3 operations with conditional requests" and "Checking object integrity".
 */

import type { CommitRequest, HeadOutcome } from '../base/store.js';
import { toS3Failure } from './answer.js';

/** The base64 of the big-endian checksum, as S3 wants it. */
export function toBase64Crc32(crc32: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32);
  return bytes.toString('base64');
}

/** The inverse of `toBase64Crc32`; null for a checksum that is not of the whole object (`…-<parts>`). */
export function fromBase64Crc32(text: string | undefined): number | null {
  if (text === undefined || !/^[A-Za-z0-9+/]{6}==$/.test(text)) return null;
  return Buffer.from(text, 'base64').readUInt32BE();
}

export function stripQuotes(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}

export type ConditionalWrite = 'put' | 'complete';
export type Condition = { readonly IfMatch?: string; readonly IfNoneMatch?: string };

export interface ConditionsOptions {
  readonly isHonoured: (write: ConditionalWrite) => boolean;
  /** Called when the store says that it cannot (501): it is believed from then on. */
  readonly onRefused: (write: ConditionalWrite) => void;
  readonly head: (key: string, signal?: AbortSignal) => Promise<HeadOutcome>;
}

/**
 * Writes under the condition that the object is still the base. Where the store has no conditions the object is looked at just before
 * (F63): weaker, because another writer may change it in between.
 */
export class Conditions {
  readonly #options: ConditionsOptions;

  constructor(options: ConditionsOptions) {
    this.#options = options;
  }

  async send<Answer>(
    write: ConditionalWrite,
    request: CommitRequest,
    send: (condition: Condition) => Promise<Answer>,
  ): Promise<Answer> {
    if (this.#options.isHonoured(write)) {
      try {
        return await send(
          request.base === null ? { IfNoneMatch: '*' } : { IfMatch: `"${request.base.etag}"` },
        );
      } catch (error) {
        const { code, httpStatus } = toS3Failure(error);
        if (code !== 'NotImplemented' && httpStatus !== 501) throw error;
        this.#options.onRefused(write);
      }
    }
    await this.#requireBase(request);
    return send({});
  }

  async #requireBase({ key, base, signal }: CommitRequest): Promise<void> {
    const found = await this.#options.head(key, signal);
    if (found.status === 'retry') throw found.cause;
    if (found.status === 'failed') throw found.error;
    const etag = found.status === 'found' ? found.object.etag : null;
    if (etag !== (base?.etag ?? null)) throw new ChangedObjectError(key);
  }
}

/** In place of the store's 412. */
class ChangedObjectError extends Error {
  readonly code = 'PreconditionFailed';
  constructor(key: string) {
    super(`${key} is no longer the expected object`);
  }
}

/** Whether an error says that the object is not the expected one: 412, or 404 for a base that is gone. */
export function isPreconditionFailure(error: unknown): boolean {
  const { code, httpStatus } = toS3Failure(error);
  return httpStatus === 412 || code === 'PreconditionFailed' || code === 'NoSuchKey';
}

/** Whether the connection ended while a request was on its way. */
export function isBrokenConnection(error: unknown): boolean {
  return ['ECONNRESET', 'ECONNABORTED', 'EPIPE'].includes(toS3Failure(error).code ?? '');
}
