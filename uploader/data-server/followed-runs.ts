/**
 * Keeps the runs of a source up to date: reads new files, and of growing files only what is new. The source says which files exist, and which have
 * changed.
 *
 * A run is read again from the start if one of its files was removed, replaced or truncated, if a file appears before others in the order of
 * names, or if the metadata of a series came after values. Until that is done, the earlier content stays visible.
 */

import { inBackground } from '../../src/base/background.js';
import { EventFileChangedError, messageOf } from '../../src/base/errors.js';
import type { EventFileBytes } from '../../src/format/reader/event-file-bytes.js';
import { EventFileReader } from '../../src/format/reader/event-file-reader.js';
import { ReadingMemory } from '../../src/format/reader/reading-memory.js';
import type { ServedSeries } from './model/series-table.js';
import type { ServedFile } from './model/served-file.js';
import { ServedRun } from './model/served-run.js';
import { readRange } from './read-records.js';

/** An event file of a run. */
export interface FoundFile {
  /** Decides the order of reading. */
  readonly name: string;
  /** A path or URL, unique in the source. */
  readonly location: string;
  /** Whether it may have changed since the last list. */
  readonly isChanged: boolean;
  readonly open: () => Promise<EventFileBytes>;
}

export interface FoundRun {
  readonly name: string;
  /** In the order of their names. */
  readonly files: readonly FoundFile[];
}

interface FollowedFile extends FoundFile {
  shown: ServedFile;
  /** Where to continue. */
  offset: number;
  /** The bytes before `offset`: whether they are still the same tells a file that has grown from another one. */
  anchor: Uint8Array;
}

interface FollowedRun {
  shown: ServedRun;
  files: FollowedFile[];
}

const ANCHOR_BYTES = 16;
/** How many runs are read at the same time, so that the processor does not wait for a disk. */
const LANES = 4;

export interface FollowOptions {
  /** How many points of a longer series to keep. */
  readonly capacity: number;
  /** Receives what cannot be read, once for each file. */
  readonly onProblem: (message: string) => void;
}

export class FollowedRuns {
  readonly #options: FollowOptions;
  readonly #byName = new Map<string, FollowedRun>();
  readonly #byLocation = new Map<string, { readonly run: FollowedRun; readonly file: FollowedFile }>();
  readonly #changed = new Set<string>();
  readonly #reported = new Set<string>();
  #runs: readonly ServedRun[] | undefined;
  readonly #lanes = new Set<Promise<void>>();
  /** Of lanes that have ended. */
  readonly #memories: ReadingMemory[] = [];
  /** Runs that a lane reads: the files of a run are read one after the other. */
  readonly #busy = new Set<FollowedRun>();
  #isClosed = false;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  /** In the order of their names. */
  get runs(): readonly ServedRun[] {
    this.#runs ??= Array.from(this.#byName.values(), ({ shown }) => shown).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    );
    return this.#runs;
  }

  /** Adopts a complete list, and begins to read what is new. */
  update(found: readonly FoundRun[]): void {
    const names = new Set(found.map(({ name }) => name));
    for (const each of found) if (!this.#byName.has(each.name)) this.#rename(each, names);
    for (const [name, run] of this.#byName) if (!names.has(name)) this.#remove(name, run);
    for (const each of found) {
      const known = this.#byName.get(each.name);
      const isExtended =
        known?.files.every(({ location }, i) => location === each.files[i]?.location) ?? false;
      if (known === undefined || !isExtended) this.#replace(each, known);
      else {
        for (const file of each.files.slice(known.files.length)) this.#add(known, file);
        for (const { location, isChanged } of each.files) if (isChanged) this.#changed.add(location);
      }
    }
    this.#startReading();
  }

  /** Reads what is new in a file. Returns false if the file is not known. */
  change(location: string): boolean {
    if (!this.#byLocation.has(location)) return false;
    this.#changed.add(location);
    this.#startReading();
    return true;
  }

  /** Resolves when all that is known to have changed is read. */
  async settle(): Promise<void> {
    while (this.#lanes.size > 0) await Promise.all(this.#lanes);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.settle();
  }

  /** Adopts the new name of a run, which has the same files. */
  #rename({ name, files: [first] }: FoundRun, names: ReadonlySet<string>): void {
    const run = this.#byLocation.get(first?.location ?? '')?.run;
    if (run === undefined || names.has(run.shown.name)) return;
    this.#byName.delete(run.shown.name);
    this.#byName.set(name, run);
    for (const each of [run.shown, this.#pending.get(run)]) {
      if (each === undefined) continue;
      each.name = name;
      each.touch();
    }
    this.#runs = undefined;
  }

  #remove(name: string, { files }: FollowedRun): void {
    this.#byName.delete(name);
    for (const { location } of files) this.#byLocation.delete(location);
    this.#runs = undefined;
  }

  /** Creates a run. One that replaces another becomes visible when it is read. */
  #replace(
    { name, files }: FoundRun,
    earlier: FollowedRun | undefined,
    late: readonly ServedSeries[] = [],
  ): void {
    const fresh = { shown: new ServedRun(name, late), files: [] };
    const run = earlier ?? fresh;
    for (const { location } of run.files) this.#byLocation.delete(location);
    run.files = [];
    if (earlier === undefined) this.#byName.set(name, run);
    else this.#pending.set(run, fresh.shown);
    for (const file of files) this.#add(run, file);
    this.#runs = undefined;
  }

  /** What replaces the content of a run when all of its files are read. */
  readonly #pending = new Map<FollowedRun, ServedRun>();

  /** What is read now. */
  #contentOf(run: FollowedRun): ServedRun {
    return this.#pending.get(run) ?? run.shown;
  }

  #add(run: FollowedRun, file: FoundFile): void {
    const shown = this.#contentOf(run).addFile(file.name, file.open, this.#options.capacity);
    const followed = { ...file, shown, offset: 0, anchor: new Uint8Array() };
    run.files.push(followed);
    this.#byLocation.set(file.location, { run, file: followed });
    this.#changed.add(file.location);
  }

  #startReading(): void {
    if (this.#isClosed) return;
    for (let n = Math.min(LANES - this.#lanes.size, this.#changed.size); n > 0; n--) {
      const lane = this.#readLane().finally(() => {
        this.#lanes.delete(lane);
      });
      this.#lanes.add(lane);
      inBackground(lane);
    }
  }

  async #readLane(): Promise<void> {
    const memory = this.#memories.pop() ?? new ReadingMemory();
    for (let next = this.#takeChanged(); next !== undefined; next = this.#takeChanged()) {
      const { run, file } = next;
      this.#busy.add(run);
      await this.#readChanged(run, file, memory);
      this.#busy.delete(run);
    }
    this.#memories.push(memory);
  }

  #takeChanged(): { run: FollowedRun; file: FollowedFile } | undefined {
    if (this.#isClosed) return undefined;
    for (const location of this.#changed) {
      const known = this.#byLocation.get(location);
      if (known !== undefined && this.#busy.has(known.run)) continue;
      this.#changed.delete(location);
      if (known !== undefined) return known;
    }
    return undefined;
  }

  async #readChanged(run: FollowedRun, file: FollowedFile, memory: ReadingMemory): Promise<void> {
    try {
      if (!(await this.#read(run, file, memory))) {
        this.#replace({ name: run.shown.name, files: run.files }, run);
        return;
      }
    } catch (error) {
      this.#report(file, error);
    }
    if (run.files.some((each) => this.#changed.has(each.location))) return;
    const { isIncomplete, late } = this.#contentOf(run).series;
    if (isIncomplete) this.#replace({ name: run.shown.name, files: run.files }, run, late);
    else this.#show(run);
  }

  #show(run: FollowedRun): void {
    const pending = this.#pending.get(run);
    if (pending === undefined) return;
    this.#pending.delete(run);
    run.shown = pending;
    this.#runs = undefined;
  }

  #report({ location }: FollowedFile, error: unknown): void {
    if (this.#reported.has(location)) return;
    this.#reported.add(location);
    this.#options.onProblem(`${location}: ${messageOf(error)}`);
  }

  /** Reads what is new. Returns false if the file is another one, or shorter than before. */
  async #read(run: FollowedRun, file: FollowedFile, memory: ReadingMemory): Promise<boolean> {
    const bytes = await file.open();
    try {
      const anchor = await readRange(bytes, file.offset - file.anchor.length, file.anchor.length);
      if (Buffer.compare(anchor, file.anchor) !== 0) return false;
      const reader = new EventFileReader(file.location, {
        offset: file.offset,
        onDamage: 'skip',
        // The reader does not close it.
        open: async () => bytes,
      }).useMemory(memory);
      for await (const batch of reader.readBatches()) {
        file.shown.add(batch);
        this.#contentOf(run).touch();
        if (this.#isClosed) break;
      }
      file.shown.pause();
      file.offset = reader.offset;
      const length = Math.min(ANCHOR_BYTES, file.offset);
      file.anchor = reader.copyBefore(length) ?? (await readRange(bytes, file.offset - length, length));
      return true;
    } catch (error) {
      if (error instanceof EventFileChangedError) return false;
      throw error;
    } finally {
      await bytes.close();
    }
  }
}
