/**
 * Deletes the verified files of a run, one at a time. Each file is moved aside first: what can still change its fate, a writer that starts or a
 * store that turns out to be the same directory, is checked while the file can be moved back.
 *
 * The marker is written before the first file is deleted. On a full disk it is empty, and completed once a file was deleted.
 */

import { messageOf } from '../../../src/base/errors.js';
import { CONTINUED_FILES, PROCESS_DIRECTORY } from '../../../src/run-directory/layout.js';
import type { FileStat, FileSystem } from '../../base/io/file-system.js';
import { type FileVersion, isSameVersion } from '../../base/io/file-version.js';
import { isAbsent, isDiskFull, isLinkUnsupported, systemErrorCode } from '../../base/io/system-error.js';
import { removeFile } from '../../base/io/whole-file.js';
import { joinNames } from '../../base/join-path.js';
import {
  type CleanedMarker,
  findCleanedMarker,
  toMarkerPath,
  writeCleanedMarker,
  writeEmptyMarker,
} from '../../run-directory/cleaned-marker.js';
import { listProcessFiles } from '../../run-directory/run-files.js';
import { makeProcessDirectory } from '../../run-directory/run-lock.js';
import type { VerifiedFile } from '../verify/verify-run.js';
import { findUnsafe, removeProcessDirectory } from './process-directory.js';

export interface DeleteRunOptions {
  readonly files: readonly VerifiedFile[];
  readonly marker: Pick<CleanedMarker, 'run' | 'store' | 'storeId' | 'manifest' | 'at' | 'digests'>;
  /** Also delete the run file and the directory, unless other files remain in it. */
  readonly isAll: boolean;
  /** Returns why the deletion must stop, or null. Called before each file is deleted. */
  readonly findObstacle: () => Promise<string | null>;
  /** Returns why the object of a file, which was moved aside if possible, does not prove that the file is stored elsewhere, or null. */
  readonly findDoubt: (file: VerifiedFile, stat: FileStat) => Promise<string | null>;
  /** Inodes of which another name was deleted since the verification, which changes their ctime. */
  readonly touched: ReadonlySet<bigint>;
  readonly signal?: AbortSignal | undefined;
}

export interface DeletedRun {
  readonly files: number;
  readonly bytes: number;
  /** Why the deletion stopped early; null when it finished. If files were deleted, the marker stays. */
  readonly failure: { readonly path: string; readonly reason: string } | null;
  /** Paths that stay although the whole run was to be deleted: they were neither stored nor merged. */
  readonly kept: readonly string[];
}

const ASIDE = /^aside-[0-9a-f]+\.partial$/;
const INTERRUPTED = 'the command was interrupted';

/** Deletes the files. A second call with the remaining files finishes an interrupted one. Rejects only for a bug in this program. */
export function deleteRun(
  fileSystem: FileSystem,
  directory: Buffer,
  options: DeleteRunOptions,
): Promise<DeletedRun> {
  return new Deletion(fileSystem, directory, options).run();
}

/** Files that an interrupted deletion has moved aside. */
export async function listAside(fileSystem: FileSystem, directory: Buffer): Promise<Buffer[]> {
  const names = await listProcessFiles(fileSystem, directory);
  return names
    .filter((name) => ASIDE.test(name))
    .map((name) => joinNames(directory, PROCESS_DIRECTORY, name));
}

class Deletion {
  readonly #fileSystem: FileSystem;
  readonly #directory: Buffer;
  readonly #options: DeleteRunOptions;
  readonly #aside: Buffer;
  readonly #done = { files: 0, bytes: 0 };
  readonly #parents = new Set<string>();
  /** Inodes of which one name was moved or deleted, which changes the ctime of their other names. */
  readonly #touched: Set<bigint>;
  #isMarked = false;

  constructor(fileSystem: FileSystem, directory: Buffer, options: DeleteRunOptions) {
    this.#fileSystem = fileSystem;
    this.#directory = directory;
    this.#options = options;
    this.#touched = new Set(options.touched);
    const name = `aside-${Date.parse(options.marker.at).toString(16)}.partial`;
    this.#aside = joinNames(directory, PROCESS_DIRECTORY, name);
  }

  async run(): Promise<DeletedRun> {
    const { files, isAll, signal } = this.#options;
    const before = await findCleanedMarker(this.#fileSystem, this.#directory);
    try {
      await this.#mark('cleaning');
      for (const file of files) {
        if (CONTINUED_FILES.includes(file.path)) continue;
        const reason = signal?.aborted === true ? INTERRUPTED : await this.#delete(file);
        if (reason !== null) return await this.#stop(file.path, reason, before);
      }
      await removeEmpty(this.#fileSystem, this.#parents);
      const kept = isAll ? await findUnsafe(this.#fileSystem, this.#directory, files) : [];
      if (isAll && kept.length === 0) return await this.#deleteAll();
      await this.#mark('cleaned');
      return this.#result(null, kept);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      return this.#result({ path: PROCESS_DIRECTORY, reason: `not writable: ${messageOf(error)}` });
    }
  }

  async #deleteAll(): Promise<DeletedRun> {
    const { files, findObstacle } = this.#options;
    // The run file comes last, because its absence would look like the start of a writer.
    for (const file of CONTINUED_FILES.flatMap((name) => files.filter(({ path }) => path === name))) {
      const reason = (await findObstacle()) ?? (await this.#unlink(file));
      if (reason !== null) return this.#result({ path: file.path, reason });
      this.#count(file);
    }
    await removeProcessDirectory(this.#fileSystem, this.#directory);
    return this.#result(null);
  }

  /** Returns null once the file is deleted, else the reason why it was not. */
  async #delete(file: VerifiedFile): Promise<string | null> {
    try {
      const reason = (await this.#findChange(file)) ?? (await this.#options.findObstacle());
      if (reason !== null) return reason;
      const isAside = await this.#moveAside(file);
      if (isAside) {
        const doubt = await this.#findReason(file).catch(messageOf);
        if (doubt !== null) return await this.#moveBack(file, doubt);
        await this.#fileSystem.unlink(this.#aside);
      } else {
        const found = await this.#fileSystem.lstat(file.localPath);
        const doubt = (await this.#options.findDoubt(file, found)) ?? (await this.#findChange(file));
        if (doubt !== null) return doubt;
        await this.#fileSystem.unlink(file.localPath);
      }
      this.#count(file);
      addParents(this.#parents, file.localPath, this.#directory);
      if (!this.#isMarked) await this.#mark('cleaning');
      return null;
    } catch (error) {
      return isAbsent(error) ? null : `the file cannot be deleted: ${messageOf(error)}`;
    }
  }

  /** Returns false if the file cannot be moved: on a full disk without `.plx/`, or if that is another file system. */
  async #moveAside(file: VerifiedFile): Promise<boolean> {
    this.#touched.add(file.version.ino);
    try {
      await this.#fileSystem.rename(file.localPath, this.#aside);
      return true;
    } catch (error) {
      if (isDiskFull(error) || systemErrorCode(error) === 'EXDEV') return false;
      if (isAbsent(error) && !this.#isMarked) return false;
      throw error;
    }
  }

  /** Returns why a file that was moved aside must be moved back, or null. */
  async #findReason(file: VerifiedFile): Promise<string | null> {
    const found = await this.#fileSystem.lstat(this.#aside);
    if (!isSameVersion(found, { ...file.version, ctimeNs: found.ctimeNs })) return CHANGED;
    return (await this.#options.findObstacle()) ?? (await this.#options.findDoubt(file, found));
  }

  /** Never replaces a file that has taken the name in the meantime. */
  async #moveBack({ localPath }: VerifiedFile, reason: string): Promise<string> {
    try {
      await this.#fileSystem.link(this.#aside, localPath);
      await this.#fileSystem.unlink(this.#aside);
      return reason;
    } catch (error) {
      if (isLinkUnsupported(error) && (await isFree(this.#fileSystem, localPath))) {
        await this.#fileSystem.rename(this.#aside, localPath);
        return reason;
      }
      return `${reason}; its former content is in ${this.#aside.toString()}: ${messageOf(error)}`;
    }
  }

  async #findChange({ localPath, version }: VerifiedFile): Promise<string | null> {
    const parent = parentOf(localPath);
    if (!(await this.#fileSystem.realPath(parent)).equals(parent))
      return 'a parent directory has become a link';
    const found: FileStat = await this.#fileSystem.lstat(localPath);
    const expected: FileVersion = this.#touched.has(found.ino)
      ? { ...version, ctimeNs: found.ctimeNs }
      : version;
    return found.kind === 'file' && isSameVersion(found, expected) ? null : CHANGED;
  }

  async #unlink(file: VerifiedFile): Promise<string | null> {
    try {
      const reason = await this.#findChange(file);
      if (reason === null) await this.#fileSystem.unlink(file.localPath);
      return reason;
    } catch (error) {
      return isAbsent(error) ? null : `the file cannot be deleted: ${messageOf(error)}`;
    }
  }

  #count(file: VerifiedFile): void {
    this.#done.files += 1;
    this.#done.bytes += file.version.sizeBytes;
  }

  /** On a full disk, an empty marker takes its place until a file is deleted. */
  async #mark(state: CleanedMarker['state']): Promise<void> {
    const marker = { version: 1, state, ...this.#options.marker, ...this.#done } as const;
    try {
      await makeProcessDirectory(this.#fileSystem, this.#directory);
      await writeCleanedMarker(this.#fileSystem, this.#directory, marker);
      this.#isMarked = true;
    } catch (error) {
      if (state !== 'cleaning' || !isDiskFull(error)) throw error;
      await writeEmptyMarker(this.#fileSystem, this.#directory);
    }
  }

  /** Ends the deletion early. If nothing was deleted, the run is as it was before. */
  async #stop(path: string, reason: string, before: CleanedMarker | null): Promise<DeletedRun> {
    if (this.#done.files === 0) {
      if (before !== null) await writeCleanedMarker(this.#fileSystem, this.#directory, before);
      else await removeFile(this.#fileSystem, toMarkerPath(this.#directory));
    } else await this.#mark('cleaning');
    return this.#result({ path, reason });
  }

  #result(failure: DeletedRun['failure'], kept: readonly string[] = []): DeletedRun {
    return { ...this.#done, failure, kept };
  }
}

const CHANGED = 'the file has changed since it was verified';

async function isFree(fileSystem: FileSystem, path: Buffer): Promise<boolean> {
  return fileSystem.lstat(path).then(() => false, isAbsent);
}

function addParents(parents: Set<string>, path: Buffer, directory: Buffer): void {
  for (let each = parentOf(path); each.length > directory.length; each = parentOf(each))
    parents.add(each.toString('latin1'));
}

function parentOf(path: Buffer): Buffer {
  return path.subarray(0, path.lastIndexOf(0x2f));
}

/** Removes the directories that have become empty, innermost first. */
async function removeEmpty(fileSystem: FileSystem, parents: ReadonlySet<string>): Promise<void> {
  const ordered = [...parents].sort((a, b) => b.length - a.length);
  for (const path of ordered)
    try {
      await fileSystem.removeDirectory(Buffer.from(path, 'latin1'));
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error; // else: it still holds excluded files
    }
}
