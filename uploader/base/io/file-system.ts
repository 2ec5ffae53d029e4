/**
 * The interface for the disk. Every file access of the uploader goes through `FileSystem`, so that a simulator
 * can tear a write, lose a rename or crash the process at any call.
 *
 * Calls fail with Node's system errors, unwrapped. The caller knows what the path means and wraps them.
 */

/** A path as text, or as the bytes of the file system: names need not be valid UTF-8. */
export type FsPath = string | Buffer;

export interface FileStat {
  /** `other`: FIFO, socket, device. */
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  /** Changes with every write and every change of mode, owner, name or link count. Programs cannot set it. */
  readonly ctimeNs: bigint;
  /** Use it as an optimisation, never as an identity: inode numbers are reused. */
  readonly ino: bigint;
  /** When the file was created; undefined where the file system does not record it. */
  readonly birthNs?: bigint | undefined;
  /** The device number of the mounted file system. It may change with every mount, so do not store it. */
  readonly device: bigint;
  /** The number of names (hard links) of the file. */
  readonly linkCount: number;
  /** The bytes in use on disk: far fewer than `sizeBytes` for a sparse file. */
  readonly allocatedBytes: number;
}

/** A file opened for reading. The caller closes it. */
export interface ReadableFile {
  stat(): Promise<FileStat>;
  /** Reads into `buffer` from `position`. Resolves to the number of bytes read, which may be less than requested; 0 at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** The current path of the opened file, with every link resolved. Not affected if the original path now leads to another file. */
  realPath(): Promise<Buffer>;
  close(): Promise<void>;
}

/** A file opened for writing at its end. The caller closes it. */
export interface WritableFile {
  /** Writes all of `bytes`. */
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves once the bytes written so far are on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A file opened for in-place changes. The caller closes it. */
export interface UpdatableFile extends ReadableFile {
  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  /** Resolves once the bytes written so far are on the disk. */
  sync(): Promise<void>;
}

export interface FileSystem {
  /** Lists the names in a directory as bytes, without `.` and `..`, in no particular order. */
  readDirectory(path: FsPath): Promise<Buffer[]>;
  /** Never follows a link. */
  lstat(path: FsPath): Promise<FileStat>;
  /** Like `lstat` for each path, in order, with errors as elements. A scan requests hundreds at a time. */
  lstatAll(paths: readonly FsPath[]): Promise<(FileStat | Error)[]>;
  /** Fails with `ELOOP` if the last component is a symbolic link. Never waits for the other end of a FIFO. */
  openForReading(path: FsPath): Promise<ReadableFile>;
  /** `create` fails with `EEXIST` if the file exists; `append` creates the file if it does not exist. */
  openForWriting(path: FsPath, how: 'create' | 'append', mode: number): Promise<WritableFile>;
  /** Opens an existing file. Fails if the last component is a symbolic link. */
  openForUpdate(path: FsPath): Promise<UpdatableFile>;
  /** Creates a hard link. Fails with `EEXIST` if `newPath` exists. Not every file system supports it. */
  link(path: FsPath, newPath: FsPath): Promise<void>;
  /** Replaces `newPath`. */
  rename(path: FsPath, newPath: FsPath): Promise<void>;
  unlink(path: FsPath): Promise<void>;
  /** Removes an empty directory. Fails with `ENOTEMPTY` for a directory with entries. Fails for a link. */
  removeDirectory(path: FsPath): Promise<void>;
  /** Returns the free bytes for this user on the file system of `path`. */
  freeBytes(path: FsPath): Promise<number>;
  /** Returns the type of the file system of `path`: on Linux a magic number of statfs(2). */
  fileSystemType(path: FsPath): Promise<number>;
  /** Creates one directory. Its parent must exist. */
  makeDirectory(path: FsPath, mode: number): Promise<void>;
  /** Makes creates, renames and unlinks in this directory durable, if the file system supports it. */
  syncDirectory(path: FsPath): Promise<void>;
  /** Returns the path with every link resolved. */
  realPath(path: FsPath): Promise<Buffer>;
  /** Returns the target of a symbolic link as it is stored. Fails with `EINVAL` for anything else. */
  readLink(path: FsPath): Promise<Buffer>;
}
