/**
 * Resumable uploads of large objects, in pieces. The object appears after the last piece, if the whole has the announced CRC-32C. A session
 * lasts a week, so that a later process can resume it.
 *
 * Source: Cloud Storage documentation, "Resumable uploads" and "Perform resumable uploads".
 */

import { crc32 } from 'node:zlib';
import { crc32c } from '../../../src/format/record/crc32c.js';
import { type BodyMemory, readBody } from '../base/body-memory.js';
import { CONTENT_TYPE } from '../base/commit-metadata.js';
import { resolveConflict, unexpected } from '../base/commit-outcome.js';
import { combineCrc32 } from '../base/crc32-combine.js';
import type { CommitOutcome, CommitRequest } from '../base/store.js';
import { GcsError, toGcsFailure } from './answer.js';
import { type GcsAnswer, type GcsObject, OBJECT_FIELDS, parseJson } from './connection.js';
import { type GcsWriter, refusalFrom, toGeneration, toResource, toStored } from './upload.js';

interface Session {
  readonly url: URL;
  /** The number of bytes that the store has; null when unknown. */
  offset: number | null;
  /** By position: the CRC-32 of all bytes before it. Has an entry for each end of a sent piece. */
  readonly crcs: Map<number, number>;
}

/** The size of every piece but the last is a multiple of this. */
const UNIT_BYTES = 256 * 1024;
const SCAN_BYTES = 1024 * 1024;
/** The status of a response while the upload is incomplete. */
const INCOMPLETE = 308;

export class GcsSessions {
  readonly #writer: GcsWriter;
  readonly #memory: BodyMemory;
  readonly #pieceBytes: number;
  /** Open sessions by commit id. */
  readonly #sessions = new Map<string, Session>();

  constructor(writer: GcsWriter, options: { memory: BodyMemory; pieceBytes: number }) {
    this.#writer = writer;
    this.#memory = options.memory;
    this.#pieceBytes = Math.max(UNIT_BYTES, options.pieceBytes - (options.pieceBytes % UNIT_BYTES));
  }

  async commit(name: string, request: CommitRequest): Promise<CommitOutcome> {
    const opened = await this.#open(name, request);
    if ('status' in opened) return opened;
    const outcome = await this.#send(opened, request);
    if (outcome.status === 'retry') opened.offset = null;
    else if (outcome.status === 'stored') this.#sessions.delete(request.commitId);
    else await this.abandon(request.commitId);
    return outcome;
  }

  async abandon(commitId: string): Promise<void> {
    const session = this.#sessions.get(commitId);
    if (session === undefined) return;
    this.#sessions.delete(commitId);
    try {
      // 499 confirms the cancellation.
      await this.#writer.connection.send({ method: 'DELETE', path: session.url, expected: [499] });
    } catch {
      // The store is unavailable. It ends the session after a week.
    }
  }

  async #open(name: string, request: CommitRequest): Promise<Session | CommitOutcome> {
    const known = this.#sessions.get(request.commitId);
    if (known !== undefined) return known;
    const { unfinished } = request;
    if (unfinished !== undefined && URL.canParse(unfinished.uploadId)) {
      const session: Session = { url: new URL(unfinished.uploadId), offset: null, crcs: new Map() };
      // Never send data and credentials to another server.
      if (session.url.origin === new URL(this.#writer.connection.endpoint).origin) {
        this.#sessions.set(request.commitId, session);
        return session;
      }
    }
    return this.#start(name, request);
  }

  async #start(name: string, request: CommitRequest): Promise<Session | CommitOutcome> {
    const { connection, head } = this.#writer;
    const { key, base, target, signal } = request;
    // Read the source before the upload: its checksum must be in the first request.
    const whole = await scan(request, { start: 0, end: target.sizeBytes });
    if (whole?.crc32 !== target.crc32) return { status: 'changed' };
    const ifGenerationMatch = toGeneration(base);
    if (ifGenerationMatch === null) return resolveConflict(await head(key, signal), request);
    try {
      const { headers } = await connection.send({
        method: 'POST',
        path: connection.uploadPath,
        query: { uploadType: 'resumable', ifGenerationMatch, fields: OBJECT_FIELDS },
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'x-upload-content-type': CONTENT_TYPE,
          'x-upload-content-length': String(target.sizeBytes),
        },
        body: Buffer.from(JSON.stringify(toResource(name, whole.crc32c, request))),
        signal,
      });
      const { location } = headers;
      if (location === undefined || !URL.canParse(location)) return unexpected(`upload ${key}`, 'location');
      const session: Session = { url: new URL(location), offset: 0, crcs: new Map([[0, 0]]) };
      this.#sessions.set(request.commitId, session);
      request.onUploadOpened?.(location);
      return session;
    } catch (error) {
      return refusalFrom(error, request, head);
    }
  }

  async #send(session: Session, request: CommitRequest): Promise<CommitOutcome> {
    const { target, key, signal } = request;
    try {
      const asked = session.offset ?? (await this.#ask(session, request));
      if (typeof asked !== 'number') return asked;
      let offset = asked;
      let crc = session.crcs.get(offset) ?? (await scan(request, { start: 0, end: offset }))?.crc32 ?? null;
      while (crc !== null) {
        signal?.throwIfAborted();
        const end = Math.min(offset + this.#pieceBytes, target.sizeBytes);
        const sent = await this.#memory.use(end - offset, (buffer) =>
          this.#sendPiece(session, { start: offset, end, crc: crc ?? 0, buffer }, request),
        );
        if ('outcome' in sent) return sent.outcome;
        offset = sent.offset;
        session.offset = offset;
        crc = session.crcs.get(offset) ?? (await scan(request, { start: 0, end: offset }))?.crc32 ?? null;
      }
      return { status: 'changed' };
    } catch (error) {
      session.offset = null;
      // The session has ended: it was completed or cancelled, or is more than a week old.
      if (error instanceof GcsError && (error.httpStatus === 404 || error.httpStatus === 410)) {
        this.#sessions.delete(request.commitId);
        const resolved = resolveConflict(await this.#writer.head(key, signal), request);
        if (resolved.status === 'stored') return resolved;
        const cause = new Error(`${key}: the upload session has ended`, { cause: error });
        return { status: 'retry', cause, maxAttempts: 5 };
      }
      if (error instanceof GcsError || toGcsFailure(error).code !== undefined)
        return refusalFrom(error, request, this.#writer.head);
      throw error; // an error of the source
    }
  }

  async #sendPiece(
    session: Session,
    piece: {
      readonly start: number;
      readonly end: number;
      readonly crc: number;
      readonly buffer: Buffer | null;
    },
    request: CommitRequest,
  ): Promise<{ readonly offset: number } | { readonly outcome: CommitOutcome }> {
    const { target, key, signal } = request;
    const { start, end } = piece;
    const body = await readBody(request.source, piece, piece.buffer);
    if (body.length !== end - start) return { outcome: { status: 'changed' } };
    const crc = crc32(body);
    const whole = combineCrc32(piece.crc, crc, body.length);
    if (end === target.sizeBytes && whole !== target.crc32) return { outcome: { status: 'changed' } };
    request.onBytesSent?.(body.length);
    const answer = await this.#writer.connection.send({
      method: 'PUT',
      path: session.url,
      headers: { 'content-range': `bytes ${start}-${end - 1}/${target.sizeBytes}` },
      body,
      signal,
      expected: [INCOMPLETE],
    });
    session.crcs.set(end, whole);
    if (answer.status !== INCOMPLETE) return { outcome: toStored(parseJson(answer.text) as GcsObject, key) };
    const offset = toOffset(answer);
    // The store may keep less than it was sent. More means that another writer uses the session.
    if (offset > end || offset < start || offset === target.sizeBytes)
      return { outcome: unexpected(`upload ${key}`, 'valid range') };
    if (offset === end)
      request.onPartStored?.({
        number: Math.floor(start / this.#pieceBytes) + 1,
        etag: `${start}-${end}`,
        crc32: crc,
        sizeBytes: body.length,
      });
    return { offset };
  }

  /** The number of bytes that the store has, or the outcome if the upload is complete. */
  async #ask(session: Session, { target, key, signal }: CommitRequest): Promise<number | CommitOutcome> {
    const answer = await this.#writer.connection.send({
      method: 'PUT',
      path: session.url,
      headers: { 'content-range': `bytes */${target.sizeBytes}` },
      signal,
      expected: [INCOMPLETE],
    });
    return answer.status === INCOMPLETE
      ? toOffset(answer)
      : toStored(parseJson(answer.text) as GcsObject, key);
  }
}

/** The offset from `Range: bytes=0-N`. The header is missing while the store has no bytes. */
function toOffset({ headers }: GcsAnswer): number {
  const last = /^bytes=0-(\d+)$/.exec(headers.range ?? '')?.[1];
  return last === undefined ? 0 : Number(last) + 1;
}

/** Both checksums of `[start, end)` of the source; null when the source is too short. */
export async function scan(
  { source, signal }: CommitRequest,
  { start, end }: { readonly start: number; readonly end: number },
): Promise<{ readonly crc32: number; readonly crc32c: number } | null> {
  let iso = 0;
  let castagnoli = 0;
  for (let position = start; position < end; position += SCAN_BYTES) {
    signal?.throwIfAborted();
    const wanted = Math.min(SCAN_BYTES, end - position);
    const bytes = await source.read(position, position + wanted);
    if (bytes.length !== wanted) return null;
    iso = crc32(bytes, iso);
    castagnoli = crc32c(bytes, 0, bytes.length, castagnoli);
  }
  return { crc32: iso, crc32c: castagnoli };
}
