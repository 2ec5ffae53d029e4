/**
 * Whether the root is there: a volume that was unmounted looks like a tree whose files were all deleted, and must not be taken for one.
 *
 * Nothing is written into the tree, so what tells is the tree itself: a root that cannot be listed, that is empty although there was
 * something in it, or that is another directory with nothing of what was there before, is away.
 */

import { messageOf } from '../../../src/base/errors.js';
import { RUN_FILE, RUNS_DIRECTORY } from '../../../src/run-directory/layout.js';
import type { FileStat, FileSystem } from '../../base/io/file-system.js';
import { isAbsent } from '../../base/io/system-error.js';

/** Enough names to recognise a root by. */
const MAX_NAMES = 4096;

export interface RootListener {
  readonly onAway: (reason: string) => void;
  readonly onBack: () => void;
}

export class RootWatch {
  readonly #fileSystem: FileSystem;
  readonly #root: Buffer;
  readonly #listener: RootListener;
  /** Of the last listing that was good, in latin1. */
  #names = new Set<string>();
  #ino: bigint | undefined;
  #awayReason: string | null = null;
  #device: bigint | undefined;

  constructor(fileSystem: FileSystem, root: Buffer, listener: RootListener) {
    this.#fileSystem = fileSystem;
    this.#root = root;
    this.#listener = listener;
  }

  /** Why the root was away at the last look; null when it was there. */
  get awayReason(): string | null {
    return this.#awayReason;
  }

  /** The device that the root is on; undefined before it was seen. */
  get device(): bigint | undefined {
    return this.#device;
  }

  /** Looks. A root that never was there is not away: it is still to come. */
  async isThere(): Promise<boolean> {
    const reason = await this.#findReason();
    if (reason !== null && this.#awayReason === null) this.#listener.onAway(reason);
    if (reason === null && this.#awayReason !== null) this.#listener.onBack();
    this.#awayReason = reason;
    return reason === null;
  }

  async #findReason(): Promise<string | null> {
    let names: string[];
    let stat: FileStat;
    try {
      names = (await this.#fileSystem.readDirectory(this.#root)).map((name) => name.toString('latin1'));
      stat = await this.#fileSystem.lstat(this.#root);
    } catch (error) {
      if (isAbsent(error)) return this.#names.size === 0 ? null : 'it is not there';
      return `it cannot be listed: ${messageOf(error)}`;
    }
    const isFamiliar = this.#names.size === 0 || names.some((name) => this.#names.has(name));
    if (!isFamiliar && names.length === 0) return 'it is empty';
    const hasRuns = names.includes(RUNS_DIRECTORY) || names.includes(RUN_FILE);
    if (!isFamiliar && stat.ino !== this.#ino && !hasRuns) return 'nothing of what was in it is there';
    this.#names = new Set(names.slice(0, MAX_NAMES));
    this.#ino = stat.ino;
    this.#device = stat.device;
    return null;
  }
}
