/** Finds out whether a directory is a run: a run of Polyaxon, a log directory of another writer, or the directory that the user names. */

import type { Clock } from '../../../src/base/clock.js';
import { EVENT_FILE_MARK } from '../../../src/format/event-file-name.js';
import { EVENTS_DIRECTORY } from '../../../src/polyaxon/names.js';
import {
  LOGS_DIRECTORY,
  OUTPUTS_DIRECTORY,
  PROCESS_DIRECTORY,
  RUN_FILE,
  RUNS_DIRECTORY,
  TENSORBOARD_DIRECTORY,
} from '../../../src/run-directory/layout.js';
import type { FileStat } from '../../base/io/file-system.js';
import { readRunClaim, toImportedUuid, toUuidOfPlace } from '../../run-directory/run-uuid.js';
import type { ScannedRun } from '../inventory/scan-sink.js';
import type { DirectoryNode, RunHome } from './directory-node.js';
import { readLogHead } from './log-head.js';
import { LogLayout, type LogLayoutOptions, toRunNode } from './log-layout.js';

export interface RunFinderOptions extends LogLayoutOptions {
  readonly clock: Clock;
  /** Treats the root as one run, regardless of its content. */
  readonly asRun?: { readonly uuid: string } | undefined;
}

export interface ListedEntry {
  readonly name: Buffer;
  /** The encoded name. */
  readonly text: string;
  readonly stat: FileStat;
}

type RunFinding =
  /** Nothing changes: the directory belongs to the run above it, if there is one. */
  | { readonly kind: 'none' }
  | { readonly kind: 'run'; readonly run: ScannedRun }
  /** A log directory that is part of a run above it. */
  | { readonly kind: 'part'; readonly home: RunHome }
  /** The same, but the directory above is not a run yet: it must be visited first. */
  | { readonly kind: 'part-of-new'; readonly of: DirectoryNode }
  /** A run whose uuid is unknown, because its run file cannot be read or is not JSON. */
  | { readonly kind: 'damaged'; readonly cause: unknown }
  /** A log directory that is no run yet. */
  | { readonly kind: 'undecided' };

const NONE: RunFinding = { kind: 'none' };
const NO_CLAIM = { uuid: null, damage: null };
const UNDECIDED: RunFinding = { kind: 'undecided' };
const RUN_NAMES = [RUN_FILE, OUTPUTS_DIRECTORY, EVENTS_DIRECTORY, LOGS_DIRECTORY, PROCESS_DIRECTORY];

export class RunFinder {
  readonly #options: RunFinderOptions;
  readonly #layout: LogLayout;

  constructor(options: RunFinderOptions) {
    this.#options = options;
    this.#layout = new LogLayout(options);
  }

  async find(node: DirectoryNode, entries: readonly ListedEntry[]): Promise<RunFinding> {
    const { fileSystem, asRun } = this.#options;
    const directory = node.path;
    if (node.parent === null && asRun !== undefined) {
      // An empty directory does not show its layout yet.
      if (entries.length === 0) return NONE;
      const filesAt = looksLikeRun(entries) ? '' : TENSORBOARD_DIRECTORY;
      return { kind: 'run', run: { runUuid: asRun.uuid, directory, kind: 'named', filesAt } };
    }
    const hasRuns = entries.some(({ text, stat }) => text === RUNS_DIRECTORY && stat.kind === 'directory');
    if (node.parent === null && hasRuns && !node.isNamed) return NONE;
    const hasRunFile = entries.some(({ text, stat }) => text === RUN_FILE && stat.kind === 'file');
    const claim = hasRunFile ? await readRunClaim(fileSystem, directory) : NO_CLAIM;
    const isInside = (node.parent?.home ?? null) !== null;
    const runUuid = claim.uuid ?? (isInside ? null : toUuidOfPlace(directory));
    if (runUuid === null && claim.damage !== null && !isInside)
      return { kind: 'damaged', cause: claim.damage };
    if (runUuid !== null) return { kind: 'run', run: { runUuid, directory, kind: 'polyaxon', filesAt: '' } };
    return this.#findLogs(node, entries);
  }

  async #findLogs(node: DirectoryNode, entries: readonly ListedEntry[]): Promise<RunFinding> {
    const { clock, adoptAfterMs } = this.#options;
    const files = entries.filter(({ text, stat }) => stat.kind === 'file' && text.includes(EVENT_FILE_MARK));
    if (files.length === 0 && !node.hasParts) return NONE;
    // A decision stays: a run keeps its uuid, and no file is stored in two runs.
    if (node.layout !== null && node.layout.kind !== 'undecided' && node.home !== null) return NONE;
    node.eventsSeenMs ??= clock.monotonicMs();
    if (!node.hasParts && clock.monotonicMs() - node.eventsSeenMs < adoptAfterMs) return UNDECIDED;
    await this.#readLog(node, files, entries);
    node.layout = node.hasParts ? { kind: 'run', reason: node.reason } : await this.#layout.decide(node);
    if (node.layout.kind === 'undecided') return UNDECIDED;
    if (node.layout.kind === 'run') return { kind: 'run', run: await this.#toRun(node) };
    const of = toRunNode(node.layout.of);
    if (of.home?.node === of) return { kind: 'part', home: of.home };
    const { reason } = node.layout;
    node.layout = null;
    of.hasParts = true;
    of.reason = reason;
    of.isNamed ||= reason === 'grouped';
    return { kind: 'part-of-new', of };
  }

  async #readLog(
    node: DirectoryNode,
    files: readonly ListedEntry[],
    entries: readonly ListedEntry[],
  ): Promise<void> {
    const sorted = [...files].sort((a, b) => (a.text < b.text ? -1 : 1));
    const stamp = sorted.map(({ text, stat }) => `${text} ${stat.sizeBytes} ${stat.mtimeNs}`).join('\n');
    if (files.length === 0 || node.log?.stamp === stamp) return;
    const names = sorted.map(({ name }) => name);
    node.log = {
      stamp,
      names: sorted.map(({ text }) => text),
      head: await readLogHead(this.#options.fileSystem, node.path, names),
      hasDirectories: entries.some(({ stat }) => stat.kind === 'directory'),
    };
  }

  async #toRun(node: DirectoryNode): Promise<ScannedRun> {
    return {
      runUuid: await this.#toUuid(node),
      directory: node.path,
      kind: 'log-directory',
      filesAt: TENSORBOARD_DIRECTORY,
      formerUuids: this.#layout.toFormerUuids(node),
    };
  }

  /**
   * Returns the uuid of a log directory: that of its path, unless the path has been used for another experiment before. Then the first event
   * file is part of it. The journal knows which one it was; without it, `rehome` follows when the store has the other experiment (F102).
   */
  async #toUuid(node: DirectoryNode): Promise<string> {
    const { uuidSeed, isKnownPlace } = this.#options;
    const [ofPath, ...others] = this.#layout.toUuids(node);
    for (const uuid of others) if (await isKnownPlace(uuid, node.path)) return uuid;
    if (!node.isReused) return ofPath;
    return others[0] ?? toImportedUuid(uuidSeed, `${node.rootPath}\0`);
  }
}

/** Returns true when a directory has the layout of a run, unlike a log directory of another writer. */
function looksLikeRun(entries: readonly ListedEntry[]): boolean {
  return entries.some(({ text }) => RUN_NAMES.includes(text));
}
