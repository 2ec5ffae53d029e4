/**
 * Writes Polyaxon event files to the run directory while the event files are written.
 *
 * Converts only bytes that have reached the event files, so the Polyaxon event files never run ahead of them. Each name has a file, so rows of
 * very many names wait up to the flush interval, and are written together. If a write fails, all Polyaxon event files are regenerated from the
 * event files, which are authoritative.
 */

import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { NO_FOLLOW } from '../../base/append-file.js';
import { replaceFileSync, toPartialPath } from '../../base/atomic-file.js';
import type { Clock } from '../../base/clock.js';
import type { Diagnostics } from '../../base/diagnostics.js';
import { CorruptRecordError, RunWriteError } from '../../base/errors.js';
import type { JsonValue } from '../../base/json-value.js';
import { isProcessExiting } from '../../base/process-exit.js';
import { ScalarDecoder } from '../../format/reader/scalar-decoder.js';
import { RecordAssembler } from '../../format/record/record-assembler.js';
import { decodeRecord } from '../../format/record/record-codec.js';
import { decodeEvent } from '../../format/wire/decode-event.js';
import { listEarlierFiles, scanEarlierFile } from '../../format/writer/earlier-files.js';
import type { EventSink, OpenEventFile } from '../../format/writer/event-sink.js';
import type { RunArtifact } from '../run-record.js';
import { ExportSession } from './export-session.js';
import type { ExportOutput } from './exporter.js';

interface PolyaxonFilesOptions {
  readonly runDirectory: string;
  /** The absolute path of the directory of the event files. */
  readonly directory: string;
  /** The log directory's path below the run's event files; '' except for workers. */
  readonly logDirectory: string;
  readonly target: 'events' | 'resources';
  readonly sink: EventSink;
  readonly diagnostics: Diagnostics;
  readonly clock: Clock;
  /** The longest time for which rows wait, unless writing them takes long. */
  readonly flushIntervalMs: number;
  /** Receives hyperparameters that a third-party writer has logged among the events. */
  readonly onInputs: (inputs: Readonly<Record<string, JsonValue>>) => void;
}

/** The incomplete record at the end of an event file, and its offset. */
interface Tail {
  readonly assembler: RecordAssembler;
  offset: number;
}

/** Sorts after the name of every event file. */
const NEXT_FILE = '\uffff';
/**
 * Rows are written at once if the event files have grown by this much for each name, or by the larger amount in total. To open and close a file
 * takes as long as to convert 50 scalars.
 */
const HELD_BYTES_PER_NAME = 4 * 1024;
const MAX_HELD_BYTES = 32 * 1024 * 1024;
/** Rows wait at least for this many times the duration of the last write. */
const PAUSE_FACTOR = 10;

/** Writes the Polyaxon event files of one log directory. */
export class PolyaxonFiles {
  readonly #options: PolyaxonFilesOptions;
  readonly #tails = new Map<string, Tail>();
  readonly #decoder = new ScalarDecoder();
  readonly #session = new ExportSession();
  #failure: RunWriteError | undefined;
  /** The bytes of the event files whose rows wait, and from when on they are written. */
  #heldBytes = 0;
  #nextWriteMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PolyaxonFilesOptions) {
    this.#options = options;
  }

  /** The sink through which the event files must be written. */
  get sink(): EventSink {
    const { sink } = this.#options;
    return {
      ...sink,
      create: (directory, fileName) => this.#follow(sink.create(directory, fileName), fileName),
    };
  }

  /** The lineage entries of all exported series. */
  artifacts(): readonly RunArtifact[] {
    return this.#session.artifacts();
  }

  /** Returns the last value of each metric, by Polyaxon's names. */
  lastValues(): Record<string, number | null> {
    return this.#session.lastValues();
  }

  /** Returns the last value of each metric that `rebuild` left out because its step is superseded. */
  supersededValues(): Record<string, number | null> {
    return this.#session.supersededValues();
  }

  /**
   * Regenerates all files from the event files on disk, including those of earlier processes, without superseded rows. `fromStep`: the
   * step from which on the caller is going to supersede them.
   */
  rebuild(fromStep?: number | bigint): void {
    const { runDirectory, sink, directory, logDirectory } = this.#options;
    const files = new WholeFiles(runDirectory);
    this.#session.restart();
    this.#tails.clear();
    this.#heldBytes = 0;
    try {
      const names = listEarlierFiles(directory, sink);
      this.#learnRestarts(names, fromStep);
      for (const name of names) this.#pushFile(name, sink.read(directory, name), files);
      this.#session.emptyFiles((path) => existsSync(join(runDirectory, path)));
      files.write(this.#take());
      files.commit();
      this.#failure = undefined;
    } catch (cause) {
      files.abort();
      this.#fail(cause);
    }
    this.#session.restartsOf(logDirectory).keepFiles((name) => name !== NEXT_FILE);
  }

  /** Writes the rows that wait. */
  write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#heldBytes === 0 || this.#failure !== undefined) return;
    this.#heldBytes = 0;
    const { clock, flushIntervalMs, runDirectory } = this.#options;
    const startMs = clock.monotonicMs();
    try {
      appendAll(runDirectory, this.#take());
    } catch (cause) {
      this.#fail(cause);
    }
    const endMs = clock.monotonicMs();
    this.#nextWriteMs = endMs + Math.max(flushIntervalMs, (endMs - startMs) * PAUSE_FACTOR);
  }

  /** Writes the rows that wait, and regenerates the files after a failed write. Throws `RunWriteError` if that fails too. */
  settle(): void {
    this.write();
    if (this.#failure !== undefined) this.rebuild();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #learnRestarts(names: readonly string[], fromStep: number | bigint | undefined): void {
    const { directory, logDirectory, sink } = this.#options;
    const restarts = this.#session.restartsOf(logDirectory);
    for (const fileName of names)
      for (const { event, offset } of scanEarlierFile(directory, fileName, sink)) {
        const { step, isSessionStart, values = [] } = event;
        if (isSessionStart) restarts.add({ fileName, offset, step });
        for (const { tag, isRetraction } of values)
          if (isRetraction) restarts.add({ fileName, offset, step, tag });
      }
    // The first START of a log directory may be no restart, so add another one.
    for (const offset of fromStep === undefined ? [] : [0, 1])
      restarts.add({ fileName: NEXT_FILE, offset, step: fromStep! });
  }

  #follow(file: OpenEventFile, fileName: string): OpenEventFile {
    const { restore } = file;
    return {
      get path() {
        return file.path;
      },
      sync: () => file.sync(),
      close: (sync) => file.close(sync),
      ...(restore === undefined ? {} : { restore: (sizeBytes) => restore.call(file, sizeBytes) }),
      write: (bytes, position) => {
        const written = file.write(bytes, position);
        if (this.#failure === undefined) this.#append(fileName, bytes.subarray(0, written));
        return written;
      },
    };
  }

  #append(fileName: string, bytes: Uint8Array): void {
    this.#push(fileName, bytes);
    if (this.#session.isSuperseded) {
      this.rebuild();
      return;
    }
    this.#heldBytes += bytes.length;
    const waitMs = this.#nextWriteMs - this.#options.clock.monotonicMs();
    const mostBytes = Math.min(this.#session.seriesCount * HELD_BYTES_PER_NAME, MAX_HELD_BYTES);
    if (this.#heldBytes >= mostBytes || waitMs <= 0 || isProcessExiting()) this.write();
    else this.#timer ??= setTimeout(() => this.write(), waitMs).unref();
  }

  #push(fileName: string, bytes: Uint8Array): void {
    const tail = this.#tails.get(fileName) ?? { assembler: new RecordAssembler(), offset: 0 };
    this.#tails.set(fileName, tail);
    const all = tail.assembler.add(bytes);
    if (all === undefined) return;
    const view = new DataView(all.buffer);
    const { target, logDirectory } = this.#options;
    let at = 0;
    for (;;) {
      const place = { target, logDirectory, fileName, offset: tail.offset + at };
      const end = this.#decoder.readScalars(all, view, at);
      if (end > at) {
        this.#session.pushScalars(this.#decoder.batch, place);
        at = end;
        continue;
      }
      const decoded = decodeRecord(all, at);
      if (decoded.kind === 'incomplete') {
        tail.assembler.keep(all.subarray(at), decoded.missingBytes);
        tail.offset += at;
        return;
      }
      const event = decodeEvent(decoded.data);
      this.#decoder.learn(event, decoded.data);
      this.#session.push(event, place);
      at = decoded.end;
    }
  }

  /** Processes an earlier process' file as far as TensorBoard reads it: up to the first corrupt record. */
  #pushFile(fileName: string, pieces: Iterable<Uint8Array>, files: WholeFiles): void {
    try {
      for (const piece of pieces) {
        this.#push(fileName, piece);
        files.write(this.#take());
      }
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      const message = `${fileName}: ${error.message}; later events are missing in the Polyaxon event files`;
      this.#options.diagnostics.warn('WARN_EVENT_FILE_DAMAGED', message);
      files.write(this.#take());
    }
  }

  #take(): ExportOutput {
    const output = this.#session.take();
    for (const { code, message } of output.notices) this.#options.diagnostics.warn(code, message);
    if (Object.keys(output.inputs).length > 0) this.#options.onInputs(output.inputs);
    return output;
  }

  #fail(cause: unknown): void {
    this.#failure = new RunWriteError(this.#options.runDirectory, 'write Polyaxon event files', { cause });
    this.#options.diagnostics.error(this.#failure);
  }
}

/** Writes assets before events, so that no event refers to a missing file. */
function appendAll(runDirectory: string, { appends, assets }: ExportOutput): void {
  for (const asset of assets) writeAsset(runDirectory, asset);
  for (const { path, offset, bytes } of appends) {
    const target = join(runDirectory, path);
    if (offset === 0) mkdirSync(dirname(target), { recursive: true });
    writeAt(target, bytes, offset);
  }
}

function writeAsset(runDirectory: string, { path, bytes }: ExportOutput['assets'][number]): void {
  const target = join(runDirectory, path);
  mkdirSync(dirname(target), { recursive: true });
  replaceFileSync(target, bytes, { fsync: false });
}

function writeAt(path: string, bytes: Uint8Array, offset: number): void {
  // A file of an earlier process may be longer.
  const truncated = offset === 0 ? constants.O_TRUNC : 0;
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | truncated | NO_FOLLOW, 0o644);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, offset + at);
  } finally {
    closeSync(fd);
  }
}

function hasContent(path: string, bytes: Uint8Array): boolean {
  try {
    return statSync(path).size === bytes.length && readFileSync(path).equals(bytes);
  } catch {
    return false; // usually a new asset
  }
}

/** Regenerates files under temporary names and renames them together on `commit`. */
class WholeFiles {
  readonly #runDirectory: string;
  readonly #partials = new Map<string, string>();
  readonly #assets = new Set<string>();
  readonly #supersededAssets = new Set<string>();

  constructor(runDirectory: string) {
    this.#runDirectory = runDirectory;
  }

  write({ appends, assets, supersededAssets }: ExportOutput): void {
    for (const asset of assets) {
      this.#assets.add(asset.path);
      // An asset of a superseded row may have the same name. Others are not replaced, because an uploader would send them again.
      if (!hasContent(join(this.#runDirectory, asset.path), asset.bytes))
        writeAsset(this.#runDirectory, asset);
    }
    for (const path of supersededAssets) this.#supersededAssets.add(path);
    for (const { path, offset, bytes } of appends) writeAt(this.#partialOf(path), bytes, offset);
  }

  commit(): void {
    for (const [path, partial] of this.#partials) renameSync(partial, join(this.#runDirectory, path));
    this.#partials.clear();
    // Last: until here, rows of the earlier files may name them.
    for (const path of this.#supersededAssets)
      if (!this.#assets.has(path)) rmSync(join(this.#runDirectory, path), { force: true });
  }

  abort(): void {
    for (const partial of this.#partials.values()) rmSync(partial, { force: true });
  }

  #partialOf(path: string): string {
    const known = this.#partials.get(path);
    if (known !== undefined) return known;
    const target = join(this.#runDirectory, path);
    mkdirSync(dirname(target), { recursive: true });
    const partial = toPartialPath(target);
    this.#partials.set(path, partial);
    return partial;
  }
}
