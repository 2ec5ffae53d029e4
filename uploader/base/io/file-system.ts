/**
 * The disk, as an argument. Everything in the uploader that touches a file goes through `FileSystem`, so that a simulator
 * can tear a write, lose a rename or crash the process at every single call.
 *
 * Failures are Node's system errors, unwrapped: the caller knows what the path meant and wraps them.
 */

/** A path as text, or as the bytes that the file system keeps: names need not be valid UTF-8. */
export type FsPath = string | Buffer;

export interface FileStat {
  /** `other`: FIFO, socket, device. */
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  /** Changes with every write and every change of mode, owner, name or link count; no program can set it back. */
  readonly ctimeNs: bigint;
  /** An optimisation, never an identity: inode numbers are used again. */
  readonly ino: bigint;
  /** Of the mounted file system; another one after the next mount, so it is never written down. */
  readonly device: bigint;
  /** Names that the file has. */
  readonly linkCount: number;
  /** On the disk; far fewer than `sizeBytes` for a file with holes. */
  readonly allocatedBytes: number;
}

/** A file opened for reading. The caller closes it. */
export interface ReadableFile {
  stat(): Promise<FileStat>;
  /** Reads at `position` into `buffer` and resolves to the number of bytes, which may be fewer than asked; 0 at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Where the opened file lies now, every link resolved: what the name pointed to when it was opened, not what it points to since. */
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

/** A file opened for changes in its place. The caller closes it. */
export interface UpdatableFile extends ReadableFile {
  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  /** Resolves once the bytes written so far are on the disk. */
  sync(): Promise<void>;
}

export interface FileSystem {
  /** The names in a directory as bytes, without `.` and `..`, in no order. */
  readDirectory(path: FsPath): Promise<Buffer[]>;
  /** Never follows a link. */
  lstat(path: FsPath): Promise<FileStat>;
  /** As `lstat` for each path, in order, failures in their place: a scan asks for hundreds at a time. */
  lstatAll(paths: readonly FsPath[]): Promise<(FileStat | Error)[]>;
  /** Refuses a symbolic link at the last component (`ELOOP`) and never waits for the other end of a FIFO. */
  openForReading(path: FsPath): Promise<ReadableFile>;
  /** `create` fails with `EEXIST` when there is a file; `append` makes it when there is none. */
  openForWriting(path: FsPath, how: 'create' | 'append', mode: number): Promise<WritableFile>;
  /** Opens a file that is there; refuses a symbolic link at the last component. */
  openForUpdate(path: FsPath): Promise<UpdatableFile>;
  /** A second name for a file; fails with `EEXIST` when `newPath` is taken. Not every file system can. */
  link(path: FsPath, newPath: FsPath): Promise<void>;
  /** Replaces `newPath`. */
  rename(path: FsPath, newPath: FsPath): Promise<void>;
  unlink(path: FsPath): Promise<void>;
  /** Removes an empty directory; fails with `ENOTEMPTY` for another, and for a link. */
  removeDirectory(path: FsPath): Promise<void>;
  /** Bytes that this user may still write on the file system of `path`. */
  freeBytes(path: FsPath): Promise<number>;
  /** Makes one directory; its parent must exist. */
  makeDirectory(path: FsPath, mode: number): Promise<void>;
  /** Makes creates, renames and unlinks in this directory durable, where the file system offers that. */
  syncDirectory(path: FsPath): Promise<void>;
  /** The path with every link resolved. */
  realPath(path: FsPath): Promise<Buffer>;
}
