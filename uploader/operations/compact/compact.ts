/**
 * Writes one clean event file for each run of a log directory: merged, sorted by step, without superseded points.
 *
 * The result is read back, and the model of what viewers show compares it with the original: a run that would look different stays unchanged.
 * By default the result is a copy; see `replace-files.ts` for the replacement in place.
 */

import { constants } from 'node:fs';
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { PARTIAL_SUFFIX } from '../../../src/base/atomic-file.js';
import { CodedError } from '../../../src/base/errors.js';
import { checkOptions, type OptionTable } from '../../../src/base/options.js';
import { compareShown, type Difference } from '../../../src/format/compaction/compare-shown.js';
import {
  type CompactionPlan,
  findEarlierTags,
  NO_POINT,
  planCompaction,
} from '../../../src/format/compaction/plan-compaction.js';
import { planSeparation } from '../../../src/format/compaction/plan-separation.js';
import { RecordIndex } from '../../../src/format/compaction/record-index.js';
import { isHiddenFileName } from '../../../src/format/event-file-name.js';
import { listEventFiles, type RunFiles } from '../../../src/format/reader/list-event-files.js';
import { SKIPPED_SUFFIX } from '../../../src/format/visibility/python-reader.js';
import { readVisibility, visitRun } from '../../../src/format/visibility/read-run.js';
import { RunVisibility, type VisibilityOptions } from '../../../src/format/visibility/run-visibility.js';
import { PolyaxonViewer } from '../../../src/polyaxon/export/polyaxon-viewer.js';
import { POLYAXON_PLUGIN } from '../../../src/polyaxon/polyaxon-value.js';
import { type Io, nodeIo } from '../../base/io/io.js';
import { findTargetProblem } from '../../base/io/target-directory.js';
import { removeFile } from '../../base/io/whole-file.js';
import { CompactDiffersError, CompactRefusedError, CompactTargetError } from './compact-errors.js';
import { Replacement } from './replace-files.js';
import { type ReadRun, writeCompacted } from './write-compacted.js';

export interface CompactOptions {
  /** Default: Node's file system, clock and processes. */
  readonly io?: Io | undefined;
  /** A new directory for the copies. Default: the log directory's path with `-compact`. */
  readonly output?: string | undefined;
  /** Replace the files instead of copying them. Default false. */
  readonly isInPlace?: boolean | undefined;
  /** Only read and plan. Default false. */
  readonly isDryRun?: boolean | undefined;
  /** In place: replace files of other programs that have not changed for this long. Default: one day. */
  readonly olderThanMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}
const COMPACT_OPTIONS: OptionTable<CompactOptions> = {
  io: 'object',
  output: 'string',
  isInPlace: 'boolean',
  isDryRun: 'boolean',
  olderThanMs: 'number',
  signal: 'object',
};

/** What was done with a run. */
export interface CompactedRun {
  /** The path below the log directory; `.` for the directory itself. */
  readonly run: string;
  /**
   * `compacted`: it is one clean file now; `clean`: it was one before; `kept`: it stays unchanged, and `error` says why; `planned`: a dry run
   * would compact it. Copies of runs that stay unchanged have the same files.
   */
  readonly outcome: 'compacted' | 'clean' | 'kept' | 'planned';
  /** The new file; null without one. */
  readonly path: string | null;
  readonly files: number;
  readonly bytes: number;
  /** The size of the new file; null without one. */
  readonly bytesAfter: number | null;
  readonly points: number;
  /** Points that were left out because no viewer shows them: something has replaced them. */
  readonly superseded: number;
  /** Points that were left out because every viewer stops at damage before them. */
  readonly damaged: number;
  readonly error: CodedError | null;
}

export interface CompactReport {
  readonly directory: string;
  /** The directory of the copies; null in place. */
  readonly output: string | null;
  readonly isDryRun: boolean;
  /** Whether no run stays unchanged. */
  readonly isComplete: boolean;
  readonly runs: readonly CompactedRun[];
}

/** What all viewers show. Which values they draw from a long series at random does not matter. */
const VISIBILITY: VisibilityOptions = {
  samples: 'all',
  viewers: { polyaxon: (state) => new PolyaxonViewer(state) },
};

/** How often a plan is corrected before a run stays unchanged. */
const MAX_ATTEMPTS = 3;

/**
 * Compacts every run below `directory`. Throws `CompactTargetError` if a directory cannot be used, errors of the file system, and the reason of
 * an aborted signal. Other failures concern one run, and are in the report.
 */
export async function compact(directory: string, options: CompactOptions = {}): Promise<CompactReport> {
  checkOptions('compact', options, COMPACT_OPTIONS);
  const { isInPlace = false, isDryRun = false, output = `${resolve(directory)}-compact` } = options;
  if (!(await stat(directory)).isDirectory()) throw new CompactTargetError(directory, 'is not a directory');
  const problem = isInPlace ? null : await findTargetProblem(directory, output);
  if (problem !== null) throw new CompactTargetError(output, problem);
  const runs: CompactedRun[] = [];
  for (const run of await listEventFiles(directory)) {
    runs.push(await new RunCompaction(run, isInPlace ? null : join(output, run.run), options).run());
  }
  return {
    directory: resolve(directory),
    output: isInPlace ? null : resolve(output),
    isDryRun,
    isComplete: runs.every(({ outcome }) => outcome !== 'kept'),
    runs,
  };
}

class RunCompaction {
  readonly #files: RunFiles;
  /** The directory of the copy; null in place. */
  readonly #target: string | null;
  readonly #options: CompactOptions;
  readonly #io: Io;
  #result: CompactedRun;

  constructor(files: RunFiles, target: string | null, options: CompactOptions) {
    this.#files = files;
    this.#target = target;
    this.#options = options;
    this.#io = options.io ?? nodeIo;
    this.#result = {
      run: files.run,
      outcome: 'clean',
      path: null,
      files: files.files.length,
      bytes: 0,
      bytesAfter: null,
      points: 0,
      superseded: 0,
      damaged: 0,
      error: null,
    };
  }

  async run(): Promise<CompactedRun> {
    try {
      if (this.#options.isDryRun === true) await this.#plan();
      else if (this.#target === null) await this.#replace();
      else await this.#copy(this.#target);
    } catch (error) {
      if (!(error instanceof CodedError) || this.#options.signal?.aborted === true) throw error;
      this.#result = { ...this.#result, outcome: 'kept', superseded: 0, damaged: 0, error };
      if (this.#target !== null && this.#options.isDryRun !== true) await this.#copyFiles(this.#target);
    }
    return this.#result;
  }

  async #plan(): Promise<void> {
    const { run, plan, isClean } = await this.#read();
    if (isClean) return;
    if (plan.isDivided && planSeparation(run.shown, run.index, POLYAXON_PLUGIN) === undefined)
      throw new CompactRefusedError(this.#files.directory, DIVIDED, REPAIR);
    this.#check(plan);
    this.#result = { ...this.#result, outcome: 'planned' };
  }

  async #copy(target: string): Promise<void> {
    const read = await this.#read();
    if (read.isClean) return this.#copyFiles(target);
    await mkdir(target, { recursive: true });
    const partial = join(target, PARTIAL_NAME);
    const path = join(target, toReadName(this.#files.files.at(-1)!));
    const { plan, bytes } = await this.#write(read.run, read.plan, partial, []);
    await rename(partial, path);
    await this.#io.fileSystem.syncDirectory(target);
    this.#finish(plan, path, bytes);
  }

  async #replace(): Promise<void> {
    const { directory, files } = this.#files;
    const replacement = await Replacement.open(this.#io, directory, files, this.#options);
    try {
      const { run, plan, isClean } = await this.#read();
      if (isClean) return;
      const written = await this.#write(run, plan, replacement.partialPath, files);
      const path = await replacement.replace();
      this.#finish(written.plan, path, written.bytes);
    } finally {
      await replacement.close();
    }
  }

  async #read(): Promise<{ run: ReadRun; plan: CompactionPlan; isClean: boolean }> {
    const { directory, files } = this.#files;
    const { signal } = this.#options;
    const visibility = new RunVisibility(VISIBILITY);
    const index = new RecordIndex();
    await visitRun(
      directory,
      files,
      {
        openFile: (name) => {
          visibility.openFile(name);
          index.openFile();
        },
        read: (batch) => {
          index.read(batch);
          if (batch.kind === 'scalars') visibility.addScalars(batch.scalars);
          else visibility.add(batch.event);
        },
        meetDamage: (part, event, { offset, sizeBytes }) => {
          index.meetDamage(event, offset, sizeBytes);
          visibility.addDamage(part, event);
        },
      },
      signal,
    );
    const shown = visibility.finish();
    const paths = files.map((name) => join(directory, name));
    const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const plan = planCompaction(shown, index);
    this.#result = { ...this.#result, bytes, points: shown.points.count };
    const isClean = files.length === 1 && plan.isSame && index.beginsWithVersion && index.endsAt === bytes;
    if (!isClean) this.#result = { ...this.#result, superseded: plan.superseded, damaged: plan.damaged };
    return { run: { paths, shown, index }, plan, isClean };
  }

  /** Throws if the plan cannot be carried out. */
  #check({ damaged }: CompactionPlan): void {
    if (damaged === 0 || this.#target !== null) return;
    throw new CompactRefusedError(
      this.#files.directory,
      `${damaged} points after damage would be deleted, which no viewer shows but a repair can restore`,
      `${REPAIR} Or compact into another directory.`,
    );
  }

  /** Writes the file, reads it back, and compares it with the original. Returns the plan that was right. */
  async #write(
    run: ReadRun,
    first: CompactionPlan,
    partial: string,
    replaced: readonly string[],
  ): Promise<{ plan: CompactionPlan; bytes: number }> {
    const { fileSystem } = this.#io;
    const whole = new Set<number>();
    let plan: CompactionPlan | undefined = first.isDivided
      ? planSeparation(run.shown, run.index, POLYAXON_PLUGIN)
      : first;
    try {
      for (let attempt = 1; ; attempt++) {
        if (plan === undefined) throw new CompactRefusedError(this.#files.directory, DIVIDED, REPAIR);
        const differences = await this.#try(run, plan, partial, replaced);
        if (differences.length === 0) return { plan, bytes: (await stat(partial)).size };
        const tags = differences.map(({ tag }) => run.shown.points.tags.indexOf(tag));
        const isNew = tags.some((tag) => !whole.has(tag));
        if (plan.isSeparate) {
          const { tag, viewer } = differences[0]!;
          throw new CompactDiffersError(this.#files.directory, tag, viewer);
        }
        for (const each of tags) whole.add(each);
        plan =
          attempt < MAX_ATTEMPTS && isNew
            ? planCompaction(run.shown, run.index, whole)
            : planSeparation(run.shown, run.index, POLYAXON_PLUGIN);
      }
    } catch (error) {
      await removeFile(fileSystem, partial).catch(() => {}); // the error that came first matters
      throw error;
    }
  }

  /** Writes the file of a plan, and returns how it differs from the original. */
  async #try(
    run: ReadRun,
    plan: CompactionPlan,
    partial: string,
    replaced: readonly string[],
  ): Promise<Difference[]> {
    this.#check(plan);
    const { fileSystem } = this.#io;
    await removeFile(fileSystem, partial);
    const earlier = replaced.length === 0 ? undefined : findEarlierTags(run.shown, plan);
    await writeCompacted(fileSystem, partial, run, plan, {
      replaced: earlier,
      signal: this.#options.signal,
    });
    const added = plan.labels.reduce((sum, { reader }) => sum + (reader === 'others' ? 2 : 1), 0);
    const header = new Array<number>(added + (earlier?.length ?? 0)).fill(NO_POINT);
    const points = header.concat(Array.from(plan.points));
    return this.#compare(run, points, partial, replaced);
  }

  /** Compares the file alone with the original, and if it replaces files, also the file beside all of them. */
  async #compare(
    { shown }: ReadRun,
    points: readonly number[],
    partial: string,
    replaced: readonly string[],
  ): Promise<Difference[]> {
    const { signal } = this.#options;
    const directory = dirname(partial);
    const name = basename(partial);
    const last = this.#files.files.at(-1)!;
    // A file that TensorBoard ignores gets such a name again.
    const nameOf = (each: string): string => (each === name && isHiddenFileName(last) ? last : each);
    const options = { ...VISIBILITY, nameOf };
    const alone = await readVisibility(directory, [name], options, signal);
    const differences = compareShown(shown, alone, points);
    if (replaced.length === 0 || differences.length > 0) return differences;
    const beside = await readVisibility(directory, [...replaced, name], options, signal);
    const { count } = shown.points;
    const originals = Array.from({ length: count }, (_, point) => point);
    return compareShown(shown, beside, originals.concat(points));
  }

  #finish({ superseded, damaged }: CompactionPlan, path: string, bytesAfter: number): void {
    this.#result = { ...this.#result, outcome: 'compacted', path, bytesAfter, superseded, damaged };
  }

  /** Copies the files unchanged. */
  async #copyFiles(target: string): Promise<void> {
    const { directory, files } = this.#files;
    await mkdir(target, { recursive: true });
    for (const name of files) {
      const partial = join(target, PARTIAL_NAME);
      await rm(partial, { force: true });
      await copyFile(join(directory, name), partial, constants.COPYFILE_EXCL);
      await rename(partial, join(target, name));
    }
  }
}

/** A name for a file that every reader reads. */
function toReadName(name: string): string {
  return name.endsWith(SKIPPED_SUFFIX) ? `${name}.compact` : name;
}

const DIVIDED =
  'the viewers have stopped at different places of damaged files, and no order of the points shows the same in all of them';
const REPAIR = 'Repair the files with `polytrack fsck --repair`, and compact the repaired copies.';

/** Without `tfevents`, so that no viewer reads it. */
const PARTIAL_NAME = `compact${PARTIAL_SUFFIX}`;
