/**
 * Which events of a log directory a restart supersedes: a job that is resumed from a checkpoint logs the steps after it again.
 *
 * A SessionLog START of step T supersedes the events of step T and later before it, whatever their tag. The first START of a log
 * directory only begins the job. If its step is above 0, as with `purge_step` of PyTorch and tensorboardX, it supersedes events of
 * earlier files, whose writer wrote no START.
 *
 * Sources: TensorBoard 2.21, `_CheckForRestartAndMaybePurge` in backend/event_processing/plugin_event_accumulator.py; PyTorch,
 * `SummaryWriter._get_file_writer` in torch/utils/tensorboard/writer.py.
 */

/** A SessionLog START, and where it is. Files are read in the order of their names. */
export interface SessionStart {
  readonly fileName: string;
  /** The offset of its record in the file. */
  readonly offset: number;
  readonly step: number | bigint;
}

/** The STARTs of one log directory. */
export class Restarts {
  /** In the order in which they are read. */
  #starts: SessionStart[] = [];
  /** For each START, the lowest step of it and of all later ones. */
  #lowest: (number | bigint)[] = [];

  constructor(starts: Iterable<SessionStart> = []) {
    for (const start of starts) this.add(start);
  }

  [Symbol.iterator](): IterableIterator<SessionStart> {
    return this.#starts.values();
  }

  /** Adds a START. Returns false if it is known. */
  add(start: SessionStart): boolean {
    const at = this.#countUpTo(start.fileName, start.offset);
    const before = this.#starts[at - 1];
    if (before?.fileName === start.fileName && before.offset === start.offset) return false;
    this.#starts.splice(at, 0, start);
    this.#lowest = toLowest(this.#starts);
    return true;
  }

  /** Whether the START at a position can supersede events: any but a first one of step 0. */
  isRestart(fileName: string, offset: number): boolean {
    const at = this.#countUpTo(fileName, offset) - 1;
    return at > 0 || (this.#starts[0]?.step ?? 0) > 0;
  }

  /** Forgets the STARTs of all other files. */
  keepFiles(isKept: (fileName: string) => boolean): void {
    this.#starts = this.#starts.filter(({ fileName }) => isKept(fileName));
    this.#lowest = toLowest(this.#starts);
  }

  /** Returns the step from which on an event at this position is superseded; undefined if no later START supersedes any. */
  endStepAt(fileName: string, offset: number): number | bigint | undefined {
    const next = this.#countUpTo(fileName, offset);
    if (next > 0) return this.#lowest[next];
    const [first] = this.#starts;
    const isRestart = first !== undefined && first.fileName !== fileName && first.step > 0;
    return isRestart ? this.#lowest[0] : this.#lowest[1];
  }

  /** The number of STARTs up to and including a position. */
  #countUpTo(fileName: string, offset: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const start = this.#starts[middle]!;
      const isAfter = start.fileName === fileName ? start.offset > offset : start.fileName > fileName;
      if (isAfter) high = middle;
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
