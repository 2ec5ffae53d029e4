/**
 * Names that a store takes for one although they are two: in upper and lower case, or with accents composed and apart. The first one that
 * comes is stored, the other is reported.
 */

import { FileError } from '../../base/errors.js';
import type { FileId } from '../inventory/file-table.js';
import type { Inventory } from '../inventory/inventory.js';

export class NameTwins {
  readonly #inventory: Inventory;
  /** Who has a key, by what the store makes of it. */
  readonly #owners = new Map<string, FileId>();

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  /** Why a file cannot be stored in a store that folds names; null when it can. */
  findProblem(id: FileId): FileError | null {
    const key = this.#inventory.keyOf(id);
    const folded = key.normalize('NFC').toLowerCase();
    const owner = this.#owners.get(folded);
    if (owner === undefined) this.#owners.set(folded, id);
    if (owner === undefined || owner === id) return null;
    const found = `the store takes its name for that of ${this.#inventory.relPathOf(owner)}`;
    return new FileError('ERR_NAME_TWIN', this.#inventory.relPathOf(id), found, 'Give it another name.');
  }
}
