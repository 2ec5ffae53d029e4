/**
 * Checks whether the root is available, so that an unmounted volume is not mistaken for a tree whose files were all deleted.
 *
 * It writes nothing into the tree. A root counts as unavailable when it cannot be listed, when it has become empty, or when it is another
 * directory with none of the previous entries.
 */

import { messageOf } from '../../../src/base/errors.js';
import { RUN_FILE, RUNS_DIRECTORY } from '../../../src/run-directory/layout.js';
import type { FileStat, FileSystem } from '../../base/io/file-system.js';
import { isAbsent } from '../../base/io/system-error.js';

/** Maximum number of names to remember for recognising a root. */
const MAX_NAMES = 4096;

interface RootListener {
  readonly onUnavailable: (reason: string) => void;
  readonly onBack: () => void;
}

export class RootWatch {
  readonly #fileSystem: FileSystem;
  readonly #root: Buffer;
  readonly #listener: RootListener;
  /** Names of the last valid listing, decoded as latin1. */
  #names = new Set<string>();
  #ino: bigint | undefined;
  #unavailableReason: string | null = null;
  #device: bigint | undefined;

  constructor(fileSystem: FileSystem, root: Buffer, listener: RootListener) {
    this.#fileSystem = fileSystem;
    this.#root = root;
    this.#listener = listener;
  }

  /** Why the root was unavailable at the last check; null when it was available. */
  get unavailableReason(): string | null {
    return this.#unavailableReason;
  }

  /** The device of the root; undefined until the root has been found. */
  get device(): bigint | undefined {
    return this.#device;
  }

  /** Checks the root now. A root that has never existed counts as available, because it may still be created. */
  async isThere(): Promise<boolean> {
    const reason = await this.#findReason();
    if (reason !== null && this.#unavailableReason === null) this.#listener.onUnavailable(reason);
    if (reason === null && this.#unavailableReason !== null) this.#listener.onBack();
    this.#unavailableReason = reason;
    return reason === null;
  }

  async #findReason(): Promise<string | null> {
    let names: string[];
    let stat: FileStat;
    try {
      names = (await this.#fileSystem.readDirectory(this.#root)).map((name) => name.toString('latin1'));
      stat = await this.#fileSystem.lstat(this.#root);
    } catch (error) {
      if (isAbsent(error)) return this.#names.size === 0 ? null : 'it does not exist';
      return `it cannot be listed: ${messageOf(error)}`;
    }
    const isFamiliar = this.#names.size === 0 || names.some((name) => this.#names.has(name));
    if (!isFamiliar && names.length === 0) return 'it is empty';
    const hasRuns = names.includes(RUNS_DIRECTORY) || names.includes(RUN_FILE);
    if (!isFamiliar && stat.ino !== this.#ino && !hasRuns) return 'none of its previous entries exist';
    this.#names = new Set(names.slice(0, MAX_NAMES));
    this.#ino = stat.ino;
    this.#device = stat.device;
    return null;
  }
}
