/**
 * Adds the generated files of a run to the inventory, and removes them from disk once they are stored.
 *
 * If an earlier process was killed, a generated file may be shorter than its object. It is added only once it has caught up: its object
 * needs no change and must not be treated as outdated.
 */

import { type FileId, FLAG } from '../inventory/file-table.js';
import type { Inventory } from '../inventory/inventory.js';
import type { KnownRun } from '../inventory/known-run.js';
import type { ExportFiles } from './export-files.js';

export class InventoryRows {
  readonly #inventory: Inventory;
  readonly #run: KnownRun;
  readonly #reported = new Map<FileId, string>();
  /** All of the run's event files were exported since the exporter was opened or restarted. */
  #hasCaughtUp = false;

  constructor(inventory: Inventory, run: KnownRun) {
    this.#inventory = inventory;
    this.#run = run;
  }

  /** Updates the inventory rows of files that were created or have grown. */
  async report(exportFiles: ExportFiles, paths: readonly string[]): Promise<void> {
    const { table } = this.#inventory;
    for (const [path, stat] of await exportFiles.check(paths)) {
      const id = this.#inventory.idOf(`${this.#run.uuid}/${path}`);
      const isBehind = table.has(id, FLAG.stored) && stat.sizeBytes < table.objectBytes[id]!;
      if (isBehind && !this.#hasCaughtUp) continue;
      if (this.#inventory.onGeneratedFile(this.#run, path, stat) === null) continue;
      this.#reported.set(id, path);
    }
  }

  /** Updates the rows of all files, once everything is exported for the first time. `shortenedPaths` may be shorter than their objects. */
  async reportAll(exportFiles: ExportFiles, shortenedPaths: Iterable<string>): Promise<void> {
    if (this.#hasCaughtUp) return;
    for (const path of shortenedPaths)
      this.#inventory.shortened.add(this.#inventory.idOf(`${this.#run.uuid}/${path}`));
    this.#hasCaughtUp = true;
    const paths = [...exportFiles.assets.keys(), ...exportFiles.files.keys()];
    for (const path of paths) this.#inventory.onGeneratedStored(this.#run, path);
    await this.report(exportFiles, paths);
  }

  /** Removes all rows, because all files are being regenerated. */
  forget(): void {
    for (const id of this.#reported.keys()) this.#inventory.onGeneratedGone(id);
    this.#reported.clear();
    this.reopen();
  }

  /** Prepares for a new exporter, which begins at or shortly before the end of the earlier one. */
  reopen(): void {
    this.#hasCaughtUp = false;
  }

  /** Removes files that are stored and need no further verification. */
  async removeStored(exportFiles: ExportFiles): Promise<void> {
    const { table } = this.#inventory;
    for (const [id, path] of this.#reported) {
      const isStored = table.has(id, FLAG.journalled) && table.has(id, FLAG.stored);
      if (!isStored || table.has(id, FLAG.dirty) || table.has(id, FLAG.taken)) continue;
      await exportFiles.removeStored(path);
      this.#inventory.onGeneratedGone(id);
      this.#reported.delete(id);
    }
  }
}
