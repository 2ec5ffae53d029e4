/**
 * Finds names that a store treats as the same: names that differ only in case, or in the Unicode composition of accents. The first
 * file is stored; the others are reported.
 */

import { FileError } from '../../base/errors.js';
import type { FileId } from '../inventory/file-table.js';
import type { Inventory } from '../inventory/inventory.js';

export class NameCollisions {
  readonly #inventory: Inventory;
  /** The file that owns each folded key. */
  readonly #owners = new Map<string, FileId>();

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  /** Returns why a store that folds names cannot store the file; null when it can. */
  findProblem(id: FileId): FileError | null {
    const key = this.#inventory.keyOf(id);
    const folded = key.normalize('NFC').toLowerCase();
    const owner = this.#owners.get(folded);
    if (owner === undefined) this.#owners.set(folded, id);
    if (owner === undefined || owner === id) return null;
    const found = `the store treats its name as the same as ${this.#inventory.relPathOf(owner)}`;
    return new FileError('ERR_NAME_TWIN', this.#inventory.relPathOf(id), found, 'Rename one of them.');
  }
}
