/**
 * Checks files and directories that callers log, and hashes them while copying. A copy is complete or absent.
 */

import { createHash } from 'node:crypto';
import { constants, createReadStream, createWriteStream } from 'node:fs';
import { copyFile, link, mkdir, open, opendir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { toPartialPath } from '../base/atomic-file.js';
import { describe, shorten } from '../base/describe.js';
import { InvalidArgumentError, messageOf, RunWriteError } from '../base/errors.js';

/** Larger directories are rejected: logging one is probably an accident. */
const LIMITS = { files: 100_000, bytes: 64 * 1024 ** 3 };

/** A file or a directory that can be logged. */
export interface ArtifactFiles {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly sizeBytes: number;
  /** Regular files below a directory, as sorted relative paths. Empty for a file. */
  readonly files: readonly string[];
  /** Links, sockets and devices below a directory, as relative paths. They are not copied. */
  readonly leftOut: readonly string[];
}

/**
 * Checks a path before it is logged to the run at `runDirectory`. Throws `ERR_ARTIFACT_INVALID`, also for a directory that contains the
 * run directory, and `ERR_ARTIFACT_TOO_LARGE`.
 */
export async function inspectArtifact(
  path: unknown,
  runDirectory: string,
  limits = LIMITS,
): Promise<ArtifactFiles> {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw invalid(`path is ${describe(path)}, expected the path of a file or a directory`);
  }
  const found = await stat(path).catch((cause: unknown) => {
    throw invalid(`${shorten(path)}: ${shorten(messageOf(cause), 200)}`, { cause });
  });
  if (found.isFile()) return { path, isDirectory: false, sizeBytes: found.size, files: [], leftOut: [] };
  if (found.isDirectory()) {
    if (holds(path, runDirectory)) throw invalid(`${path} contains the run directory`);
    return listDirectory(path, limits);
  }
  throw invalid(`${path} is neither a regular file nor a directory`);
}

function holds(directory: string, path: string): boolean {
  const inside = relative(directory, path);
  return !inside.startsWith('..') && !isAbsolute(inside);
}

async function listDirectory(path: string, limits: typeof LIMITS): Promise<ArtifactFiles> {
  const files: string[] = [];
  const leftOut: string[] = [];
  let sizeBytes = 0;
  const directories = [path];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for await (const entry of await opendir(directory)) {
      const entryPath = join(directory, entry.name);
      if (entry.isDirectory()) directories.push(entryPath);
      else if (entry.isFile()) {
        files.push(relative(path, entryPath));
        sizeBytes += (await stat(entryPath)).size;
      } else leftOut.push(relative(path, entryPath));
      if (files.length > limits.files || sizeBytes > limits.bytes) throw tooLarge(path, limits);
    }
  }
  return { path, isDirectory: true, sizeBytes, files: files.sort(), leftOut };
}

/**
 * Copies files to `target`, replaces an older copy, and returns the SHA-256 in hex. The hash of a directory is that of its sorted lines
 * `<path>` NUL `<SHA-256>` LF. Returns undefined without `hash`. Throws `RunWriteError`.
 */
export async function copyArtifact(
  artifact: ArtifactFiles,
  target: string,
  options: { readonly hash: boolean },
): Promise<string | undefined> {
  const publish = artifact.isDirectory ? replaceDirectory : rename;
  return copyThenPublish(artifact, target, options, publish);
}

/**
 * Copies files to a path that no other call or process uses: `<stem><extension>` in the directory, then with `-2`, `-3`, … before the
 * extension. Returns the path. Throws `RunWriteError`.
 */
export async function copyToFreePath(
  artifact: ArtifactFiles,
  directory: string,
  stem: string,
  extension: string,
): Promise<string> {
  let target = '';
  const publish = artifact.isDirectory ? claimDirectory : claimFile;
  await copyThenPublish(
    artifact,
    join(directory, `${stem}${extension}`),
    { hash: false },
    async (partial) => {
      for (let count = 1; ; count++) {
        target = join(directory, `${stem}${count === 1 ? '' : `-${count}`}${extension}`);
        if (await publish(partial, target)) return;
      }
    },
  );
  return target;
}

async function copyThenPublish(
  artifact: ArtifactFiles,
  target: string,
  options: { readonly hash: boolean },
  publish: (partial: string, target: string) => Promise<void>,
): Promise<string | undefined> {
  const partial = toPartialPath(target);
  try {
    await mkdir(dirname(target), { recursive: true });
    const hash = artifact.isDirectory
      ? await copyDirectory(artifact, partial, options)
      : await copyOne(artifact.path, partial, options);
    await publish(partial, target);
    return hash;
  } catch (cause) {
    await rm(partial, { force: true, recursive: true });
    throw new RunWriteError(target, `copy ${artifact.path}`, { cause });
  }
}

/** Gives a file a name that must be free. Returns false if it is not. */
async function claimFile(partial: string, target: string): Promise<boolean> {
  try {
    await link(partial, target);
    await rm(partial);
  } catch (error) {
    if (isTaken(error)) return false;
    // A file system without hard links: claim the name with an empty file.
    const claim = await open(target, 'wx').catch((cause: unknown) => {
      if (isTaken(cause)) return undefined;
      throw cause;
    });
    if (claim === undefined) return false;
    await claim.close();
    await rename(partial, target);
  }
  return true;
}

/** Gives a directory a name that must be free: creates it, and replaces the empty directory. Returns false if it is not free. */
async function claimDirectory(partial: string, target: string): Promise<boolean> {
  try {
    await mkdir(target);
  } catch (error) {
    if (isTaken(error)) return false;
    throw error;
  }
  if (process.platform === 'win32') await rmdir(target);
  await rename(partial, target);
  return true;
}

function isTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EEXIST';
}

/** Returns the same SHA-256 as `copyArtifact` without copying. Lets file system errors pass. */
export async function hashArtifact({ path, isDirectory, files }: ArtifactFiles): Promise<string> {
  if (!isDirectory) return hashFile(path);
  const hash = createHash('sha256');
  for (const file of files) hash.update(toHashLine(file, await hashFile(join(path, file))));
  return hash.digest('hex');
}

async function copyDirectory(
  { path, files }: ArtifactFiles,
  target: string,
  options: { readonly hash: boolean },
): Promise<string | undefined> {
  const hash = createHash('sha256');
  await mkdir(target, { recursive: true });
  for (const file of files) {
    const copy = join(target, file);
    await mkdir(dirname(copy), { recursive: true });
    const fileHash = await copyOne(join(path, file), copy, options);
    if (fileHash !== undefined) hash.update(toHashLine(file, fileHash));
  }
  return options.hash ? hash.digest('hex') : undefined;
}

/** Renames the older directory first, because a directory cannot be renamed over one that is not empty. */
async function replaceDirectory(partial: string, target: string): Promise<void> {
  const older = toPartialPath(target);
  const hadOlder = await rename(target, older).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  await rename(partial, target);
  if (hadOlder) await rm(older, { recursive: true, force: true });
}

async function copyOne(
  source: string,
  target: string,
  options: { readonly hash: boolean },
): Promise<string | undefined> {
  if (!options.hash) {
    await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return undefined;
  }
  const hash = createHash('sha256');
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(createReadStream(source), tap, createWriteStream(target, { flags: 'wx', mode: 0o644 }));
  return hash.digest('hex');
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function toHashLine(file: string, hash: string): string {
  return `${file.replaceAll(sep, '/')}\0${hash}\n`;
}

function tooLarge(path: string, limits: typeof LIMITS): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_ARTIFACT_TOO_LARGE',
    `${path} has more than ${limits.files} files or ${limits.bytes} bytes`,
    'Log a smaller directory, or record only its location with logDirRef(path, { skipHash: true }).',
  );
}

function invalid(message: string, options?: ErrorOptions): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_ARTIFACT_INVALID',
    message,
    'Pass the path of an existing file or directory.',
    options,
  );
}
