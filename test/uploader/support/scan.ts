/** Runs the scanner without the rest of the uploader. */

import { systemClock } from '../../../src/base/clock.js';
import type { FileError } from '../../../uploader/base/errors.js';
import type { FileStat, FileSystem } from '../../../uploader/base/io/file-system.js';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import type { ScannedRun, ScanSink } from '../../../uploader/pipeline/inventory/scan-sink.js';
import type { SkippedPath } from '../../../uploader/pipeline/scan/directory-node.js';
import { IgnoreRules, type PatternOptions } from '../../../uploader/pipeline/scan/ignore-rules.js';
import { LayoutRules } from '../../../uploader/pipeline/scan/layout-rules.js';
import { RootWatch } from '../../../uploader/pipeline/scan/root-watch.js';
import { Scanner, type ScannerOptions } from '../../../uploader/pipeline/scan/scanner.js';
import { explainNoRuns, locate } from '../../../uploader/run-directory/locate-runs.js';

export interface FoundFile {
  readonly runUuid: string;
  readonly relPath: string;
  readonly stat: FileStat;
}

/** A sink that records the last version of each file, and which files were deleted or excluded. */
export class RecordingSink implements ScanSink {
  readonly runs: ScannedRun[] = [];
  readonly files = new Map<number, FoundFile>();
  readonly gone: string[] = [];
  readonly #folders: { run: number; path: string }[] = [];
  readonly #ids = new Map<string, number>();

  onRun(run: ScannedRun): number {
    this.runs.push(run);
    return this.runs.length - 1;
  }

  onRunGone(run: number): void {
    this.gone.push(this.runs[run]!.runUuid);
  }

  onFolder(run: number, path: string): number {
    return this.#folders.push({ run, path }) - 1;
  }

  onFile(folder: number, name: string, stat: FileStat): { id: number; isChanged: boolean } {
    const { run, path } = this.#folders[folder]!;
    const relPath = path === '' ? name : `${path}/${name}`;
    const key = `${run} ${relPath}`;
    const id = this.#ids.get(key) ?? this.#ids.size;
    this.#ids.set(key, id);
    const last = this.files.get(id)?.stat;
    this.files.set(id, { runUuid: this.runs[run]!.runUuid, relPath, stat });
    return { id, isChanged: last?.sizeBytes !== stat.sizeBytes || last.mtimeNs !== stat.mtimeNs };
  }

  countMissing(folder: number, present: ReadonlySet<number>): number {
    return this.#in(folder).filter(([id]) => !present.has(id)).length;
  }

  onGone(folder: number, present: ReadonlySet<number>, names: ReadonlySet<string>): void {
    for (const [id, { relPath }] of this.#in(folder)) {
      if (present.has(id) || names.has(relPath.slice(relPath.lastIndexOf('/') + 1))) continue;
      this.files.delete(id);
      this.gone.push(relPath);
    }
  }

  onLeftOut(folder: number, name: string): void {
    for (const [id, { relPath }] of this.#in(folder)) if (relPath.endsWith(name)) this.files.delete(id);
  }

  onFolderLeftOut(folder: number): void {
    for (const [id] of this.#in(folder)) this.files.delete(id);
  }

  #in(folder: number): [number, FoundFile][] {
    const { run, path } = this.#folders[folder]!;
    const { runUuid } = this.runs[run]!;
    return [...this.files].filter(
      ([, file]) => file.runUuid === runUuid && file.relPath.split('/').slice(0, -1).join('/') === path,
    );
  }
}

export interface ScanSetup {
  readonly scanner: Scanner;
  readonly sink: RecordingSink;
  readonly rootWatch: RootWatch;
  /** The events of the root watch. */
  readonly said: string[];
}

/** Creates a scanner of `root`; by default it imports log directories immediately and reads the real disk. */
export function createScanner(
  root: string,
  options: Partial<ScannerOptions> & { patterns?: PatternOptions } = {},
): ScanSetup {
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  const said: string[] = [];
  const rootWatch = new RootWatch(fileSystem, Buffer.from(root), {
    onUnavailable: (reason) => said.push(`away: ${reason}`),
    onBack: () => said.push('back'),
  });
  const sink = new RecordingSink();
  const scanner = new Scanner({
    clock: systemClock,
    root: Buffer.from(root),
    rootWatch,
    rules: IgnoreRules.create(options.patterns),
    sink,
    uuidSeed: 'a root',
    layoutRules: new LayoutRules(),
    isKnownPlace: async () => false,
    lastStored: () => undefined,
    adoptAfterMs: 0,
    toKeyPrefix: (uuid) => `${uuid}/`,
    crossFileSystems: false,
    allowHardLinks: true,
    ...options,
    fileSystem,
  });
  return { scanner, sink, rootWatch, said };
}

/** The result of one scan of a single run directory. */
export interface Snapshot {
  /** Sorted by path. */
  readonly files: readonly {
    readonly relPath: string;
    readonly sizeBytes: number;
    readonly mtimeNs: bigint;
    readonly ctimeNs: bigint;
    readonly ino: bigint;
  }[];
  readonly skipped: readonly SkippedPath[];
  readonly problems: readonly FileError[];
}

export async function scanRun(directory: string, fileSystem?: FileSystem): Promise<Snapshot> {
  const { scanner, sink } = createScanner(directory, fileSystem === undefined ? {} : { fileSystem });
  await scanner.scanAll();
  const files = [...sink.files.values()].map(({ relPath, stat }) => {
    const { sizeBytes, mtimeNs, ctimeNs, ino } = stat;
    return { relPath, sizeBytes, mtimeNs, ctimeNs, ino };
  });
  files.sort((a, b) => (a.relPath < b.relPath ? -1 : 1));
  return { files, skipped: scanner.skipped, problems: scanner.problems.map(({ error }) => error) };
}

/** Locates the root and runs of a command-line path, like `sync`. Throws the same errors as `sync`. */
export async function locateRuns(path: string) {
  const place = await locate(nodeFileSystem, path, { mayBeMissing: false });
  const { scanner, sink } = createScanner(place.start.toString());
  await scanner.scanAll();
  if (sink.runs.length === 0 && scanner.problems.length === 0) {
    const error = await explainNoRuns(nodeFileSystem, path);
    if (error !== null) throw error;
  }
  const runs = sink.runs
    .map(({ runUuid, directory }): [string, string] => [runUuid, directory.toString()])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    root: place.root.toString(),
    runs,
    skipped: scanner.skipped.map(({ path: skipped, reason }) => ({ path: skipped, reason })),
    problems: scanner.problems.map(({ error }) => error),
  };
}
