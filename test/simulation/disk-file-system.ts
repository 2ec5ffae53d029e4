/** The file system of the uploader on a simulated disk. Each call is an effect of its process. */

import type { FileSystem, FsPath, ReadableFile } from '../../uploader/base/io/file-system.js';
import type { Inode } from './disk.js';
import type { Process } from './machine.js';

export function toFileSystem(process: Process): FileSystem {
  const { disk } = process.machine;
  const on = <Result>(call: string, path: FsPath, effect: (path: string) => Result): Promise<Result> =>
    process.call(call, String(path), () => effect(String(path)));

  const toReadable = (inode: Inode): ReadableFile => ({
    stat: () => on('fstat', disk.pathOf(inode), () => disk.stat(inode)),
    read: (buffer, position) => on('read', disk.pathOf(inode), () => disk.read(inode, buffer, position)),
    realPath: async () => Buffer.from(disk.pathOf(inode)),
    close: async () => undefined,
  });

  /** Writes all bytes. When the process is killed meanwhile, half of them. */
  const write = (inode: Inode, bytes: Uint8Array, position: (written: number) => number): Promise<void> => {
    const some = bytes.subarray(0, bytes.length >> 1);
    const path = disk.pathOf(inode);
    return process.call(
      'write',
      path,
      () => {
        for (let at = 0; at < bytes.length; ) at += disk.write(inode, bytes.subarray(at), position(at));
      },
      () => disk.write(inode, some, position(0)),
    );
  };
  const sync = (inode: Inode): Promise<void> => on('sync', disk.pathOf(inode), () => disk.sync(inode));

  return {
    readDirectory: (path) => on('list', path, (each) => disk.list(each).map((name) => Buffer.from(name))),
    lstat: (path) => on('lstat', path, (each) => disk.lstat(each)),
    lstatAll: (paths) =>
      on('lstat', paths[0] ?? '', () =>
        paths.map((path) => {
          try {
            return disk.lstat(String(path));
          } catch (error) {
            return error as Error;
          }
        }),
      ).catch((error: Error) => paths.map(() => error)), // killed: the call never rejects
    openForReading: (path) =>
      on('open', path, (each) => toReadable(disk.open(each, { followsNoLink: true }))),
    openForWriting: async (path, how) => {
      const flags = { isWritten: true, creates: true, isExclusive: how === 'create' };
      const inode = await on(how, path, (each) => disk.open(each, flags));
      return {
        append: (bytes) => write(inode, bytes, () => inode.bytes.length),
        sync: () => sync(inode),
        close: async () => undefined,
      };
    },
    openForUpdate: async (path) => {
      const inode = await on('open', path, (each) =>
        disk.open(each, { isWritten: true, followsNoLink: true }),
      );
      return {
        ...toReadable(inode),
        write: (bytes, position) => write(inode, bytes, (written) => position + written),
        truncate: (sizeBytes) => on('truncate', path, () => disk.truncate(inode, sizeBytes)),
        sync: () => sync(inode),
      };
    },
    link: (path, newPath) => on('link', newPath, (each) => disk.link(String(path), each)),
    rename: (path, newPath) => on('rename', newPath, (each) => disk.rename(String(path), each)),
    unlink: (path) => on('unlink', path, (each) => disk.unlink(each)),
    removeDirectory: (path) => on('rmdir', path, (each) => disk.removeDirectory(each)),
    freeBytes: async () => disk.freeBytes,
    fileSystemType: async () => 0xef53,
    makeDirectory: (path) => on('mkdir', path, (each) => disk.makeDirectory(each)),
    syncDirectory: (path) => on('sync directory', path, (each) => disk.sync(disk.open(each, {}))),
    realPath: (path) => on('realpath', path, (each) => Buffer.from(disk.realPath(each))),
    readLink: (path) => on('readlink', path, (each) => Buffer.from(disk.readLink(each))),
  };
}
