/**
 * Where `loadRuns` finds runs: a local root, or a store. The reader of runs uses only these interfaces.
 *
 * What concerns one file is thrown as `RunFileError`, and becomes a problem of its run. Every other error ends the reading, such as one about
 * the credentials of a store.
 */

import type { EventFileBytes } from '../format/reader/event-file-bytes.js';
import type { IndexedRun } from './run-facts.js';

export interface RunSource {
  /** A path or URL, for messages. */
  readonly location: string;
  /** The folders of the runs, one after the other. Throws `RunsNotFoundError` if the location cannot contain any. */
  listRuns(options: ListRunsOptions): AsyncIterable<RunFolder>;
  close(): Promise<void>;
}

export interface ListRunsOptions {
  /** First digits of uuids. A source may skip folders whose uuid begins with none of them. */
  readonly uuids?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The folder of one run. Paths are relative to it, with `/`. */
export interface RunFolder {
  /** The uuid that the name of the folder contains; null if it contains none. */
  readonly uuid: string | null;
  /** The path of the run directory, or its URL in a store. */
  readonly location: string;
  /** Missing if the files must be read. */
  readonly indexed?: IndexedRun | undefined;
  /** Where the event files are, if they were deleted here on purpose: the URL of the store, or '' if unknown. Null if they were not. */
  findCleanedStore(): string | null;
  /** The files at any depth below a directory, in the order of their paths; none if it does not exist. Links are not followed. */
  listFiles(directory: string, signal?: AbortSignal): Promise<readonly RunFileEntry[]>;
  /** The bytes of a file; null if it does not exist. Throws `RunFileError`, also for a file of more than `maxBytes`. */
  readFile(path: string, options: ReadRunFileOptions): Promise<Uint8Array | null>;
  /** Opens an event file. Reading from it throws `RunFileError` too. The caller closes it. */
  openFile(path: string, signal?: AbortSignal): Promise<EventFileBytes>;
}

export interface RunFileEntry {
  readonly path: string;
  readonly sizeBytes: number;
}

export interface ReadRunFileOptions {
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}
