/**
 * Exports the event files of one run in steps: each step reads a piece of an event file and writes the output. `save` stores the
 * positions. An exporter that only follows a run reads in the same way, for the facts of its session, and writes nothing.
 *
 * Event files are read one after the other, by log directory and name. After a crash, steps since the last save are repeated and give
 * the same bytes. If files and saved state do not match, or an event file was rewritten, everything is regenerated.
 * The same happens when a restart supersedes exported rows (`ExportSession`), once the rest of the event files has been read for further restarts.
 */

import { ScalarDecoder } from '../../../src/format/reader/scalar-decoder.js';
import { ExportSession } from '../../../src/polyaxon/export/export-session.js';
import type { ExportNotice } from '../../../src/polyaxon/export/exporter.js';
import { FileError } from '../../base/errors.js';
import type { FileSystem } from '../../base/io/file-system.js';
import { makeDirectories } from '../../base/io/make-directories.js';
import type { LocalFile } from '../source/local-file.js';
import { compareSources, type EventSource } from './event-source.js';
import { ExportFiles, type IsStored } from './export-files.js';
import { type FilePosition, START } from './file-position.js';
import { type Followed, followFile } from './follow-file.js';
import { readSaved, removeSaved, type SavedExport, writeSaved } from './saved-state.js';

/** An event file of the run. */
export interface EventFile {
  readonly source: EventSource;
  /** Returns a string that changes when the file changes. */
  readonly version: () => string;
  /** Opens the file and updates its version. Throws `FileError`. */
  readonly open: () => Promise<LocalFile>;
}

interface RunExporterOptions {
  readonly fileSystem: FileSystem;
  /** The directory of this run in the state directory. */
  readonly directory: string;
  /** Write no files and save no state. Default false. */
  readonly onlyFollows?: boolean | undefined;
  /** Returns whether to skip bytes of an event file that are not a record. */
  readonly acceptsDamage: (relPath: string, offset: number) => boolean;
  /** Returns whether the store has a generated file that was removed from disk. */
  readonly isStored: IsStored;
  /** Returns whether the store has any content of a generated file, or may receive some now. */
  readonly mayBeStored: (path: string) => boolean;
  readonly onNotice: (notice: Pick<ExportNotice, 'message'>) => void;
  /** Whether the run has no run file. Default false. */
  readonly isImported?: boolean | undefined;
  /** Bytes of an event file to read at a time. Default: that of `followFile`. */
  readonly pieceBytes?: number | undefined;
}

export interface ExportStep {
  /** Paths of files that were created or have grown. */
  readonly changed: readonly string[];
  /** All output was discarded and is being regenerated. */
  readonly isRestarted: boolean;
  /** The next step can run immediately. */
  readonly hasMore: boolean;
}

/** Number of values up to which the quartiles of a metric are exact; it keeps the saved state of 10,000 metrics small. */
const EXACT_VALUES = 512;
const DIRECTORY_MODE = 0o700;
/** Pieces to read before anything is written. */
const MAX_PIECES = 8;
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
const NOTHING: ExportStep = { changed: [], isRestarted: false, hasMore: false };
const RESTARTED: ExportStep = { changed: [], isRestarted: true, hasMore: true };

export class RunExporter {
  readonly session: ExportSession;
  readonly exportFiles: ExportFiles;
  readonly #options: RunExporterOptions;
  readonly #scalars = new ScalarDecoder();
  readonly #positions = new Map<string, FilePosition>();
  /** The version of each event file at which it was read to its end. */
  readonly #readVersions = new Map<string, string>();
  /** Series without rows may have files. */
  #mayHaveEmptyFiles = true;
  /** Event files that could not be opened at the last attempt. */
  readonly unreadable = new Map<string, FileError>();
  #isSaved = true;

  private constructor(options: RunExporterOptions) {
    this.#options = options;
    const { isImported } = options;
    this.session = new ExportSession({ exactValues: EXACT_VALUES, isImported });
    this.exportFiles = new ExportFiles(options.fileSystem, options.directory);
  }

  /** Resumes the export of an earlier process, or starts a new one. Throws errors of the file system. */
  static async open(options: RunExporterOptions): Promise<RunExporter> {
    const { fileSystem, directory, onlyFollows = false } = options;
    const exporter = new RunExporter(options);
    if (onlyFollows) return exporter;
    await makeDirectories(fileSystem, directory, DIRECTORY_MODE);
    const saved = await readSaved(fileSystem, directory);
    if (saved === null || !(await exporter.#restore(saved))) await exporter.remove();
    return exporter;
  }

  /** Removes the files and the saved state of an earlier process. */
  static async discard(fileSystem: FileSystem, directory: string): Promise<void> {
    await removeSaved(fileSystem, directory);
    await new ExportFiles(fileSystem, directory).clear();
  }

  /** Call when all generated files are stored and removed: only the result is saved. If an event file grows after that, all is regenerated. */
  finish(): void {
    this.session.freeze();
    this.#isSaved = false;
  }

  get isSaved(): boolean {
    return this.#isSaved || this.onlyFollows;
  }

  get onlyFollows(): boolean {
    return this.#options.onlyFollows ?? false;
  }

  /**
   * Reads the next pieces of the first event file that has any. Skips event files that cannot be opened and lists them in `unreadable`.
   * After any error of the file system this exporter is unusable; the caller opens another one.
   */
  async step(files: readonly EventFile[]): Promise<ExportStep> {
    for (const file of [...files].sort((a, b) => compareSources(a.source, b.source))) {
      if (this.#readVersions.get(file.source.relPath) === file.version()) continue;
      const step = await this.#read(file);
      if (step !== null) return step;
    }
    if (this.session.isSuperseded) {
      const known = new Set(files.map(({ source }) => `${source.logDirectory}\0${source.name}`));
      this.session.keepRestarts((logDirectory, name) => known.has(`${logDirectory}\0${name}`));
      this.#reportRemoved(files);
      return this.#beginAgain();
    }
    return this.#emptyFiles();
  }

  /** Saves the positions, series and files. */
  async save(): Promise<void> {
    if (this.isSaved) return;
    const { fileSystem, directory } = this.#options;
    await writeSaved(fileSystem, directory, {
      ...this.session.state,
      positions: this.#positions,
      files: this.exportFiles.files,
      assets: this.exportFiles.assets,
    });
    this.#isSaved = true;
  }

  /** Removes all generated files from disk, and the saved state. The next step begins again; series keep their names. */
  async remove(): Promise<void> {
    this.session.restart();
    this.#positions.clear();
    this.#readVersions.clear();
    this.#mayHaveEmptyFiles = true;
    if (this.onlyFollows) return;
    // Remove the saved state first: it must never refer to files that do not exist.
    await removeSaved(this.#options.fileSystem, this.#options.directory);
    await this.exportFiles.clear();
    this.#isSaved = true;
  }

  /** Returns null when nothing could be read. */
  async #read(file: EventFile): Promise<ExportStep | null> {
    const { source } = file;
    const local = await this.#open(file);
    if (local === null) return null;
    try {
      const version = file.version();
      const from = this.#positions.get(source.relPath) ?? START;
      const followed = await this.#follow(local, from, source);
      if (followed.status === 'rewritten') {
        this.session.keepRestarts(() => false);
        return await this.#beginAgain();
      }
      const { position, hasMore, damageStart } = followed;
      const isFinished = this.session.isFrozen && position.offset !== from.offset;
      const changed = isFinished ? null : this.session.isSuperseded ? [] : await this.#write();
      if (changed === null) return await this.#beginAgain();
      if (position.offset !== from.offset || position.isResyncing !== from.isResyncing) {
        this.#positions.set(source.relPath, position);
        this.#isSaved = false;
      }
      // Read damaged bytes again next time: they may be valid by then.
      if (!hasMore && damageStart === null) this.#readVersions.set(source.relPath, version);
      return hasMore || changed.length > 0 ? { changed, isRestarted: false, hasMore: true } : null;
    } finally {
      await local.close();
    }
  }

  /** Reads several pieces before a write, because each write opens every file that has grown. */
  async #follow(file: LocalFile, from: FilePosition, source: EventSource): Promise<Followed> {
    const { target, logDirectory, name: fileName } = source;
    const { sizeBytes } = await file.stat();
    let position = from;
    for (let pieces = 1; ; pieces += 1) {
      const followed = await followFile(file, position, {
        sizeBytes,
        acceptsDamage: (offset) => this.#options.acceptsDamage(source.relPath, offset),
        onEvent: (event, offset) => this.session.push(event, { target, logDirectory, fileName, offset }),
        scalars: this.#scalars,
        onScalars: (batch, offset) =>
          this.session.pushScalars(batch, { target, logDirectory, fileName, offset }),
        pieceBytes: this.#options.pieceBytes,
      });
      if (followed.status === 'rewritten' || !followed.hasMore) return followed;
      if (pieces >= MAX_PIECES || this.session.waitingBytes >= MAX_WAITING_BYTES) return followed;
      position = followed.position;
    }
  }

  async #open({ source, open }: EventFile): Promise<LocalFile | null> {
    this.unreadable.delete(source.relPath);
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      if (error.code !== 'ERR_FILE_VANISHED') this.unreadable.set(source.relPath, error);
      return null;
    }
  }

  /** Returns the changed paths; null when they belong to files that were removed from disk, so that all must be regenerated. */
  async #write(): Promise<string[] | null> {
    const { appends, assets, notices } = this.session.take();
    const changed = [...assets, ...appends].map(({ path }) => path);
    // The writer of the run has reported the notices.
    if (this.onlyFollows) return changed;
    if (!this.exportFiles.canAppend(appends)) return null;
    await this.exportFiles.write({ appends, assets });
    for (const notice of notices) this.#options.onNotice(notice);
    return changed;
  }

  async #beginAgain(): Promise<ExportStep> {
    await this.remove();
    return RESTARTED;
  }

  /** Rows of removed event files cannot be regenerated. */
  #reportRemoved(files: readonly EventFile[]): void {
    if (this.onlyFollows) return;
    const present = new Set(files.map(({ source }) => source.relPath));
    for (const relPath of this.#positions.keys()) {
      if (present.has(relPath)) continue;
      const message = `${relPath} was removed before the run was resumed at an earlier step; its rows are no longer in the Polyaxon event files, of which the store keeps the previous versions`;
      this.#options.onNotice({ message });
    }
  }

  /** Once everything is read, replaces files in the store whose rows are all superseded. */
  async #emptyFiles(): Promise<ExportStep> {
    if (!this.#mayHaveEmptyFiles || this.onlyFollows) return NOTHING;
    this.#mayHaveEmptyFiles = false;
    this.session.emptyFiles(this.#options.mayBeStored);
    const changed = (await this.#write()) ?? [];
    if (changed.length > 0) this.#isSaved = false;
    return { changed, isRestarted: false, hasMore: false };
  }

  async #restore(saved: SavedExport): Promise<boolean> {
    if (!this.session.restore(saved) || !(await this.exportFiles.restore(saved, this.#options.isStored)))
      return false;
    for (const [path, position] of saved.positions) this.#positions.set(path, position);
    return true;
  }
}
