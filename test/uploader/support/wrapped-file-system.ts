/** The host's file system with some calls replaced, to inject failures and interruptions. */

import type { FileSystem, ReadableFile, WritableFile } from '../../../uploader/base/io/file-system.js';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';

export function wrapFileSystem(changes: Partial<FileSystem>): FileSystem {
  return { ...nodeFileSystem, ...changes };
}

/** Calls `before` ahead of each read of an opened file. */
export function onEachRead(before: (path: string, readIndex: number) => Promise<void> | void): FileSystem {
  return wrapFileSystem({
    openForReading: async (path) => {
      const file = await nodeFileSystem.openForReading(path);
      let readIndex = 0;
      const read: ReadableFile['read'] = async (buffer, position) => {
        await before(path.toString(), readIndex);
        readIndex += 1;
        return file.read(buffer, position);
      };
      return {
        read,
        stat: () => file.stat(),
        realPath: () => file.realPath(),
        close: () => file.close(),
      };
    },
  });
}

/** Makes writes fail with `code` while `isFailing` returns true. */
export function failingWrites(isFailing: (path: string) => boolean, code: string): FileSystem {
  return wrapFileSystem({
    openForWriting: async (path, how, mode) => {
      const file = await nodeFileSystem.openForWriting(path, how, mode);
      const append: WritableFile['append'] = async (bytes) => {
        if (isFailing(path.toString())) throw systemError(code);
        await file.append(bytes);
      };
      return { append, sync: () => file.sync(), close: () => file.close() };
    },
  });
}

/** Notes the files that get their names: `synced`, or with bytes that a power failure would lose. */
export function watchSyncs(): { fileSystem: FileSystem; renamed: ('synced' | 'unsynced')[] } {
  const unsynced = new Set<string>();
  const renamed: ('synced' | 'unsynced')[] = [];
  const fileSystem = wrapFileSystem({
    openForWriting: async (path, how, mode) => {
      const file = await nodeFileSystem.openForWriting(path, how, mode);
      return {
        append: async (bytes) => {
          unsynced.add(path.toString());
          await file.append(bytes);
        },
        sync: async () => {
          await file.sync();
          unsynced.delete(path.toString());
        },
        close: () => file.close(),
      };
    },
    rename: async (from, to) => {
      renamed.push(unsynced.has(from.toString()) ? 'unsynced' : 'synced');
      await nodeFileSystem.rename(from, to);
    },
  });
  return { fileSystem, renamed };
}

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: simulated by a test`), { code });
}
