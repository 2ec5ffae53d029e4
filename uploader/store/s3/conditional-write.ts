/**
 * Conditions of writes to S3, and the errors for failed conditions.
 *
 * Source: Amazon S3 User Guide, "Add preconditions to S3 operations with conditional requests".
 */

import type { ObjectWrite } from '../base/driver.js';
import type { HeadOutcome } from '../base/store.js';
import { toS3Failure } from './answer.js';
import type { Optional } from './optionals.js';

export interface ConditionalWrite {
  readonly name: Optional;
  readonly headers: { readonly IfMatch?: string; readonly IfNoneMatch?: string };
}

/** Makes a write conditional on the base. */
export function toCondition(write: 'put' | 'complete', { base }: ObjectWrite): ConditionalWrite {
  return base === null
    ? { name: `${write}IfNoneMatch`, headers: { IfNoneMatch: '*' } }
    : { name: `${write}IfMatch`, headers: { IfMatch: `"${base.etag}"` } };
}

/**
 * Checks the object with a HEAD request before a write whose condition the store rejects (F63). That is weaker, because another writer may
 * change the object in between.
 */
export async function requireBase(
  { key, base, signal }: ObjectWrite,
  head: (key: string, signal?: AbortSignal) => Promise<HeadOutcome>,
): Promise<void> {
  const found = await head(key, signal);
  if (found.status === 'retry') throw found.cause;
  if (found.status === 'failed') throw found.error;
  const etag = found.status === 'found' ? found.object.etag : null;
  if (etag !== (base?.etag ?? null)) throw new ChangedObjectError(key);
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
