/**
 * What every write to S3 carries: the condition, the commit's name, checksums; and how a refusal is understood.
 *
 * Source: Amazon S3 User Guide, "Add preconditions to S3 operations with conditional requests" and "Checking object integrity".
 */

import { toS3Failure } from './s3-answer.js';
import type { CommitOutcome, CommitRequest, HeadOutcome, StoreNotice } from './store.js';

/** Object metadata that polytrack writes; on the wire `x-amz-meta-plx-…`. */
export const COMMIT_ID_METADATA = 'plx-commit';
const CRC32_METADATA = 'plx-crc32';

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

export function toMetadata({ commitId, target }: CommitRequest): Record<string, string> {
  return { [COMMIT_ID_METADATA]: commitId, [CRC32_METADATA]: target.crc32.toString(16).padStart(8, '0') };
}

export function stripQuotes(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}

/** Whether writes carry a condition. A store that says it cannot (501) is believed from then on, and that is said once. */
export class Conditions {
  readonly #onNotice: (notice: StoreNotice) => void;
  #areRefused = false;

  constructor(onNotice: (notice: StoreNotice) => void) {
    this.#onNotice = onNotice;
  }

  /** Sends a write under the condition that the object is still `request.base`. */
  async send<Answer>(
    request: CommitRequest,
    send: (condition: { IfMatch?: string; IfNoneMatch?: string }) => Promise<Answer>,
  ): Promise<Answer> {
    if (this.#areRefused) return send({});
    try {
      return await send(request.base === null ? { IfNoneMatch: '*' } : { IfMatch: `"${request.base.etag}"` });
    } catch (error) {
      const { code, httpStatus } = toS3Failure(error);
      if (code !== 'NotImplemented' && httpStatus !== 501) throw error;
      this.#areRefused = true;
      this.#onNotice({
        code: 'NOTICE_NO_CONDITIONAL_WRITES',
        message: 'the store refuses conditional writes: let no second uploader work on these runs',
      });
      return send({});
    }
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

/** After a refusal: whose object is it? Our own, from a call whose answer was lost, or one with the very same bytes, is a success. */
export function resolveConflict(found: HeadOutcome, request: CommitRequest): CommitOutcome {
  if (found.status === 'absent') return { status: 'conflict' };
  if (found.status !== 'found') return found;
  const { object } = found;
  const { target, commitId } = request;
  const isTarget = object.sizeBytes === target.sizeBytes && object.crc32 === target.crc32;
  if (object.commitId !== commitId && !isTarget) return { status: 'conflict' };
  return { status: 'stored', etag: object.etag };
}
