/**
 * Creates the run directory on disk, and replaces its JSON files atomically at each change.
 *
 * The main writer owns `run.plx.json` and `lineages.plx.json`. A worker (another process of the same run) writes its additions
 * to a separate file, which the main writer merges: the later write of a name wins. A failed write is reported and retried at the next change and at
 * `flush()`; it never throws into the training job.
 *
 * Long because the values of all files are merged, numbered and written together.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { createFileSync, replaceFileSync } from '../base/atomic-file.js';
import type { Diagnostics } from '../base/diagnostics.js';
import {
  CodedError,
  messageOf,
  ResumeError,
  RunCleanedError,
  RunExistsError,
  RunWriteError,
} from '../base/errors.js';
import type { JsonValue } from '../base/json-value.js';
import {
  findLargestNumber,
  findWrittenNames,
  type MetadataNames,
  type MetadataOrder,
  mergeRunData,
  parseMetadataOrder,
  toArtifactKey,
} from '../polyaxon/metadata-order.js';
import {
  isDone,
  mergeMetadata,
  type RunArtifact,
  type RunMetadata,
  type RunRecord,
  withoutEnd,
} from '../polyaxon/run-record.js';
import { awaitCleanedStore, findCleanedStore } from './cleaned-run.js';
import {
  type EarlierWorkerFile,
  parseEarlierLineage,
  parseEarlierRecord,
  parseEarlierWorker,
} from './earlier-files.js';
import {
  isWorkerFile,
  MAIN_WRITER,
  ORDER_FILE,
  PROCESS_DIRECTORY,
  type RunPaths,
  toFormatsPath,
  toOrderCounterPath,
  toWorkerPath,
} from './layout.js';
import { OrderCounter } from './order-counter.js';
import { PendingValues } from './pending-values.js';
import { linkRun } from './run-link.js';

interface RunDirectoryOptions {
  readonly diagnostics: Diagnostics;
  readonly fsync: boolean;
  /** Whether an existing run may be resumed. */
  readonly resume: boolean;
  /** `main`, or the name of a worker. */
  readonly writer: string;
  /** Whether to create a link with a readable name. */
  readonly link: boolean;
  /** Whether to write to disk. */
  readonly persist: boolean;
  /** Whether a run may be resumed although its local files were deleted: the platform has started this process. */
  readonly mayLackFiles: boolean;
  /** The formats in which events are written. */
  readonly formats: ReadonlySet<string>;
}

/** The fields of named values that are merged. */
type MergedField = 'meta_info' | 'inputs' | 'outputs';

/** Merges into larger files are written together. Smaller files take a fraction of a millisecond to write. */
const LARGE_BYTES = 16 * 1024;
const PAUSE_MS = 250;

/** The additions of a worker for the main writer: `.plx/worker-<worker>.json`. */
type Part = 'formats' | 'record' | 'lineage' | 'order';

export class RunDirectory {
  readonly paths: RunPaths;
  readonly #options: RunDirectoryOptions;
  readonly #diagnostics: Diagnostics;
  readonly #lineage = new Map<string, RunArtifact>();
  readonly #counter: OrderCounter;
  /** The state of each worker's file when it was merged. */
  readonly #mergedFiles = new Map<string, string>();
  /** The last content of each file. */
  readonly #contents = new Map<string, string>();
  #record: RunRecord;
  #order: MetadataOrder = {};
  /** Values that are not in the record yet, and numbers that are not in the order yet. */
  readonly #merged = new PendingValues<MergedField, JsonValue>();
  readonly #numbered = new PendingValues<string, number>();
  /** The largest number in the order, besides those that this process has taken. */
  #largestNumber = 0;
  /** Whether the files are large, so that the next merges are written together. */
  #isPausing = false;
  #pauseEndMs = 0;
  #isLarge = false;
  #unwritten = new Set<Part>(['formats', 'record', 'lineage']);
  #failure: RunWriteError | undefined;
  /** The name of the run at the last attempt to link to it. */
  #linkedName: string | undefined;
  #hasReportedLink = false;

  /**
   * Claims the directory. If it already holds a run, resumes it with its record and lineage if `resume` is set, and otherwise
   * throws `RunExistsError`. Throws `ResumeError` if the record or lineage cannot be read, and `RunCleanedError` if files were deleted.
   */
  constructor(paths: RunPaths, record: RunRecord, options: RunDirectoryOptions) {
    this.paths = paths;
    this.#record = record;
    this.#options = options;
    this.#diagnostics = options.diagnostics;
    this.#counter = new OrderCounter(toOrderCounterPath(paths.run));
    if (options.persist) {
      this.#checkCleaned();
      const earlier = this.#isWorker
        ? this.#readWorkerFile(toWorkerPath(paths.run, options.writer))
        : this.#claim(options.resume);
      this.#number(() =>
        findWrittenNames(earlier, this.#record, record.tags === undefined ? {} : { tags: record.tags }),
      );
    }
    this.#write();
    // Check again: the command that deletes files checks for the files that this process has just written.
    if (options.persist) this.#warnIfCleaned(awaitCleanedStore(paths.run));
    this.#link(!options.resume);
  }

  /** The run record of this process; in a worker, only its own additions. */
  get record(): RunRecord {
    this.#record = this.#merged.addTo(this.#record);
    return this.#record;
  }

  /** The lineage, in the order in which names were first added. */
  get lineage(): readonly RunArtifact[] {
    return [...this.#lineage.values()];
  }

  /** Changes the record and writes it. `written`: names that the program has logged, even if their values are the same. */
  update(change: (record: RunRecord) => RunRecord, written: MetadataNames = {}): void {
    this.#readWorkers();
    const before = this.record;
    this.#record = change(before);
    this.#number(() => findWrittenNames(before, this.record, written));
    this.#unwritten.add('record');
    this.#write();
    if (this.#record.name !== this.#linkedName) this.#link(false);
  }

  /**
   * Merges values into a field of the record and writes it. If the files are large, merges that follow within `PAUSE_MS` are written
   * together, by then or in `settle`: a loop of merges would otherwise write a quadratic number of bytes.
   */
  merge(field: MergedField, values: Readonly<Record<string, JsonValue>>): void {
    this.#readWorkers();
    const entries = Object.entries(values);
    this.#merged.add(field, entries);
    this.#number(() => (entries.length === 0 ? {} : { [field]: entries.map(([name]) => name) }));
    this.#unwritten.add('record');
    this.#writeSoon();
  }

  /**
   * Adds artifacts to the lineage. Replaces artifacts of the same name and kind, because Polyaxon uses the name as key. If another
   * kind has the name, appends the artifact's kind to its name and warns.
   */
  addArtifacts(artifacts: readonly RunArtifact[]): void {
    if (artifacts.length === 0) return;
    this.#readWorkers();
    // A worker cannot see whether another process has replaced its entry.
    const added = this.#isWorker ? artifacts : artifacts.filter((artifact) => !this.#hasArtifact(artifact));
    if (added.length === 0) return;
    for (const artifact of added) this.#addArtifact(artifact);
    this.#number(() => ({ lineage: added.map(toArtifactKey) }));
    this.#unwritten.add('lineage');
    this.#writeSoon();
  }

  /** Merges the additions of workers so far. */
  mergeWorkers(): void {
    this.#readWorkers();
    if (this.#unwritten.size > 0) this.#write();
  }

  /** Writes pending changes, and files that another program has removed. Throws `RunWriteError` if that fails. */
  settle(): void {
    if (this.#options.persist) this.#noteRemovedFiles();
    if (this.#unwritten.size > 0) this.#write();
    if (this.#failure !== undefined) throw this.#failure;
  }

  get #isWorker(): boolean {
    return this.#options.writer !== MAIN_WRITER;
  }

  #hasArtifact(artifact: RunArtifact): boolean {
    const renamed = toRenamed(artifact);
    return [artifact, renamed].some((each) => isDeepStrictEqual(each, this.#lineage.get(each.name)));
  }

  #addArtifact(artifact: RunArtifact): void {
    const known = this.#lineage.get(artifact.name);
    if (known === undefined || known.kind === artifact.kind) {
      this.#lineage.set(artifact.name, artifact);
      return;
    }
    if (known.kind === 'system') {
      // Rename the system metric: Polyaxon finds an event's file by the artifact's name.
      this.#lineage.set(artifact.name, artifact);
      this.#addArtifact(known);
      return;
    }
    const renamed = toRenamed(artifact);
    if (artifact.kind !== 'system') {
      const message = `${artifact.name}: the lineage already has a ${known.kind} of that name; the ${artifact.kind} is stored as ${renamed.name}`;
      this.#diagnostics.warn('WARN_NAME_TAKEN', message);
    }
    this.#lineage.set(renamed.name, renamed);
  }

  /** Creates the run file, or reads the run of an earlier process. Of several processes that start at the same time, one creates it. */
  #claim(resume: boolean): RunMetadata {
    const { paths } = this;
    if (existsSync(paths.runFile)) return this.#readRun(resume);
    try {
      mkdirSync(paths.run, { recursive: true });
      const isCreated = this.#writeFirst(paths.runFile);
      return isCreated ? {} : this.#readRun(resume);
    } catch (error) {
      if (error instanceof CodedError) throw error;
      return {}; // the first write meets the same failure, and reports it
    }
  }

  /** Writes the formats first, because an uploader may find the run at any time. Returns false if the run file exists. */
  #writeFirst(path: string): boolean {
    this.#writeFormats();
    const text = JSON.stringify(this.#record);
    const isCreated = createFileSync(path, text, { fsync: this.#options.fsync });
    if (isCreated) this.#contents.set(path, text);
    return isCreated;
  }

  /** Returns the metadata of the earlier process. */
  #readRun(resume: boolean): RunMetadata {
    const { paths } = this;
    if (!resume) throw new RunExistsError(paths.run);
    const earlier = this.#readJson(paths.runFile, (value) => parseEarlierRecord(value, this.#record));
    const orderPath = join(paths.run, PROCESS_DIRECTORY, ORDER_FILE);
    if (existsSync(orderPath)) this.#setOrder(this.#readJson(orderPath, parseMetadataOrder));
    if (existsSync(paths.lineageFile)) {
      for (const artifact of this.#readJson(paths.lineageFile, parseEarlierLineage))
        this.#lineage.set(artifact.name, artifact);
    }
    const given = this.#record;
    this.#record = earlier;
    // What the workers of the earlier process have logged comes before what this process logs.
    this.#readWorkers();
    const merged = this.#record;
    this.#record = mergeRecords(merged, given);
    return merged;
  }

  #readJson<T>(path: string, parse: (value: unknown) => T): T {
    try {
      return parse(JSON.parse(readFileSync(path, 'utf8')));
    } catch (cause) {
      throw new ResumeError(this.paths.run, `${path}: ${messageOf(cause)}`, { cause });
    }
  }

  /** Throws `RunCleanedError` if files of the run were deleted. Otherwise the new files would replace the complete ones in the store. */
  #checkCleaned(): void {
    const { paths } = this;
    const { resume, mayLackFiles } = this.#options;
    const store = findCleanedStore(paths.run);
    const isRefusedAnyway = !resume && !this.#isWorker && existsSync(paths.runFile);
    if (store === null || mayLackFiles || isRefusedAnyway) return;
    throw new RunCleanedError(paths.run, 'cannot resume: local files of the run were deleted', store);
  }

  #warnIfCleaned(store: string | null): void {
    if (store === null) return;
    const { message, hint } = new RunCleanedError(
      this.paths.run,
      'local files of the run were deleted',
      store,
    );
    this.#diagnostics.warn(
      'WARN_RUN_CLEANED',
      `${message}; what it logs now does not continue them. ${hint}`,
    );
  }

  /** Returns the metadata of the earlier process. */
  #readWorkerFile(path: string): RunMetadata {
    if (!existsSync(path)) return {};
    const { lineage, order, ...metadata } = this.#readJson(path, parseEarlierWorker);
    this.#setOrder(order);
    this.#record = mergeMetadata({ ...this.#record, ...metadata }, this.#record);
    for (const artifact of lineage) this.#lineage.set(artifact.name, artifact);
    return metadata;
  }

  /** Reads the files of workers that have changed. Reports a file that cannot be read, and tries again next time. */
  #readWorkers(): void {
    if (this.#isWorker || !this.#options.persist) return;
    for (const path of this.#listWorkerFiles()) {
      try {
        const { ino, size, mtimeMs, ctimeMs } = statSync(path);
        const state = `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
        if (this.#mergedFiles.get(path) === state) continue;
        this.#mergeWorker(parseEarlierWorker(JSON.parse(readFileSync(path, 'utf8'))));
        this.#mergedFiles.set(path, state);
      } catch (cause) {
        this.#diagnostics.error(new RunWriteError(path, 'merge the data of a worker', { cause }));
      }
    }
  }

  #mergeWorker({ lineage, order, ...metadata }: EarlierWorkerFile): void {
    const base = { metadata: this.record, order: this.#wholeOrder() };
    const merged = mergeRunData(base, { metadata, lineage, order });
    if (merged.metadata !== base.metadata) this.#unwritten.add('record').add('order');
    this.#record = merged.metadata;
    for (const artifact of merged.lineage) this.#addArtifact(artifact);
    if (merged.lineage.length > 0) this.#unwritten.add('lineage').add('order');
    this.#setOrder(merged.order);
  }

  #setOrder(order: MetadataOrder): void {
    this.#order = order;
    this.#largestNumber = findLargestNumber(order);
  }

  #wholeOrder(): MetadataOrder {
    this.#order = this.#numbered.addTo(this.#order);
    return this.#order;
  }

  /** Numbers what this process has written, so that it wins over earlier writes of other processes. Without others, there are none. */
  #number(findNames: () => MetadataNames & { readonly lineage?: readonly string[] }): void {
    if (!this.#options.persist || (!this.#isWorker && this.#listWorkerFiles().length === 0)) return;
    const names = findNames();
    if (Object.keys(names).length === 0) return;
    const number = this.#counter.next(this.#largestNumber);
    for (const [field, list] of Object.entries(names))
      this.#numbered.add(
        field,
        list.map((name) => [name, number]),
      );
    this.#unwritten.add('order');
  }

  #noteRemovedFiles(): void {
    const { paths } = this;
    const { writer } = this.#options;
    if (!existsSync(toFormatsPath(paths.run, writer))) this.#unwritten.add('formats');
    const isMissing = this.#isWorker
      ? !existsSync(toWorkerPath(paths.run, writer))
      : !existsSync(paths.runFile) || !existsSync(paths.lineageFile);
    if (isMissing) this.#unwritten.add('record').add('lineage').add('order');
  }

  #listWorkerFiles(): string[] {
    const directory = join(this.paths.run, PROCESS_DIRECTORY);
    try {
      return readdirSync(directory)
        .filter(isWorkerFile)
        .sort()
        .map((name) => join(directory, name));
    } catch {
      // The directory does not exist before the first process writes to it.
      return [];
    }
  }

  #writeSoon(): void {
    if (!this.#isPausing || performance.now() >= this.#pauseEndMs) this.#write();
  }

  /** Lets the next merges be written together, at the end of a pause. */
  #pause(): void {
    this.#pauseEndMs = performance.now() + PAUSE_MS;
    if (this.#isPausing) return;
    this.#isPausing = true;
    setTimeout(() => {
      this.#isPausing = false;
      if (this.#unwritten.size > 0) this.#write();
    }, PAUSE_MS).unref();
  }

  #write(): void {
    if (!this.#options.persist) return;
    const { paths } = this;
    try {
      mkdirSync(paths.tensorboard, { recursive: true });
      // Write the formats first, because an uploader may find the run at any time.
      if (this.#unwritten.has('formats')) this.#writeFormats();
      if (this.#isWorker) this.#writeWorkerFile();
      else this.#writeRun();
      this.#unwritten.clear();
      if (this.#isLarge) this.#pause();
      if (this.#failure !== undefined) this.#diagnostics.recovered(this.#failure.code);
      this.#failure = undefined;
    } catch (cause) {
      this.#failure = new RunWriteError(paths.run, 'write the run directory', { cause });
      this.#diagnostics.error(this.#failure);
    }
  }

  #writeRun(): void {
    const { paths } = this;
    if (this.#unwritten.has('lineage')) this.#replace(paths.lineageFile, this.lineage);
    if (this.#unwritten.has('record')) this.#replace(paths.runFile, this.record, isDone(this.record.status));
    // Last: if the process ends before, the same data is only merged again.
    const order = this.#wholeOrder();
    const hasOrder = this.#unwritten.has('order') && Object.keys(order).length > 0;
    if (hasOrder) this.#replace(join(paths.run, PROCESS_DIRECTORY, ORDER_FILE), order);
  }

  /** Keeps the formats of earlier processes, so that the uploader does not export a run that its writer has exported. */
  #writeFormats(): void {
    const path = toFormatsPath(this.paths.run, this.#options.writer);
    const formats = new Set([...readFormats(path), ...this.#options.formats]);
    mkdirSync(dirname(path), { recursive: true });
    this.#replace(path, { formats: [...formats].sort() });
  }

  #writeWorkerFile(): void {
    const { tags, meta_info, inputs, outputs } = this.record;
    const path = toWorkerPath(this.paths.run, this.#options.writer);
    mkdirSync(dirname(path), { recursive: true });
    this.#replace(path, {
      tags,
      meta_info,
      inputs,
      outputs,
      lineage: this.lineage,
      order: this.#wholeOrder(),
    });
  }

  /**
   * Writes a file unless it has this content, because an uploader would send it again. `isLast`: the file is synced also without the option
   * `fsync`. Otherwise, a power failure soon after the end could leave an empty file instead of the record, on file systems such as XFS.
   */
  #replace(path: string, content: unknown, isLast = false): void {
    const text = JSON.stringify(content);
    this.#isLarge ||= text.length > LARGE_BYTES;
    if (this.#contents.get(path) === text && existsSync(path)) return;
    replaceFileSync(path, text, { fsync: this.#options.fsync || isLast });
    this.#contents.set(path, text);
  }

  /** Links to the event files by the name of the run. Reports the first failure, unless a failure of the disk was reported already. */
  #link(isNew: boolean): void {
    const { name, uuid } = this.#record;
    const { link, persist } = this.#options;
    this.#linkedName = name;
    if (!link || !persist || this.#isWorker) return;
    try {
      linkRun(this.paths, name, uuid, isNew);
    } catch (error) {
      if (this.#failure !== undefined || this.#hasReportedLink) return;
      this.#hasReportedLink = true;
      const { root, links } = this.paths;
      this.#diagnostics.warn(
        'WARN_LINK_FAILED',
        `${links}: could not create the link with the name of the run (${messageOf(error)}); tensorboard --logdir ${root} shows the run by its uuid`,
      );
    }
  }
}

/** Returns an artifact under the name that it gets when another kind has its name. */
function toRenamed(artifact: RunArtifact): RunArtifact {
  return { ...artifact, name: `${artifact.name}-${artifact.kind}` };
}

/** Returns the record of a resumed run: that of the earlier process, updated with the values given to this one. */
function mergeRecords(earlier: RunRecord, given: RunRecord): RunRecord {
  const { description, owner, project } = given;
  return mergeMetadata(
    {
      ...withoutEnd(earlier),
      ...(description === undefined ? {} : { description }),
      ...(owner === undefined ? {} : { owner }),
      ...(project === undefined ? {} : { project }),
    },
    given,
  );
}

function readFormats(path: string): readonly string[] {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { formats: string[] }).formats;
  } catch {
    return []; // usually the first process, which finds no file
  }
}
