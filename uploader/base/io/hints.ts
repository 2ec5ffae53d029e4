/**
 * Hints that something changed in a directory: a file watcher, as an argument.
 *
 * A hint makes the scanner look earlier than it would have; nothing is decided by one. A source may miss changes, report them late, twice or
 * in vain, and may stop working altogether.
 */

export interface HintSource {
  /** Begins to watch a directory, not those in it. Never throws: a directory that cannot be watched gives no hints. */
  watch(directory: string): void;
  unwatch(directory: string): void;
  close(): Promise<void>;
}

export interface HintListener {
  /** Something changed in a watched directory. */
  readonly onHint: (directory: string) => void;
  /** No more hints will come, or fewer: the host has run out of watches, or of file descriptors. */
  readonly onFailure: (cause: unknown) => void;
}

export type OpenHints = (listener: HintListener) => Promise<HintSource>;

/** No hints. */
export const openNoHints: OpenHints = async () => ({
  watch: () => undefined,
  unwatch: () => undefined,
  close: async () => undefined,
});
