/**
 * Which events of a log directory a restart supersedes: a job that is resumed from a checkpoint logs the steps after it again.
 *
 * A SessionLog START of step T supersedes the events of step T and later before it, whatever their tag. The first START of a log
 * directory only begins the job. If its step is above 0, as with `purge_step` of PyTorch and tensorboardX, it supersedes events of
 * earlier files, whose writer wrote no START.
 *
 * A retraction (src/format/wire/retraction-value.ts) supersedes in the same way, but only the events of its tag: a tag is logged again at an
 * earlier step after `resume: true`.
 *
 * Sources: TensorBoard 2.21, `_CheckForRestartAndMaybePurge` in backend/event_processing/plugin_event_accumulator.py; PyTorch,
 * `SummaryWriter._get_file_writer` in torch/utils/tensorboard/writer.py.
 */

/** A SessionLog START or a retraction, and where it is. Files are read in the order of their names. */
export interface SessionStart {
  readonly fileName: string;
  /** The offset of its record in the file. */
  readonly offset: number;
  readonly step: number | bigint;
  /** The tag of a retraction, which supersedes only events with it. */
  readonly tag?: string | undefined;
}

/** From which step on events at one position are superseded: those of all tags, or by tag. Undefined: none. */
export type EndStep = number | bigint | ((tag: string) => number | bigint | undefined) | undefined;

/** The step from which on events of a tag are superseded. */
export function endStepOf(endStep: EndStep, tag: string): number | bigint | undefined {
  return typeof endStep === 'function' ? endStep(tag) : endStep;
}

/** The STARTs and retractions of one log directory. */
export class Restarts {
  readonly #starts = new StartList();
  readonly #byTag = new Map<string, StartList>();
  /** The last retraction of all tags. */
  #last: SessionStart | undefined;

  constructor(starts: Iterable<SessionStart> = []) {
    for (const start of starts) this.add(start);
  }

  *[Symbol.iterator](): IterableIterator<SessionStart> {
    for (const list of [this.#starts, ...this.#byTag.values()]) yield* list.items;
  }

  /** Adds a START or a retraction. Returns false if it is known. */
  add(start: SessionStart): boolean {
    const { tag } = start;
    if (tag === undefined) return this.#starts.add(start);
    let list = this.#byTag.get(tag);
    if (list === undefined) {
      list = new StartList();
      this.#byTag.set(tag, list);
    }
    if (this.#last === undefined || isBefore(this.#last, start)) this.#last = start;
    return list.add(start);
  }

  /** Whether the START at a position can supersede events: any but a first one of step 0. */
  isRestart(fileName: string, offset: number): boolean {
    const at = this.#starts.countUpTo(fileName, offset) - 1;
    return at > 0 || (this.#starts.items[0]?.step ?? 0) > 0;
  }

  /** Forgets the STARTs and retractions of all other files. */
  keepFiles(isKept: (fileName: string) => boolean): void {
    const kept = [...this].filter(({ fileName }) => isKept(fileName));
    this.#starts.clear();
    this.#byTag.clear();
    this.#last = undefined;
    for (const start of kept) this.add(start);
  }

  /** Returns the step from which on an event at this position is superseded; undefined if nothing later supersedes any. */
  endStepAt(fileName: string, offset: number): EndStep {
    const ofAll = this.#endStepOfAll(fileName, offset);
    if (this.#last === undefined || !isBefore({ fileName, offset }, this.#last)) return ofAll;
    return (tag) => {
      const list = this.#byTag.get(tag);
      const ofTag = list?.lowest[list.countUpTo(fileName, offset)];
      return ofAll === undefined || (ofTag !== undefined && ofTag < ofAll) ? ofTag : ofAll;
    };
  }

  #endStepOfAll(fileName: string, offset: number): number | bigint | undefined {
    const { items, lowest } = this.#starts;
    const next = this.#starts.countUpTo(fileName, offset);
    if (next > 0) return lowest[next];
    const [first] = items;
    const isRestart = first !== undefined && first.fileName !== fileName && first.step > 0;
    return isRestart ? lowest[0] : lowest[1];
  }
}

type Position = Pick<SessionStart, 'fileName' | 'offset'>;

function isBefore(a: Position, b: Position): boolean {
  return a.fileName === b.fileName ? a.offset < b.offset : a.fileName < b.fileName;
}

class StartList {
  /** In the order in which they are read. */
  items: SessionStart[] = [];
  /** For each item, the lowest step of it and of all later ones. */
  lowest: (number | bigint)[] = [];

  /** Returns false if the item is known. */
  add(start: SessionStart): boolean {
    const at = this.countUpTo(start.fileName, start.offset);
    const before = this.items[at - 1];
    if (before?.fileName === start.fileName && before.offset === start.offset) return false;
    this.items.splice(at, 0, start);
    this.lowest = toLowest(this.items);
    return true;
  }

  clear(): void {
    this.items = [];
    this.lowest = [];
  }

  /** The number of items up to and including a position. */
  countUpTo(fileName: string, offset: number): number {
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore({ fileName, offset }, this.items[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function toLowest(starts: readonly SessionStart[]): (number | bigint)[] {
  const lowest = starts.map(({ step }) => step);
  for (let i = lowest.length - 2; i >= 0; i--) {
    if (lowest[i + 1]! < lowest[i]!) lowest[i] = lowest[i + 1]!;
  }
  return lowest;
}
