/**
 * What viewers show of a run, which is a log directory: point by point, from its event files in the order of reading.
 *
 *     const visibility = new RunVisibility();
 *     for each file, in the order of names: visibility.openFile(name); for each event: visibility.add(event);
 *     const { points, viewers } = visibility.finish();
 *     viewers.fast!.codes.at(point)   // 0 if TensorBoard's fast reader shows it; else see `toReason`
 *
 * The result applies to a viewer that opens the files now. While files grow, a viewer may have read them in another order.
 * Memory: about 35 bytes for each point, and the metadata of each tag. Values are not kept.
 */

import { isHiddenFileName } from '../event-file-name.js';
import type { ScalarBatch } from '../reader/scalar-decoder.js';
import { type Event, SessionStatus } from '../wire/messages.js';
import { FastReader } from './fast-reader.js';
import { PointTable } from './point-table.js';
import { PythonReader } from './python-reader.js';
import { HIDDEN_REASONS, type HiddenReason, REASON_CODES, SHOWN } from './reasons.js';
import { factsOf, graphFacts, type ValueFacts } from './value-facts.js';
import type { DamagedPart, ReadingState, Samples, Viewer } from './viewer.js';

export interface VisibilityOptions {
  /** How many values the viewers keep of a tag; `all` to know what is hidden for another reason than sampling. Default `default`. */
  readonly samples?: Samples | undefined;
  /** Creates viewers beside TensorBoard's two readers. */
  readonly viewers?: Readonly<Record<string, (state: ReadingState) => Viewer>> | undefined;
  /** Returns the name that a file is going to have. Default: its name. */
  readonly nameOf?: ((name: string) => string) | undefined;
}

/** How many points of a tag a viewer shows, and how many it does not, by reason. */
export interface TagCounts {
  readonly shown: number;
  readonly hidden: Readonly<Partial<Record<HiddenReason, number>>>;
}

export interface ShownRun {
  readonly points: PointTable;
  /** The number of the first point of each file. */
  readonly fileStarts: readonly number[];
  /** `fast`: TensorBoard's fast reader. `python`: its Python reader. Others as in the options. */
  readonly viewers: Readonly<Record<string, Viewer>>;
  /** For each tag, in the order of `points.tags`. */
  countTags(viewer: string): TagCounts[];
}

export class RunVisibility {
  readonly #points = new PointTable();
  readonly #viewers: Readonly<Record<string, Viewer>>;
  readonly #all: readonly Viewer[];
  readonly #tensorBoard: readonly Viewer[];
  readonly #nameOf: (name: string) => string;
  readonly #fileStarts: number[] = [];
  #lifeStart = 0;
  #hasSessions = false;
  /** The viewers that ignore the current file. */
  #ignoring: readonly Viewer[] = [];
  /** The viewers that do not read the event in damage. */
  #refusing: readonly Viewer[] = [];
  /** The facts and tag indices of the sources of the current batch. */
  #sources: ScalarBatch['sources'] = [];
  #sourceFacts: { readonly facts: ValueFacts; readonly tagIndices: readonly [number] }[] = [];

  constructor({ samples = 'default', viewers = {}, nameOf = (name) => name }: VisibilityOptions = {}) {
    this.#nameOf = nameOf;
    const readLifeStart = (): number => this.#lifeStart;
    const state: ReadingState = {
      points: this.#points,
      get lifeStart() {
        return readLifeStart();
      },
    };
    const others = Object.entries(viewers).map(([name, create]) => [name, create(state)] as const);
    const fast = new FastReader(state, samples);
    const python = new PythonReader(state, samples);
    this.#viewers = { fast, python, ...Object.fromEntries(others) };
    this.#all = Object.values(this.#viewers);
    this.#tensorBoard = [fast, python];
  }

  /** Begins the next file. Files come in the order of their names, as TensorBoard reads them. */
  openFile(given: string): void {
    const name = this.#nameOf(given);
    this.#fileStarts.push(this.#points.count);
    // In files of writers without sessions, each file is taken for another life.
    if (!this.#hasSessions) this.#lifeStart = this.#points.count;
    this.#ignoring = isHiddenFileName(name) ? this.#tensorBoard : [];
    for (const viewer of this.#all) if (!this.#ignoring.includes(viewer)) viewer.openFile(name);
  }

  /** Adds the next event. Its points have the next numbers: one for each value, graph, and tagged run metadata. */
  add(event: Event): void {
    const { what, step, wallTime } = event;
    switch (what.kind) {
      case 'fileVersion':
        for (const viewer of this.#all) if (this.#reads(viewer)) viewer.readVersion(what.fileVersion);
        break;
      case 'sessionLog':
        if (what.status === SessionStatus.START) this.#startSession(step);
        break;
      case 'summary':
        this.#addPoints(step, wallTime, what.values.map(factsOf));
        return;
      case 'graphDef':
        this.#addPoints(step, wallTime, [graphFacts('__run_graph__', 'graphs', what.graphDef)]);
        return;
      case 'taggedRunMetadata': {
        const { tag, runMetadata } = what;
        this.#addPoints(step, wallTime, [graphFacts(tag, 'graph_tagged_run_metadata', runMetadata)]);
        return;
      }
    }
    for (const viewer of this.#all) if (this.#reads(viewer)) viewer.passEvent(wallTime);
  }

  /** Adds scalars in columns; has the same effect as `add` for each of them. */
  addScalars(batch: ScalarBatch): void {
    const { count, sources, sourceIndices, steps, wallTimes } = batch;
    if (sources !== this.#sources) {
      this.#sources = sources;
      this.#sourceFacts = [];
    }
    for (let i = 0; i < count; i++) {
      const index = sourceIndices[i]!;
      let known = this.#sourceFacts[index];
      if (known === undefined) {
        const facts = factsOf(sources[index]!.first);
        known = { facts, tagIndices: [this.#points.indexOf(facts.value.tag)] };
        this.#sourceFacts[index] = known;
      }
      this.#addEvent(steps[i]!, wallTimes[i]!, [known.facts], known.tagIndices);
    }
  }

  /**
   * Reports damage at this place of the file. `data`: the record's CRC does not match; if it holds an event nevertheless, pass the event, because
   * the fast reader shows it. Points that are added after the damage are hidden from viewers that have stopped.
   */
  addDamage(part: DamagedPart, event?: Event): void {
    const hasEvent = event !== undefined;
    this.#refusing = this.#all.filter(
      (viewer) => !this.#ignoring.includes(viewer) && !viewer.meetDamage(part, hasEvent),
    );
    if (hasEvent) this.add(event);
    this.#refusing = [];
  }

  /** The result. Call once, after the last event. */
  finish(): ShownRun {
    for (const viewer of this.#all) viewer.finish();
    const points = this.#points;
    const viewers = this.#viewers;
    const countTags = (name: string): TagCounts[] => countCodes(points, viewers[name]!);
    return { points, fileStarts: this.#fileStarts, viewers, countTags };
  }

  #reads(viewer: Viewer): boolean {
    return viewer.isReading && !this.#refusing.includes(viewer) && !this.#ignoring.includes(viewer);
  }

  #startSession(step: number | bigint): void {
    this.#hasSessions = true;
    this.#lifeStart = this.#points.count;
    for (const viewer of this.#all) if (this.#reads(viewer)) viewer.startSession(step);
  }

  #addPoints(step: number | bigint, wallTime: number, values: readonly ValueFacts[]): void {
    const indices = values.map(({ value }) => this.#points.indexOf(value.tag));
    this.#addEvent(step, wallTime, values, indices);
  }

  #addEvent(
    step: number | bigint,
    wallTime: number,
    values: readonly ValueFacts[],
    tagIndices: readonly number[],
  ): void {
    const firstPoint = this.#points.count;
    for (const tagIndex of tagIndices) this.#points.add(tagIndex, step, wallTime);
    const event = { step, wallTime, firstPoint, values, tagIndices };
    for (const viewer of this.#all) {
      if (this.#reads(viewer)) {
        viewer.addEvent(event);
        continue;
      }
      const code = this.#ignoring.includes(viewer) ? REASON_CODES.unread : REASON_CODES.damage;
      for (let i = 0; i < values.length; i++) viewer.codes.set(firstPoint + i, code);
    }
  }
}

function countCodes(points: PointTable, { codes }: Viewer): TagCounts[] {
  const size = HIDDEN_REASONS.length + 1;
  const counts = new Uint32Array(points.tags.length * size);
  for (let point = 0; point < points.count; point++) {
    const at = points.tagIndexOf(point) * size + codes.at(point);
    counts[at] = counts[at]! + 1;
  }
  return points.tags.map((_, tag) => {
    const row = counts.subarray(tag * size, (tag + 1) * size);
    const hidden = HIDDEN_REASONS.flatMap((reason) => {
      const count = row[REASON_CODES[reason]]!;
      return count === 0 ? [] : [[reason, count] as const];
    });
    return { shown: row[SHOWN]!, hidden: Object.fromEntries(hidden) };
  });
}
