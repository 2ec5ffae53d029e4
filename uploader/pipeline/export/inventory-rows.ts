/**
 * Tells the tracker of the files that are made of a run's event files, and removes assets here once they are stored.
 *
 * A file that is shorter than what is stored of it, because an earlier process was killed, is told of when it has caught up: its object needs
 * no change, and must not be taken for an old one.
 */

import { type FileId, FLAG } from '../inventory/file-table.js';
import type { Inventory } from '../inventory/inventory.js';
import type { KnownRun } from '../inventory/known-run.js';
import type { ExportFiles } from './export-files.js';

export class InventoryRows {
  readonly #inventory: Inventory;
  readonly #run: KnownRun;
  readonly #told = new Set<FileId>();
  readonly #assets = new Map<FileId, string>();
  /** All of the run's event files were projected since the projector was opened, or since all is made anew. */
  #hasCaughtUp = false;

  constructor(inventory: Inventory, run: KnownRun) {
    this.#inventory = inventory;
    this.#run = run;
  }

  /** Of some files that were made or have grown. */
  async tell(made: ExportFiles, paths: readonly string[]): Promise<void> {
    const { table } = this.#inventory;
    for (const [path, stat] of await made.look(paths)) {
      const id = this.#inventory.idOf(`${this.#run.uuid}/${path}`);
      const isBehind = table.has(id, FLAG.stored) && stat.sizeBytes < table.objectBytes[id]!;
      if (isBehind && !this.#hasCaughtUp) continue;
      if (this.#inventory.onGeneratedFile(this.#run, path, stat) === null) continue;
      this.#told.add(id);
      if (made.assets.has(path)) this.#assets.set(id, path);
    }
  }

  /** Of all files, once everything is projected for the first time. */
  async tellAll(made: ExportFiles): Promise<void> {
    if (this.#hasCaughtUp) return;
    this.#hasCaughtUp = true;
    for (const path of made.assets.keys()) this.#inventory.onGeneratedStored(this.#run, path);
    await this.tell(made, [...made.assets.keys(), ...made.files.keys()]);
  }

  /** Everything is made anew: until that is done nothing of it is known. */
  forget(): void {
    for (const id of this.#told) this.#inventory.onGeneratedGone(id);
    this.#told.clear();
    this.reopen();
  }

  /** The projector begins where an earlier one was, or a little before. */
  reopen(): void {
    this.#assets.clear();
    this.#hasCaughtUp = false;
  }

  /** Removes the assets that are stored, and of which nothing is left to compare. */
  async removeStored(made: ExportFiles): Promise<void> {
    const { table } = this.#inventory;
    for (const [id, path] of this.#assets) {
      const isStored = table.has(id, FLAG.journalled) && table.has(id, FLAG.stored);
      if (!isStored || table.has(id, FLAG.dirty) || table.has(id, FLAG.taken)) continue;
      await made.removeAsset(path);
      this.#inventory.onGeneratedGone(id);
      this.#assets.delete(id);
      this.#told.delete(id);
    }
  }
}
