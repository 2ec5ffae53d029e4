/**
 * Downloads one file of a run: to a temporary file, which is compared with every known checksum and then renamed. An interrupted download
 * resumes where it stopped, if the object has not changed.
 */

import { createHash } from 'node:crypto';
import { messageOf } from '../../../src/base/errors.js';
import type { FileSystem } from '../../base/io/file-system.js';
import { type Sums, sumFile } from '../../base/io/sum-file.js';
import { isAbsent, systemErrorCode } from '../../base/io/system-error.js';
import { removeFile } from '../../base/io/whole-file.js';
import { joinPath } from '../../base/join-path.js';
import { toPathBytes } from '../../base/rel-path.js';
import { joinSegments } from '../../pipeline/commit/segments.js';
import type { ManifestLine } from '../../pipeline/manifest/manifest.js';
import { combineCrc32 } from '../../store/base/crc32-combine.js';
import type { PlannedFile } from './pull-plan.js';
import type { PullProblem } from './pull-report.js';
import { PullFailure, type ReceiveContext, type ReceivedPiece, receive } from './receive.js';

export interface PullContext extends ReceiveContext {
  /** The run's directory, with all links resolved. */
  readonly directory: Buffer;
  /** The directory for incomplete files, inside the run. */
  readonly temporaryDirectory: string;
  /** Whether to replace local files that differ. */
  readonly overwrites: boolean;
  /** Throws `PullFailure` when the run is no longer held for this pull. */
  readonly checkHold: () => Promise<void>;
}

type PulledFile =
  | { readonly status: 'pulled' | 'present'; readonly bytes: number; readonly isVerified: boolean }
  | { readonly status: 'problem'; readonly problem: PullProblem };

const DIRECTORY_MODE = 0o755;
const IN_THE_WAY = 'a different local file exists; use --overwrite to replace it';

interface Wanted {
  readonly pieces: readonly ReceivedPiece[];
  readonly sizeBytes: number;
  readonly crc32: number | null;
  readonly sha256: string | null;
  readonly etag: string;
}

/** Pulls a file. Rejects only when the signal is aborted, or for a bug in this program. */
export async function pullFile(
  planned: PlannedFile,
  line: ManifestLine | undefined,
  context: PullContext,
): Promise<PulledFile> {
  const { path } = planned;
  try {
    return await new FilePull(planned, line, context).run();
  } catch (error) {
    if (error instanceof PullFailure) {
      const { finding, message, error: cause } = error;
      return { status: 'problem', problem: { path, finding, message, error: cause } };
    }
    if (context.signal?.aborted === true || systemErrorCode(error) === undefined) throw error;
    const problem = { path, finding: 'unwritable', message: messageOf(error), error: null } as const;
    return { status: 'problem', problem };
  }
}

class FilePull {
  readonly #planned: PlannedFile;
  readonly #line: ManifestLine | undefined;
  readonly #context: PullContext;
  readonly #target: Buffer;

  constructor(planned: PlannedFile, line: ManifestLine | undefined, context: PullContext) {
    this.#planned = planned;
    this.#line = line;
    this.#context = context;
    this.#target = joinPath(context.directory, [toPathBytes(planned.target)]);
  }

  async run(): Promise<PulledFile> {
    const { fileSystem, overwrites } = this.#context;
    const wanted = await this.#findWanted();
    const isVerified = wanted.crc32 !== null;
    const found = await this.#targetSize();
    if (found !== null && isVerified && found === wanted.sizeBytes) {
      const sums = await this.#sumTarget();
      if (isWanted(sums, wanted)) return { status: 'present', bytes: 0, isVerified };
    }
    if (found !== null && isVerified && !overwrites) throw new PullFailure('in-the-way', IN_THE_WAY);
    const name = createHash('sha256').update(`${this.#planned.path}\0${wanted.etag}\0${wanted.sizeBytes}`);
    const temporaryPath = `${this.#context.temporaryDirectory}/${name.digest('hex').slice(0, 32)}.partial`;
    // Without a checksum, nothing proves that the bytes of an interrupted pull are right.
    if (!isVerified) await removeFile(fileSystem, temporaryPath);
    let { sums, resumedBytes, receivedBytes } = await receive(temporaryPath, wanted, this.#context);
    if (resumedBytes > 0 && !isWanted(sums, wanted)) {
      await fileSystem.unlink(temporaryPath);
      ({ sums, receivedBytes } = await receive(temporaryPath, wanted, this.#context));
    }
    if (!isWanted(sums, wanted)) {
      await fileSystem.unlink(temporaryPath);
      throw new PullFailure('damaged', 'the received bytes do not match the checksum');
    }
    if (!isVerified) await this.#requireSameObject(wanted.etag, temporaryPath);
    if (found !== null && !isVerified && !overwrites) {
      const present = await this.#sumTarget();
      await fileSystem.unlink(temporaryPath);
      if (present.sha256 === sums.sha256) return { status: 'present', bytes: receivedBytes, isVerified };
      throw new PullFailure('in-the-way', IN_THE_WAY);
    }
    await this.#publish(temporaryPath);
    return { status: 'pulled', bytes: receivedBytes, isVerified };
  }

  /** The expected size and checksums of the file, from the store and the manifest. */
  async #findWanted(): Promise<Wanted> {
    const { key } = this.#planned.object;
    const head = await this.#head(key);
    const line = this.#line?.etag === head.etag ? this.#line : undefined;
    let crc = head.crc32 ?? line?.crc32 ?? null;
    let sizeBytes = head.sizeBytes;
    const pieces: ReceivedPiece[] = [{ key, start: 0, end: sizeBytes }];
    const tails = joinSegments(this.#planned.segments, sizeBytes, head.generation);
    for (const { object, skip, end } of tails) {
      const tail = await this.#head(object.key);
      // The CRC-32 of a part of a segment is unknown.
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
    const { store, retryPolicy, signal } = this.#context;
    const found = await retryPolicy.withRetry(`check ${key}`, () => store.head(key, signal), { signal });
    if (found.status === 'absent') throw new PullFailure('missing', 'the object no longer exists');
    if (found.status === 'failed') throw new PullFailure('unreadable', found.error.message, found.error);
    return found.object;
  }

  /** Without a checksum, the only check is that the object was the same before and after the download. */
  async #requireSameObject(etag: string, temporaryPath: string): Promise<void> {
    if ((await this.#head(this.#planned.object.key)).etag === etag) return;
    await this.#context.fileSystem.unlink(temporaryPath);
    throw new PullFailure('damaged', 'the object was replaced during the download; pull again');
  }

  /** The size of the local file; null when none exists. */
  async #targetSize(): Promise<number | null> {
    try {
      const { kind, sizeBytes } = await this.#context.fileSystem.lstat(this.#target);
      if (kind === 'file') return sizeBytes;
      throw new PullFailure('in-the-way', `a ${kind} exists at its path`);
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  }

  async #sumTarget(): Promise<Sums> {
    const sums = await sumFile(this.#context.fileSystem, this.#target, this.#context.signal);
    if (sums !== null) return sums;
    throw new PullFailure('in-the-way', 'the local file was deleted during the pull');
  }

  async #publish(temporaryPath: string): Promise<void> {
    const { fileSystem, directory } = this.#context;
    const parent = this.#target.subarray(0, this.#target.lastIndexOf(0x2f));
    await makeInside(fileSystem, directory, parent);
    // A link created between this check and the rename would redirect the file; the check cannot exclude that race.
    if (!(await fileSystem.realPath(parent)).equals(parent))
      throw new PullFailure('in-the-way', 'a parent directory is a link');
    await this.#context.checkHold();
    await fileSystem.rename(temporaryPath, this.#target);
    await fileSystem.syncDirectory(parent);
  }
}

function isWanted(found: Sums, wanted: Wanted): boolean {
  if (found.sizeBytes !== wanted.sizeBytes) return false;
  if (wanted.crc32 !== null && found.crc32 !== wanted.crc32) return false;
  return wanted.sha256 === null || found.sha256 === wanted.sha256;
}

/** Creates the directories from `outer` down to `inner`. Throws `PullFailure` when something else has the name of one. */
async function makeInside(fileSystem: FileSystem, outer: Buffer, inner: Buffer): Promise<void> {
  if (inner.length <= outer.length) return;
  await makeInside(fileSystem, outer, inner.subarray(0, inner.lastIndexOf(0x2f)));
  try {
    await fileSystem.makeDirectory(inner, DIRECTORY_MODE);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    const { kind } = await fileSystem.lstat(inner);
    if (kind !== 'directory')
      throw new PullFailure('in-the-way', `a ${kind} exists where a directory is needed`);
  }
}
