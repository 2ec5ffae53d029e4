/** Where event files go: the I/O of an event file writer behind one small interface, so that tests can simulate a failing disk. */

/** An event file that is open for writing. */
export interface OpenEventFile {
  readonly path: string;
  /** Writes some of `bytes` at `position` and returns how many. Throws the file system's error. */
  write(bytes: Uint8Array, position: number): number;
  /** Resolves once all written data would survive a power failure, also if an earlier sync has failed. */
  sync(): Promise<void>;
  /**
   * Makes sure that the first `sizeBytes` bytes, which were written, are still in a file with a name. `restored`: another program had
   * removed or replaced the file, and its content is now in a new file (`path`). `lost`: the content is gone. Throws the file
   * system's error when it cannot restore the file now. A sink whose files cannot disappear omits this method.
   */
  restore?(sizeBytes: number): 'present' | 'restored' | 'lost';
  /**
   * Closes the file, also if it throws. With `sync`, first waits until the written data would survive a power failure; if that fails, the
   * file stays open, and a later call tries it again.
   */
  close(sync: boolean): void;
}

export interface EventSink {
  /** Creates a new file, and missing directories. Never truncates: throws an error with code `EEXIST` when the name is in use. */
  create(directory: string, fileName: string): OpenEventFile;
  /** The names of the files in a directory; empty when the directory does not exist. */
  list(directory: string): string[];
  /** The bytes of a file in pieces, because a file may be larger than any buffer. A piece is valid until the next one is requested. */
  read(directory: string, fileName: string): Iterable<Uint8Array>;
}
