/**
 * One file of a run from the store to the disk: received beside its place, compared with every checksum that is known of it, then renamed. An interrupted one
 * goes on where it stopped, as long as the object is the same.
 */

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { messageOf } from '../../src/errors.js';
import type { RateLimit } from '../govern/rate-limit.js';
import type { FileSystem, FsPath, WritableFile } from '../io/file-system.js';
import { isAbsent, systemErrorCode } from '../io/system-error.js';
import type { ReceiptLine } from '../receipt/receipt.js';
import type { StoreAccess } from '../receipt/stored-run.js';
import { toPathBytes } from '../rel-path.js';
import { OutcomeError } from '../retry.js';
import { joinPath } from '../scan/join-path.js';
import { combineCrc32 } from '../store/crc32-combine.js';
import { joinSegments, type PlannedFile } from './pull-plan.js';
import type { PullProblem } from './pull-report.js';

export interface PullContext extends StoreAccess {
  readonly fileSystem: FileSystem;
  /** Of the run; every link resolved. */
  readonly directory: Buffer;
  /** For files that are not whole yet; inside of the run. */
  readonly temporaryDirectory: string;
  readonly bandwidth: RateLimit;
  /** Replace files that differ. */
  readonly overwrites: boolean;
  readonly signal?: AbortSignal | undefined;
}

export type PulledFile =
  | { readonly status: 'pulled' | 'present'; readonly bytes: number; readonly isVerified: boolean }
  | { readonly status: 'problem'; readonly problem: PullProblem };

/** A stretch of a store's object. */
interface Piece {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

interface Sums {
  sizeBytes: number;
  crc32: number;
  sha256: string;
}

interface Wanted {
  readonly pieces: readonly Piece[];
  readonly sizeBytes: number;
  readonly crc32: number | null;
  readonly sha256: string | null;
  readonly etag: string;
}

const CHUNK_BYTES = 1024 * 1024;
const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/** Pulls a file. Rejects only when the signal is aborted, or for a mistake in this program. */
export async function pullFile(
  planned: PlannedFile,
  line: ReceiptLine | undefined,
  context: PullContext,
): Promise<PulledFile> {
  const { path } = planned;
  try {
    return await new FilePull(planned, line, context).run();
  } catch (error) {
    if (error instanceof Problem)
      return { status: 'problem', problem: { path, error: null, ...error.found } };
    if (context.signal?.aborted === true || systemErrorCode(error) === undefined) throw error;
    return {
      status: 'problem',
      problem: { path, finding: 'unwritable', message: messageOf(error), error: null },
    };
  }
}

class Problem extends Error {
  constructor(
    readonly found: Pick<PullProblem, 'finding' | 'message'> & Partial<Pick<PullProblem, 'error'>>,
  ) {
    super(found.message);
  }
}

class FilePull {
  readonly #planned: PlannedFile;
  readonly #line: ReceiptLine | undefined;
  readonly #context: PullContext;
  readonly #target: Buffer;
  #received = 0;

  constructor(planned: PlannedFile, line: ReceiptLine | undefined, context: PullContext) {
    this.#planned = planned;
    this.#line = line;
    this.#context = context;
    this.#target = joinPath(context.directory, [toPathBytes(planned.target)]);
  }

  async run(): Promise<PulledFile> {
    const { fileSystem, overwrites } = this.#context;
    const wanted = await this.#findWanted();
    const isVerified = wanted.crc32 !== null;
    const found = await this.#lookAtTarget();
    if (found !== null && isVerified && found === wanted.sizeBytes) {
      const sums = await this.#sum(this.#target);
      if (isWanted(sums, wanted)) return { status: 'present', bytes: 0, isVerified };
    }
    if (found !== null && isVerified && !overwrites)
      throw new Problem({
        finding: 'in-the-way',
        message: 'there is another file in its place: --overwrite replaces it',
      });
    const name = createHash('sha256').update(`${this.#planned.path}\0${wanted.etag}\0${wanted.sizeBytes}`);
    const temporaryPath = `${this.#context.temporaryDirectory}/${name.digest('hex').slice(0, 32)}.partial`;
    const sums = await this.#receive(temporaryPath, wanted);
    if (!isWanted(sums, wanted)) {
      await fileSystem.unlink(temporaryPath);
      throw new Problem({ finding: 'damaged', message: 'what was received is not what was stored' });
    }
    if (!isVerified) await this.#requireSameObject(wanted.etag, temporaryPath);
    if (found !== null && !isVerified && !overwrites) {
      const present = await this.#sum(this.#target);
      await fileSystem.unlink(temporaryPath);
      if (present.sha256 === sums.sha256) return { status: 'present', bytes: this.#received, isVerified };
      throw new Problem({
        finding: 'in-the-way',
        message: 'there is another file in its place: --overwrite replaces it',
      });
    }
    await this.#publish(temporaryPath);
    return { status: 'pulled', bytes: this.#received, isVerified };
  }

  /** What the file is to be, by what the store and the receipt say. */
  async #findWanted(): Promise<Wanted> {
    const { key } = this.#planned.object;
    const head = await this.#head(key);
    const line = this.#line?.etag === head.etag ? this.#line : undefined;
    let crc = head.crc32 ?? line?.crc32 ?? null;
    let sizeBytes = head.sizeBytes;
    const pieces: Piece[] = [{ key, start: 0, end: sizeBytes }];
    const tails = joinSegments(this.#planned.segments, sizeBytes, head.generation);
    for (const { object, skip, end } of tails) {
      const tail = await this.#head(object.key);
      // The CRC-32 of a part of a segment is nobody's to know.
      crc =
        crc === null || tail.crc32 === null || skip > 0
          ? null
          : combineCrc32(crc, tail.crc32, tail.sizeBytes);
      pieces.push({ key: object.key, start: skip, end: tail.sizeBytes });
      sizeBytes = end;
    }
    const sha256 = tails.length > 0 ? null : (line?.sha256 ?? null);
    return { pieces, sizeBytes, crc32: crc, sha256, etag: head.etag };
  }

  async #head(key: string) {
    const { store, patience, signal } = this.#context;
    const found = await patience.withRetry(`look at ${key}`, () => store.head(key, signal), { signal });
    if (found.status === 'absent') throw new Problem({ finding: 'missing', message: 'the object is gone' });
    if (found.status === 'failed')
      throw new Problem({ finding: 'unreadable', message: found.error.message, error: found.error });
    return found.object;
  }

  /** Without a checksum all that can be said is that the object was the same before and after. */
  async #requireSameObject(etag: string, temporaryPath: string): Promise<void> {
    if ((await this.#head(this.#planned.object.key)).etag === etag) return;
    await this.#context.fileSystem.unlink(temporaryPath);
    throw new Problem({
      finding: 'damaged',
      message: 'the object was replaced while it was read: pull again',
    });
  }

  /** The size of the file that is there; null when there is none. */
  async #lookAtTarget(): Promise<number | null> {
    try {
      const { kind, sizeBytes } = await this.#context.fileSystem.lstat(this.#target);
      if (kind === 'file') return sizeBytes;
      throw new Problem({ finding: 'in-the-way', message: `there is a ${kind} in its place` });
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  }

  async #receive(temporaryPath: string, wanted: Wanted): Promise<Sums> {
    const { fileSystem } = this.#context;
    let before = await this.#sumIfThere(temporaryPath);
    if (before !== null && before.sums.sizeBytes > wanted.sizeBytes) {
      await fileSystem.unlink(temporaryPath);
      before = null;
    }
    const sums = before?.sums ?? { sizeBytes: 0, crc32: 0, sha256: '' };
    const sha256 = before?.hash ?? createHash('sha256');
    const file = await fileSystem.openForWriting(temporaryPath, 'append', FILE_MODE);
    try {
      let from = 0;
      for (const piece of wanted.pieces) {
        const sizeBytes = piece.end - piece.start;
        await this.#receivePiece(file, piece, from, sums, sha256);
        from += sizeBytes;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    sums.sha256 = sha256.digest('hex');
    return sums;
  }

  /** `from`: where the piece begins in the file. */
  async #receivePiece(
    file: WritableFile,
    piece: Piece,
    from: number,
    sums: Sums,
    sha256: ReturnType<typeof createHash>,
  ): Promise<void> {
    const { store, patience, signal, bandwidth } = this.#context;
    const end = from + piece.end - piece.start;
    let attemptBytes = 0;
    const attempt = async () => {
      attemptBytes = 0;
      const range = { start: piece.start + sums.sizeBytes - from, end: piece.end };
      try {
        for await (const bytes of store.read(piece.key, { range, signal })) {
          await bandwidth.take(bytes.length, 'events', signal);
          await file.append(bytes);
          sums.crc32 = crc32(bytes, sums.crc32);
          sha256.update(bytes);
          sums.sizeBytes += bytes.length;
          attemptBytes += bytes.length;
          this.#received += bytes.length;
        }
        return { status: 'read' as const };
      } catch (error) {
        if (error instanceof OutcomeError) return error.outcome;
        throw error;
      }
    };
    if (sums.sizeBytes >= end) return;
    const madeProgress = (): boolean => attemptBytes > 0;
    const outcome = await patience.withRetry(`read ${piece.key}`, attempt, { signal, madeProgress });
    if (outcome.status === 'failed')
      throw new Problem({ finding: 'unreadable', message: outcome.error.message, error: outcome.error });
    if (sums.sizeBytes !== end)
      throw new Problem({
        finding: 'damaged',
        message: `${piece.key} ended early, after ${sums.sizeBytes - from} bytes`,
      });
  }

  async #publish(temporaryPath: string): Promise<void> {
    const { fileSystem, directory } = this.#context;
    const parent = this.#target.subarray(0, this.#target.lastIndexOf(0x2f));
    await makeInside(fileSystem, directory, parent);
    // Whoever puts a link there between the two calls gets the file into what it leads to; nothing is overwritten by the check alone.
    if (!(await fileSystem.realPath(parent)).equals(parent))
      throw new Problem({ finding: 'in-the-way', message: 'a directory on the way is a link' });
    await fileSystem.rename(temporaryPath, this.#target);
    await fileSystem.syncDirectory(parent);
  }

  async #sum(path: FsPath): Promise<Sums> {
    const found = await this.#sumIfThere(path);
    if (found === null)
      throw new Problem({ finding: 'in-the-way', message: 'the file in its place went away' });
    return { ...found.sums, sha256: found.hash.digest('hex') };
  }

  async #sumIfThere(path: FsPath): Promise<{ sums: Sums; hash: ReturnType<typeof createHash> } | null> {
    const { fileSystem, signal } = this.#context;
    try {
      const file = await fileSystem.openForReading(path);
      try {
        const hash = createHash('sha256');
        const sums = { sizeBytes: 0, crc32: 0, sha256: '' };
        const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
        for (;;) {
          signal?.throwIfAborted();
          const count = await file.read(buffer, sums.sizeBytes);
          if (count === 0) return { sums, hash };
          const bytes = buffer.subarray(0, count);
          sums.crc32 = crc32(bytes, sums.crc32);
          hash.update(bytes);
          sums.sizeBytes += count;
        }
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  }
}

function isWanted(found: Sums, wanted: Wanted): boolean {
  if (found.sizeBytes !== wanted.sizeBytes) return false;
  if (wanted.crc32 !== null && found.crc32 !== wanted.crc32) return false;
  return wanted.sha256 === null || found.sha256 === wanted.sha256;
}

/** Makes the directories between two, none of which may be anything but a directory. */
async function makeInside(fileSystem: FileSystem, outer: Buffer, inner: Buffer): Promise<void> {
  if (inner.length <= outer.length) return;
  await makeInside(fileSystem, outer, inner.subarray(0, inner.lastIndexOf(0x2f)));
  try {
    await fileSystem.makeDirectory(inner, DIRECTORY_MODE);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    const { kind } = await fileSystem.lstat(inner);
    if (kind !== 'directory')
      throw new Problem({ finding: 'in-the-way', message: `there is a ${kind} where a directory is to be` });
  }
}
