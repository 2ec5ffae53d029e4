/** A file system that simulates a crash: a chosen write is only half done, or another chosen call fails, and all later calls fail. */

import type { FileSystem, UpdatableFile, WritableFile } from '../../../uploader/base/io/file-system.js';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { systemError } from './wrapped-file-system.js';

export interface CrashingFileSystem {
  readonly fileSystem: FileSystem;
  /** Returns the number of calls so far. */
  readonly calls: () => number;
}

/** Creates a file system that crashes at call number `crashAt`, counted from 0. */
export function createCrashingFileSystem(crashAt: number): CrashingFileSystem {
  let calls = 0;
  function enter(): boolean {
    const isCrash = calls === crashAt;
    if (calls > crashAt) throw systemError('ECRASHED');
    calls += 1;
    return isCrash;
  }
  function step<Result>(call: () => Promise<Result>): Promise<Result> {
    if (enter()) throw systemError('ECRASHED');
    return call();
  }
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    readDirectory: async (path) => step(() => nodeFileSystem.readDirectory(path)),
    lstatAll: async (paths) => step(() => nodeFileSystem.lstatAll(paths)),
    openForReading: async (path) => step(() => nodeFileSystem.openForReading(path)),
    rename: async (path, newPath) => step(() => nodeFileSystem.rename(path, newPath)),
    unlink: async (path) => step(() => nodeFileSystem.unlink(path)),
    makeDirectory: async (path, mode) => step(() => nodeFileSystem.makeDirectory(path, mode)),
    syncDirectory: async (path) => step(() => nodeFileSystem.syncDirectory(path)),
    openForUpdate: async (path) => step(async () => wrapUpdatable(await nodeFileSystem.openForUpdate(path))),
    openForWriting: async (path, how, mode) =>
      step(async () => wrapWritable(await nodeFileSystem.openForWriting(path, how, mode))),
  };
  const wrapWritable = (file: WritableFile): WritableFile => ({
    append: async (bytes) => {
      if (!enter()) return file.append(bytes);
      await file.append(bytes.subarray(0, bytes.length >> 1));
      throw systemError('ECRASHED');
    },
    sync: async () => step(() => file.sync()),
    close: () => file.close(),
  });
  const wrapUpdatable = (file: UpdatableFile): UpdatableFile => ({
    stat: () => file.stat(),
    realPath: () => file.realPath(),
    read: (buffer, position) => file.read(buffer, position),
    write: async (bytes, position) => step(() => file.write(bytes, position)),
    truncate: async (sizeBytes) => step(() => file.truncate(sizeBytes)),
    sync: async () => step(() => file.sync()),
    close: () => file.close(),
  });
  return { fileSystem, calls: () => calls };
}
