/**
 * Forgets runs whose directory is gone, so that memory, journal and state directory depend on what exists and not on what once did.
 *
 * The store is authoritative: if such a run returns, its files are compared with their objects.
 */

import { inBackground } from '../../src/base/background.js';
import type { FileSystem } from '../base/io/file-system.js';
import { removeTree } from '../base/io/remove-tree.js';
import { systemErrorCode } from '../base/io/system-error.js';
import { joinNames } from '../base/join-path.js';
import type { CommitContext } from '../pipeline/commit/commit-context.js';
import { dropIntent } from '../pipeline/commit/open-intents.js';
import type { FileId } from '../pipeline/inventory/file-table.js';
import { FLAG } from '../pipeline/inventory/file-table.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import type { RunKeeper, UploaderContext } from './context/uploader-context.js';

/** Longer than it takes to confirm that files were lost; see loss-check.ts. */
const FORGET_AFTER_MS = 75_000;

export class GoneRuns implements RunKeeper {
  readonly #context: UploaderContext;
  /** When each run was found to be gone. */
  readonly #gone = new Map<KnownRun, number>();
  readonly #dropping = new Set<KnownRun>();

  constructor(context: UploaderContext) {
    this.#context = context;
    context.runKeepers.push(this);
  }

  onRunGone(run: KnownRun): void {
    this.#gone.set(run, this.#context.clock.monotonicMs());
  }

  /** Call after a scan of the whole root: runs that only the journal knows are gone too. */
  addUnseen(): void {
    const { inventory } = this.#context;
    if (!this.#isWhole()) return;
    for (const run of inventory.runs) if (run.directory === null && !this.#gone.has(run)) this.onRunGone(run);
  }

  /** Forgets runs that have been gone for a while and have no work left. */
  async check(commitContext: CommitContext, signal: AbortSignal): Promise<void> {
    const { clock, rootWatch, paths } = this.#context;
    if (this.#gone.size === 0 || rootWatch.unavailableReason !== null) return;
    const nowMs = clock.monotonicMs();
    const due = [...this.#gone].filter(([, sinceMs]) => nowMs - sinceMs >= FORGET_AFTER_MS);
    const forgotten = this.#forget(
      due.map(([run]) => run),
      (run, ids) => inBackground(this.#drop(run, ids, commitContext, signal)),
    );
    for (const { uuid } of forgotten)
      for (const path of [`${paths.exports}/${uuid}`, `${paths.notified}/${uuid}.json`])
        await this.#remove(Buffer.from(path));
  }

  /** Like `check`, without the delay: for a sync, at its end. */
  forgetNow(): void {
    if (this.#context.rootWatch.unavailableReason === null) this.#forget([...this.#gone.keys()]);
  }

  /** Removes the files in the state directory of all runs that are not on disk. Call after a scan of the whole root. */
  async removeState(): Promise<void> {
    const { inventory, io, paths, rootWatch } = this.#context;
    if (!this.#isWhole() || rootWatch.unavailableReason !== null) return;
    for (const directory of [paths.exports, paths.notified])
      for (const name of await listNames(io.fileSystem, directory)) {
        const uuid = name.replace(/\.json(\.partial)?$/, '');
        if ((inventory.findRun(uuid)?.directory ?? null) !== null) continue;
        await this.#remove(joinNames(Buffer.from(directory), name));
      }
  }

  /** A scan of one run directory says nothing about the other runs of its root. */
  #isWhole(): boolean {
    const { start, root } = this.#context.place;
    return start.equals(root);
  }

  async #remove(path: Buffer): Promise<void> {
    const { fileSystem } = this.#context.io;
    try {
      const { kind } = await fileSystem.lstat(path);
      await (kind === 'directory' ? removeTree(fileSystem, path) : fileSystem.unlink(path));
    } catch (error) {
      // It has never existed, or the journal reports the failing disk; the next uploader tries again.
      if (systemErrorCode(error) === undefined) throw error;
    }
  }

  #forget(
    runs: readonly KnownRun[],
    onIntents: (run: KnownRun, ids: readonly FileId[]) => void = () => undefined,
  ): KnownRun[] {
    const { inventory, runKeepers } = this.#context;
    const forgotten: KnownRun[] = [];
    for (const run of runs) {
      if (run.directory !== null) {
        this.#gone.delete(run);
        continue;
      }
      const ids = [...inventory.filesOf(run)];
      const open = ids.filter((id) => inventory.intents.has(id));
      if (open.length > 0) onIntents(run, open);
      if (open.length > 0 || ids.some((id) => this.#isInUse(id))) continue;
      this.#gone.delete(run);
      for (const keeper of runKeepers) keeper.onForgotten?.(run, ids);
      forgotten.push(run);
    }
    inventory.forget(forgotten);
    return forgotten;
  }

  #isInUse(id: FileId): boolean {
    const { inventory } = this.#context;
    return inventory.table.has(id, FLAG.taken) || inventory.missing.has(id);
  }

  /** Removes from the store the remains of commits that will never be resumed. */
  async #drop(
    run: KnownRun,
    ids: readonly FileId[],
    commitContext: CommitContext,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#dropping.has(run)) return;
    this.#dropping.add(run);
    try {
      for (const id of ids) {
        const open = commitContext.inventory.intents.get(id);
        if (open !== undefined) await dropIntent(id, open, commitContext, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#dropping.delete(run);
      this.#gone.set(run, this.#context.clock.monotonicMs());
    }
  }
}

async function listNames(fileSystem: FileSystem, directory: string): Promise<string[]> {
  try {
    return (await fileSystem.readDirectory(directory)).map(String);
  } catch (error) {
    // It has never existed, or the journal reports the failing disk; the next uploader tries again.
    if (systemErrorCode(error) !== undefined) return [];
    throw error;
  }
}
