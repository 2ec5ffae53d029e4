/** Implements `FileSystem` with Node.js. */

import { constants, lstatSync, readdirSync } from 'node:fs';
import {
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rmdir,
  statfs,
  unlink,
} from 'node:fs/promises';
import type { FileStat, FileSystem, FsPath } from './file-system.js';
import {
  NodeReadableFile,
  NodeUpdatableFile,
  NodeWritableFile,
  openNodeFile,
  quickCalls,
  toFileStat,
} from './node-files.js';
import { systemErrorCode } from './system-error.js';

/** Windows has neither flag and needs neither: it has no FIFOs in directories, and no links that an open would follow. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const UPDATE_FLAGS = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export const nodeFileSystem: FileSystem = {
  readDirectory: (path) =>
    quickCalls.run(
      () => readdirSync(path, { encoding: 'buffer' }),
      () => readdir(path, { encoding: 'buffer' }),
    ),
  lstat: lstatQuick,
  lstatAll,
  openForReading: (path) => openNodeFile(path, READ_FLAGS, NodeReadableFile),
  openForWriting: async (path, how, mode) =>
    new NodeWritableFile(await open(path, how === 'create' ? 'wx' : 'a', mode)),
  openForUpdate: (path) => openNodeFile(path, UPDATE_FLAGS, NodeUpdatableFile),
  link,
  rename,
  unlink,
  removeDirectory: (path) => rmdir(path),
  freeBytes: async (path) => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
  fileSystemType: async (path) => (await statfs(path)).type,
  makeDirectory: async (path, mode) => {
    await mkdir(path, { mode });
  },
  syncDirectory,
  realPath: (path) => realpath(path, { encoding: 'buffer' }),
  readLink: (path) => readlink(path, { encoding: 'buffer' }),
};

/** The number of paths that are read without yielding to the event loop. */
const LSTAT_BATCH = 256;
/** A slower lstat waits for a disk or a network and must not block the event loop. */
const QUICK_LSTAT_MS = 0.05;
let lstatMs = 0;

/**
 * On a local disk, a synchronous lstat takes 3 to 4 µs and an asynchronous one 15 µs, mostly for Node's threads. This is the idle cost
 * of watching 100,000 files. The first call of each batch may be asynchronous, so that an unreachable network does not block.
 */
async function lstatAll(paths: readonly FsPath[]): Promise<(FileStat | Error)[]> {
  const stats: (FileStat | Error)[] = [];
  for (let start = 0; start < paths.length; start += LSTAT_BATCH) {
    const [first, ...rest] = paths.slice(start, start + LSTAT_BATCH);
    stats.push(await lstatQuick(first!).catch(asError));
    const startMs = performance.now();
    const found =
      lstatMs < QUICK_LSTAT_MS ? rest.map(lstatSyncOrError) : await Promise.all(rest.map(lstatOrError));
    for (const stat of found) stats.push(stat);
    lstatMs = (performance.now() - startMs) / Math.max(1, rest.length);
  }
  return stats;
}

async function lstatQuick(path: FsPath): Promise<FileStat> {
  const stat = await quickCalls.run(
    () => lstatSync(path, { bigint: true }),
    () => lstat(path, { bigint: true }),
  );
  return toFileStat(stat);
}

function lstatOrError(path: FsPath): Promise<FileStat | Error> {
  return lstat(path, { bigint: true }).then(toFileStat, asError);
}

function lstatSyncOrError(path: FsPath): FileStat | Error {
  try {
    return toFileStat(lstatSync(path, { bigint: true }));
  } catch (error) {
    return asError(error);
  }
}

/** Node.js always rejects with an Error. */
function asError(error: unknown): Error {
  return error as Error;
}

async function syncDirectory(path: FsPath): Promise<void> {
  // Windows has no such call; its file system journals renames.
  if (process.platform === 'win32') return;
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } catch (error) {
    // Some network and FUSE file systems cannot sync a directory. There, the rename is only as durable as they make it.
    const code = systemErrorCode(error);
    if (code !== 'EINVAL' && code !== 'ENOTSUP' && code !== 'EBADF') throw error;
  } finally {
    await handle.close();
  }
}
