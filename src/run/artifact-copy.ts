/**
 * Copies a file into the run directory, whole or not at all, and hashes it on the way.
 */

import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { toPartialPath } from '../atomic-file.js';
import { InvalidArgumentError, messageOf, RunWriteError } from '../errors.js';

/** What was copied. */
export interface CopiedFile {
  readonly sizeBytes: number;
  /** SHA-256 of the content, in hex. */
  readonly sha256: string;
}

/** Checks that `path` is a file that can be logged. Throws `ERR_ARTIFACT_INVALID`. */
export async function checkArtifactFile(path: string): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw invalid(`${path}: ${messageOf(cause)}`, { cause });
  });
  if (!found.isFile())
    throw invalid(`${path} is ${found.isDirectory() ? 'a directory' : 'not a regular file'}`);
}

/** Copies `source` to `target`, over an older copy if there is one. Throws `RunWriteError`. */
export async function copyFileWhole(source: string, target: string): Promise<CopiedFile> {
  const partial = toPartialPath(target);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  try {
    await mkdir(dirname(target), { recursive: true });
    await pipeline(createReadStream(source), tap, createWriteStream(partial, { flags: 'wx', mode: 0o644 }));
    await rename(partial, target);
  } catch (cause) {
    await rm(partial, { force: true });
    throw new RunWriteError(target, `copy ${source}`, { cause });
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

function invalid(message: string, options?: ErrorOptions): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_ARTIFACT_INVALID',
    message,
    'Pass the path of an existing file.',
    options,
  );
}
