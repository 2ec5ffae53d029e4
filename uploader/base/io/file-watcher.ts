/**
 * The interface for file watchers, which report that a directory has changed.
 *
 * A file-watcher event makes the scanner list a directory earlier; no other decision depends on it. A watcher may miss changes, report them
 * late, twice or without cause, and may stop working.
 */

export interface FileWatcher {
  /** Starts to watch a directory without its subdirectories. Never throws: a directory that cannot be watched causes no events. */
  watch(directory: string): void;
  unwatch(directory: string): void;
  close(): Promise<void>;
}

export interface FileWatcherListener {
  /** Something changed in a watched directory. */
  readonly onChange: (directory: string) => void;
  /** Fewer events will follow, or none: the host has run out of watches or file descriptors. */
  readonly onFailure: (cause: unknown) => void;
}

export type OpenFileWatcher = (listener: FileWatcherListener) => Promise<FileWatcher>;
