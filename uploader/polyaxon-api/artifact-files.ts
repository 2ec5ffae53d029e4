/**
 * Downloads artifacts of a run to local files, and uploads local files as artifacts. Files are transferred one at a time.
 *
 * A download is written beside its target and renamed, so that a target is whole or absent.
 */

import { dirname, join } from 'node:path';
import { InvalidArgumentError, messageOf } from '../../src/base/errors.js';
import { makeDirectories } from '../base/io/make-directories.js';
import { nodeFileSystem } from '../base/io/node-file-system.js';
import { removeFile } from '../base/io/whole-file.js';
import { PolyaxonApiError } from './api-error.js';
import type { CallOptions, PolyaxonClient } from './client.js';
import type { RunRef } from './types.js';

const CHUNK_BYTES = 256 * 1024;
/** No upload creates a deeper tree. A server may return a directory inside itself, without end. */
const MAX_DEPTH = 100;

interface Transfer extends CallOptions {
  readonly client: PolyaxonClient;
  readonly ref: RunRef;
}

export async function readBytes(path: string, { client, ref, signal }: Transfer): Promise<Uint8Array | null> {
  const bytes = await client.readArtifact(ref, path, { signal });
  if (bytes === null) return null;
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Returns false if the artifact does not exist. */
export async function downloadFile(
  path: string,
  target: string,
  { client, ref, signal }: Transfer,
  sizeBytes?: number,
): Promise<boolean> {
  const bytes = await client.readArtifact(ref, path, { signal });
  if (bytes === null) return false;
  const partial = `${target}.partial`;
  await makeDirectories(nodeFileSystem, dirname(target), 0o755);
  await removeFile(nodeFileSystem, partial);
  const file = await nodeFileSystem.openForWriting(partial, 'create', 0o644);
  let found = 0;
  try {
    for await (const piece of bytes) {
      await file.append(piece);
      found += piece.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  if (sizeBytes !== undefined && found < sizeBytes)
    throw new PolyaxonApiError(
      'ERR_API_SERVER',
      `read ${ref.uuid}/${path}: received ${found} of ${sizeBytes} bytes`,
    );
  await nodeFileSystem.rename(partial, target);
  return true;
}

/** Downloads a directory, or a single file, into `target`. Returns the paths of the artifacts; null if the path does not exist. */
export async function downloadTree(
  path: string,
  target: string,
  transfer: Transfer,
  depth = 0,
): Promise<string[] | null> {
  const { client, ref, signal } = transfer;
  const tree = await client.getTree(ref, path, { signal });
  if (tree === null) return null;
  if (depth > MAX_DEPTH)
    throw new PolyaxonApiError('ERR_API_SERVER', `list ${ref.uuid}/${path}: the tree does not end`);
  const paths: string[] = [];
  for (const [name, sizeBytes] of Object.entries(tree.files)) {
    const below = toPath(path, checkName(name));
    const local = join(target, name);
    if (await downloadFile(below, local, transfer, sizeBytes)) paths.push(below);
    // The path of a file lists that file.
    else if (path.split('/').at(-1) === name && (await downloadFile(path, local, transfer, sizeBytes)))
      paths.push(path);
  }
  for (const name of tree.directories) {
    const below = await downloadTree(toPath(path, checkName(name)), join(target, name), transfer, depth + 1);
    for (const each of below ?? []) paths.push(each);
  }
  return paths;
}

export async function uploadFile(localPath: string, path: string, transfer: Transfer): Promise<void> {
  const { client, ref, signal } = transfer;
  const file = await nodeFileSystem.openForReading(localPath).catch((error: unknown) => {
    throw unreadable(localPath, error);
  });
  try {
    const { kind, sizeBytes } = await file.stat();
    if (kind !== 'file') throw unreadable(localPath, new Error('it is not a file'));
    const chunks = async function* () {
      for (let position = 0; position < sizeBytes; ) {
        const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, sizeBytes - position));
        const count = await file.read(buffer, position);
        if (count === 0) throw unreadable(localPath, new Error('it became shorter while it was read'));
        position += count;
        yield buffer.subarray(0, count);
      }
    };
    await client.uploadArtifact(ref, path, { sizeBytes, chunks }, { signal });
  } finally {
    await file.close();
  }
}

/** Uploads the files of a directory, except links and a `.plx` directory in it. Returns their paths in the run. */
export async function uploadTree(
  localPath: string,
  path: string,
  transfer: Transfer,
  skipped: readonly string[] = ['.plx'],
): Promise<string[]> {
  const names = await nodeFileSystem.readDirectory(localPath).catch((error: unknown) => {
    throw unreadable(localPath, error);
  });
  const paths: string[] = [];
  for (const name of names.map(String).sort()) {
    if (skipped.includes(name)) continue;
    const [local, below] = [join(localPath, name), toPath(path, name)];
    const { kind } = await nodeFileSystem.lstat(local);
    if (kind === 'directory') {
      for (const each of await uploadTree(local, below, transfer, [])) paths.push(each);
    } else if (kind === 'file') {
      await uploadFile(local, below, transfer);
      paths.push(below);
    }
  }
  return paths;
}

export function toPath(directory: string, name: string): string {
  const parent = directory.replace(/\/+$/, '');
  return parent === '' ? name : `${parent}/${name}`;
}

/** A server must not write outside of the target. */
function checkName(name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name))
    throw new PolyaxonApiError(
      'ERR_API_SERVER',
      `the server lists ${JSON.stringify(name)}, expected the name of a file`,
    );
  return name;
}

function unreadable(path: string, cause: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_ARTIFACT_INVALID',
    `${path} cannot be uploaded: ${messageOf(cause)}`,
    'Pass the path of an existing file or directory.',
    { cause },
  );
}
