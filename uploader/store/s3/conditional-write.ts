/**
 * Conditions of writes to S3, and the errors for failed conditions.
 *
 * Source: Amazon S3 User Guide, "Add preconditions to S3 operations with conditional requests".
 */

import type { CommitRequest, HeadOutcome } from '../base/store.js';
import { toS3Failure } from './answer.js';

export type ConditionalWrite = 'put' | 'complete';
export type Condition = { readonly IfMatch?: string; readonly IfNoneMatch?: string };

export interface ConditionsOptions {
  readonly isHonoured: (write: ConditionalWrite) => boolean;
  /** Called when the store does not implement conditions (501). Later writes should then not use them. */
  readonly onRefused: (write: ConditionalWrite) => void;
  readonly head: (key: string, signal?: AbortSignal) => Promise<HeadOutcome>;
}

/**
 * Makes writes conditional on the base. If the store does not support conditions, a HEAD request before the write checks the object (F63).
 * That is weaker, because another writer may change the object in between.
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

/** Stands for a 412 response when the store does not support conditions. */
class ChangedObjectError extends Error {
  readonly code = 'PreconditionFailed';
  constructor(key: string) {
    super(`${key}: the object is not the expected version`);
  }
}

/** Whether an error means that the object is not the expected one: 412, or 404 for a missing base. */
export function isPreconditionFailure(error: unknown): boolean {
  const { code, httpStatus } = toS3Failure(error);
  return httpStatus === 412 || code === 'PreconditionFailed' || code === 'NoSuchKey';
}

/** Whether the connection was closed while the request was in flight. */
export function isBrokenConnection(error: unknown): boolean {
  return ['ECONNRESET', 'ECONNABORTED', 'EPIPE'].includes(toS3Failure(error).code ?? '');
}
