/**
 * Decides what a log directory of a third-party writer is: a run, or a part of a run above it. This is the only place that decides it.
 *
 * A log directory is a run, as in TensorBoard, with the exceptions in `#findUsual`. `--group` and `--split` come first, then what the journal knows
 * from earlier uploads, so that a run keeps its uuid and no file is stored in two runs. A decision never changes while the directory exists.
 */

import { EVENT_FILE_MARK } from '../../../src/format/event-file-name.js';
import {
  findPhase,
  isHParamsTime,
  isNumberedPhase,
  isScalarsLine,
} from '../../../src/format/log-directory-name.js';
import { RUNS_DIRECTORY, TENSORBOARD_DIRECTORY } from '../../../src/run-directory/layout.js';
import type { FileSystem } from '../../base/io/file-system.js';
import { joinNames } from '../../base/join-path.js';
import { toImportedUuid } from '../../run-directory/run-uuid.js';
import { type DirectoryNode, hasRunBelow, type LayoutDecision } from './directory-node.js';
import type { LayoutRules } from './layout-rules.js';

export interface LogLayoutOptions {
  readonly fileSystem: FileSystem;
  readonly uuidSeed: string;
  readonly layoutRules: LayoutRules;
  /** How long event files must exist before their directory is imported, because a run file may still appear. 0: for a single scan. */
  readonly adoptAfterMs: number;
  /** Returns whether a directory is the one that the journal or the store knows for a run. */
  readonly isKnownPlace: (runUuid: string, directory: Buffer) => Promise<boolean>;
  /** Returns when event files of a directory of a run were last stored, as a number that increases; undefined if never. */
  readonly lastStored: (runUuid: string, directory: string) => number | undefined;
}

export class LogLayout {
  readonly #options: LogLayoutOptions;

  constructor(options: LogLayoutOptions) {
    this.#options = options;
  }

  /** Decides for a directory whose `log` is known. */
  async decide(node: DirectoryNode): Promise<LayoutDecision> {
    const named = this.#findNamed(node);
    const stored = await this.#findStored(node);
    if (named !== null) {
      if (stored !== null && !isSame(named, stored)) node.storedElsewhere = 'replaced';
      return named;
    }
    const usual = await this.#findUsual(node);
    if (stored === null) return usual;
    if (isSame(usual, stored)) return usual;
    if (usual.kind !== 'undecided') node.storedElsewhere = 'kept';
    return stored;
  }

  /** The rule of `--group` or `--split` that names the directory or the nearest one above it. */
  #findNamed(node: DirectoryNode): LayoutDecision | null {
    for (let each: DirectoryNode | null = node; each !== null; each = each.parent) {
      const rule = this.#options.layoutRules.ruleOf(each.rootPath);
      if (rule === 'split') return { kind: 'run', reason: 'split' };
      if (rule === 'group')
        return each === node
          ? { kind: 'run', reason: 'grouped' }
          : { kind: 'part', of: each, reason: 'grouped' };
    }
    return null;
  }

  /** The run in which the directory was stored last. */
  async #findStored(node: DirectoryNode): Promise<LayoutDecision | null> {
    let last = -1;
    let found: LayoutDecision | null = null;
    for (let each: DirectoryNode | null = node; each !== null; each = each.parent) {
      const below = toPathBelow(each, node);
      const directory = below === '' ? TENSORBOARD_DIRECTORY : `${TENSORBOARD_DIRECTORY}/${below}`;
      for (const runUuid of this.toUuids(each)) {
        const at = this.#options.lastStored(runUuid, directory);
        if (at === undefined || at <= last || !(await this.#options.isKnownPlace(runUuid, each.path)))
          continue;
        last = at;
        found =
          each === node ? { kind: 'run', reason: 'stored' } : { kind: 'part', of: each, reason: 'stored' };
      }
    }
    return found;
  }

  /** The uuids that a log directory may have: that of its path, then those of other experiments in it, by its event files. */
  toUuids(node: DirectoryNode): [ofPath: string, ...others: string[]] {
    const { uuidSeed } = this.#options;
    const names = [...(node.log?.names ?? []), ...node.partNames].sort();
    const own = names.map((name) => toImportedUuid(uuidSeed, `${node.rootPath}\0${name}`));
    return [toImportedUuid(uuidSeed, node.rootPath), ...own];
  }

  /**
   * The uuids that runs with its event files have under other layouts: that of the outermost log directory, whose run once had everything below it, and that
   * of the first phase, which once was a run.
   */
  toFormerUuids(node: DirectoryNode): string[] {
    const paths = new Set<string>();
    let outermost: DirectoryNode | null = null;
    for (let each = node.parent; each !== null; each = each.parent) if (each.log !== null) outermost = each;
    if (outermost !== null) paths.add(outermost.rootPath);
    const [part] = node.partNames;
    const phase = part?.slice(0, part.lastIndexOf('/'));
    if (phase !== undefined) paths.add(node.rootPath === '' ? phase : `${node.rootPath}/${phase}`);
    return [...paths].map((path) => toImportedUuid(this.#options.uuidSeed, path));
  }

  async #findUsual(node: DirectoryNode): Promise<LayoutDecision> {
    const { parent, log } = node;
    const head = log!.head;
    const above = await this.#findLogsAbove(node);
    const outer = above[0] ?? null;
    const charted = above.find((each) => isScalarsLine(toPathBelow(each, node), head.firstTag ?? ''));
    if (charted !== undefined && canBeRun(charted))
      return { kind: 'part', of: charted, reason: 'scalars-line' };
    if (parent !== null && canBeRun(parent)) {
      if (findPhase(node.name) !== null && (await this.#hasPhases(parent, { isFresh: true })))
        return { kind: 'part', of: parent, reason: 'phases' };
      if (parent === outer && isHParamsOf(parent, node))
        return { kind: 'part', of: parent, reason: 'hparams-of-run' };
    }
    if (!head.hasData && !head.hasSession) return this.#findEmpty(node, outer);
    if (head.hasSession) return { kind: 'run', reason: 'hparams-session' };
    // The HParams plugin finds the metrics of a session in directories below it.
    if (outer !== null && outer === parent && outer.log?.head.hasSession && canBeRun(outer))
      return { kind: 'part', of: outer, reason: 'below-session' };
    if (
      parent !== null &&
      parent.log === null &&
      canBeRun(parent) &&
      (await this.#hasPhases(parent, { isFresh: false }))
    )
      return { kind: 'part', of: parent, reason: 'beside-phases' };
    return { kind: 'run', reason: 'event-files' };
  }

  /** Without events, it is a run only if it is the outermost log directory, and no directory below it is a run. */
  #findEmpty(node: DirectoryNode, outer: DirectoryNode | null): LayoutDecision {
    const { hasConfiguration } = node.log!.head;
    const undecided: LayoutDecision = {
      kind: 'undecided',
      reason: hasConfiguration ? 'hparams-configuration' : 'no-events',
    };
    const mayHaveRuns = node.visitCount === 1 && node.log!.hasDirectories;
    // A single scan decides at its end, so that the order of the directories does not matter.
    const isSingleScan = this.#options.adoptAfterMs === 0;
    const mayChange = isSingleScan || outer !== null || hasConfiguration || mayHaveRuns || hasUnseen(node);
    if (!node.isFinal && mayChange) return undecided;
    if (hasRunBelow(node) || node.parent?.home != null) return undecided;
    return { kind: 'run', reason: 'event-files' };
  }

  /**
   * Whether the log directories in a directory that are called `train`, `validation`, … are phases of one run: there are several, or a `train` with nothing
   * but event files, as Keras creates it, or the directory has event files itself. Unless `isFresh`, they are listed again only when there are more directories.
   */
  async #hasPhases(directory: DirectoryNode, { isFresh }: { isFresh: boolean }): Promise<boolean> {
    const known = directory.phases;
    if (known !== null && (known.hasPhases || (!isFresh && known.children === directory.children.size)))
      return known.hasPhases;
    const names = [...directory.children.keys()];
    const phases = new Map<string, string[]>();
    for (const name of names) {
      const phase = findPhase(name);
      const listed = phase === null ? [] : await this.#list(directory, name);
      if (phase !== null && listed.some(isEventFile)) phases.set(name, listed);
    }
    const kinds = new Set([...phases.keys()].map(findPhase));
    const isKeras = [...phases].some(
      ([name, listed]) =>
        findPhase(name) === 'training' && listed.every((each) => isEventFile(each) || each === 'plugins'),
    );
    const hasPhases =
      !names.some(isNumberedPhase) && kinds.size > 0 && (kinds.size > 1 || isKeras || directory.log !== null);
    directory.phases = { hasPhases, children: directory.children.size };
    if (hasPhases)
      directory.partNames = [...phases].flatMap(([name, listed]) =>
        listed.filter(isEventFile).map((each) => `${name}/${each}`),
      );
    return hasPhases;
  }

  /** Returns the directories above that are log directories or have phases, the nearest first. */
  async #findLogsAbove(node: DirectoryNode): Promise<DirectoryNode[]> {
    const found: DirectoryNode[] = [];
    for (let each = node.parent; each !== null; each = each.parent)
      if (each.log !== null || (await this.#hasPhases(each, { isFresh: false }))) found.push(each);
    return found;
  }

  async #list(directory: DirectoryNode, name: string): Promise<string[]> {
    try {
      const names = await this.#options.fileSystem.readDirectory(joinNames(directory.path, name));
      return names.map((each) => each.toString('latin1'));
    } catch {
      return []; // removed, or unreadable: reported when it is scanned
    }
  }
}

function isEventFile(name: string): boolean {
  return name.includes(EVENT_FILE_MARK);
}

/** `add_hparams` writes the hyperparameters of a writer into a directory below the writer's, for each call. The first call is part of the run. */
function isHParamsOf(parent: DirectoryNode, node: DirectoryNode): boolean {
  if (!isHParamsTime(node.name) || parent.log === null) return false;
  const { hasConfiguration, hasSession } = parent.log.head;
  if (hasConfiguration && !hasSession) return false; // a sweep whose trials are named after their times
  return findFirstTime(parent) === node.name;
}

/** Returns the earliest name of a call of `add_hparams` in a directory; counts the names again only when there are more. */
function findFirstTime(directory: DirectoryNode): string | null {
  const { children, firstTime: known } = directory;
  if (known?.children === children.size) return known.name;
  let first: string | null = null;
  for (const name of children.keys())
    if (isHParamsTime(name) && (first === null || Number(name) < Number(first))) first = name;
  directory.firstTime = { name: first, children: children.size };
  return first;
}

/** The root of runs is none. */
function canBeRun(node: DirectoryNode): boolean {
  return node.parent !== null || !node.children.has(RUNS_DIRECTORY);
}

function hasUnseen(node: DirectoryNode): boolean {
  const pending = [...node.children.values()];
  for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
    if (each.visitCount === 0 && !each.isGone) return true;
    for (const child of each.children.values()) pending.push(child);
  }
  return false;
}

function isSame(a: LayoutDecision, b: LayoutDecision): boolean {
  if (a.kind !== 'part' || b.kind !== 'part') return a.kind === b.kind;
  return toRunNode(a.of) === toRunNode(b.of);
}

/** The directory of the run that a directory belongs to; itself while that is open. */
export function toRunNode(node: DirectoryNode): DirectoryNode {
  return node.layout?.kind === 'part' ? toRunNode(node.layout.of) : node;
}

function toPathBelow(directory: DirectoryNode, node: DirectoryNode): string {
  const start = directory.rootPath;
  return node.rootPath.slice(start === '' ? 0 : Math.min(node.rootPath.length, start.length + 1));
}
