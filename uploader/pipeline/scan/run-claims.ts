/**
 * Decides which of several directories that claim one uuid has the run, such as a run and its copy (F100).
 *
 * The directory that the journal or the store knows has it, otherwise the one that is named after it. If nothing proves a claim, no
 * directory has the run: the bytes of a copy must never replace those of the run.
 */

import { RUNS_DIRECTORY } from '../../../src/run-directory/layout.js';
import { toUuidOfPlace } from '../../run-directory/run-uuid.js';
import type { DirectoryNode } from './directory-node.js';

interface DecidedClaim {
  /** Null when no claim is better than all others. */
  readonly winner: DirectoryNode | null;
  /** The other directories that claim the run. */
  readonly rivals: readonly DirectoryNode[];
}

/** Ranks of claims. A single claim needs no proof. */
const RANK = { unproven: 0, named: 1, placed: 2, placedInRoot: 3, known: 4 } as const;

export class RunClaims {
  readonly #isKnownPlace: (runUuid: string, directory: Buffer) => Promise<boolean>;
  readonly #claims = new Map<string, Set<DirectoryNode>>();
  readonly #claimed = new WeakMap<DirectoryNode, string>();

  constructor(isKnownPlace: (runUuid: string, directory: Buffer) => Promise<boolean>) {
    this.#isKnownPlace = isKnownPlace;
  }

  /** Adds the claim of a directory, and decides among all claims of the run. */
  async decide(runUuid: string, node: DirectoryNode): Promise<DecidedClaim> {
    this.withdraw(node);
    this.#claimed.set(node, runUuid);
    const nodes = new Set([...existing(this.#claims.get(runUuid) ?? []), node]);
    this.#claims.set(runUuid, nodes);
    const rivals = [...nodes].filter((each) => each !== node);
    if (rivals.length === 0) return { winner: node, rivals };
    let best: { readonly node: DirectoryNode | null; readonly rank: number } = { node: null, rank: -1 };
    for (const each of nodes) {
      const rank = await this.#rank(runUuid, each);
      if (rank > best.rank) best = { node: rank === RANK.unproven ? null : each, rank };
      else if (rank === best.rank) best = { node: null, rank };
    }
    return { winner: best.node, rivals };
  }

  /** The directory no longer claims a run. */
  withdraw(node: DirectoryNode): void {
    const runUuid = this.#claimed.get(node);
    if (runUuid === undefined) return;
    this.#claimed.delete(node);
    const nodes = this.#claims.get(runUuid);
    nodes?.delete(node);
    if (nodes?.size === 0) this.#claims.delete(runUuid);
  }

  async #rank(runUuid: string, { path, rootPath }: DirectoryNode): Promise<number> {
    if (await this.#isKnownPlace(runUuid, path)) return RANK.known;
    if (rootPath === `${RUNS_DIRECTORY}/${runUuid}`) return RANK.placedInRoot;
    if (toUuidOfPlace(path) === runUuid) return RANK.placed;
    return rootPath.slice(rootPath.lastIndexOf('/') + 1) === runUuid ? RANK.named : RANK.unproven;
  }
}

function existing(nodes: Iterable<DirectoryNode>): DirectoryNode[] {
  return [...nodes].filter(({ isGone }) => !isGone);
}
