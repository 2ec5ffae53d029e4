/**
 * Exports the events of a run's log directories: records in, rows and assets out. Under both the writer of a run and the uploader. Pure.
 *
 * A restart that supersedes exported rows is rare, so everything is then exported again without them (`restart`). Until then, the rest of the
 * events is only searched for further restarts, so that many restarts cost one more pass and not one each.
 */

import type { JsonValue } from '../../base/json-value.js';
import type { ScalarBatch } from '../../format/reader/scalar-decoder.js';
import { Restarts, type SessionStart } from '../../format/restarts.js';
import { type Event, SessionStatus } from '../../format/wire/messages.js';
import { retractedTags } from '../../format/wire/retraction-value.js';
import {
  type ExportCounts,
  Exporter,
  type ExporterState,
  type ExportOutput,
  type ExportTarget,
  type NamedSeries,
  type SeriesArtifact,
} from './exporter.js';

/** Where a record is. */
interface ExportedPlace {
  readonly target: ExportTarget;
  /** The path of its log directory below the run's event files; '' for the run's own. */
  readonly logDirectory: string;
  readonly fileName: string;
  readonly offset: number;
}

/** What continues a session: its exporters, or only the names of their series. */
export interface SessionState {
  readonly states: readonly ExporterState[];
  readonly names: ReadonlyMap<ExportTarget, readonly NamedSeries[]>;
  /** By log directory of events. System metrics have no steps in Polyaxon. */
  readonly restarts: ReadonlyMap<string, Iterable<SessionStart>>;
  readonly inputs: Readonly<Record<string, JsonValue>>;
  /** Instead of states: what a frozen session has exported. */
  readonly result: ExportResult | null;
}

/** What a session has exported. */
export interface ExportResult {
  readonly inputs: Readonly<Record<string, JsonValue>>;
  readonly lastValues: Readonly<Record<string, number | null>>;
  readonly artifacts: readonly SeriesArtifact[];
  readonly counts: ExportCounts;
}

interface ExportSessionOptions {
  /** See `ExporterOptions`. */
  readonly exactValues?: number | undefined;
  readonly isImported?: boolean | undefined;
}

const NO_NAMES: SessionState['names'] = new Map();
const NO_COUNTS: ExportCounts = {
  ...{ values: 0, exported: {}, rows: {}, inputs: 0, previews: 0, unexported: {}, invalid: {} },
  superseded: 0,
};

export class ExportSession {
  readonly #options: ExportSessionOptions;
  readonly #exporters = new Map<ExportTarget, Exporter>();
  readonly #restarts = new Map<string, Restarts>();
  /** The series that had names when the session was restarted. */
  readonly #names = new Map<ExportTarget, readonly NamedSeries[]>();
  #inputs: Record<string, JsonValue> = {};
  #result: ExportResult | null = null;
  #isSuperseded = false;

  constructor(options: ExportSessionOptions = {}) {
    this.#options = options;
  }

  /** Continues an earlier session. Returns false if only its names can be used, so that everything must be exported again. */
  restore({ states, names, restarts, inputs, result }: SessionState): boolean {
    for (const [target, series] of names) this.#names.set(target, series);
    for (const { target, series } of states) this.#names.set(target, series.map(toNamed));
    const { version } = new Exporter().state;
    if (states.some((state) => state.version !== version)) return false;
    for (const state of states) this.#exporters.set(state.target, new Exporter({ ...this.#options, state }));
    for (const [logDirectory, starts] of restarts) this.#restarts.set(logDirectory, new Restarts(starts));
    this.#inputs = { ...inputs };
    this.#result = result;
    return true;
  }

  /** Call `take` before. */
  get state(): SessionState {
    const states = [...this.#exporters.values()].map(({ state }) => state);
    // The states have the names.
    const names = this.#result === null ? NO_NAMES : this.#names;
    return { states, names, restarts: this.#restarts, inputs: this.inputs, result: this.#result };
  }

  /** Whether a restart supersedes rows, so that all output is to be discarded and made again after `restart`. */
  get isSuperseded(): boolean {
    return this.#isSuperseded;
  }

  /** Hyperparameters found in the events. */
  get inputs(): Readonly<Record<string, JsonValue>> {
    return this.#result?.inputs ?? this.#inputs;
  }

  /** Processes the next event. Log directories are processed one after the other, and their files in the order of their names. */
  push(event: Event, place: ExportedPlace): void {
    const { target, logDirectory, fileName, offset } = place;
    const exporter = this.#exporterOf(target);
    if (target !== 'events') {
      exporter.push(event, logDirectory);
      return;
    }
    const restarts = this.restartsOf(logDirectory);
    const { what, step } = event;
    if (what.kind === 'sessionLog' && what.status === SessionStatus.START) {
      const isNew = restarts.add({ fileName, offset, step });
      const isRestart = restarts.isRestart(fileName, offset);
      if (isNew && isRestart && exporter.hasRowsFrom(step, logDirectory)) this.#isSuperseded = true;
    }
    for (const tag of retractedTags(event)) {
      const isNew = restarts.add({ fileName, offset, step, tag });
      if (isNew && exporter.hasRowsFrom(step, logDirectory, tag)) this.#isSuperseded = true;
    }
    if (!this.#isSuperseded) exporter.push(event, logDirectory, restarts.endStepAt(fileName, offset));
  }

  /** Processes scalars in columns; has the same effect as `push` for each of them. `place`: that of the first one. */
  pushScalars(scalars: ScalarBatch, { target, logDirectory, fileName, offset }: ExportedPlace): void {
    if (this.#isSuperseded) return;
    const endStep =
      target === 'events' ? this.restartsOf(logDirectory).endStepAt(fileName, offset) : undefined;
    this.#exporterOf(target).pushScalars(scalars, logDirectory, endStep);
  }

  /** Returns the pending output and clears it. */
  take(): ExportOutput {
    const outputs = [...this.#exporters.values()].map((exporter) => exporter.take());
    const inputs = Object.fromEntries(outputs.flatMap((output) => Object.entries(output.inputs)));
    this.#inputs = { ...this.#inputs, ...inputs };
    return {
      appends: outputs.flatMap(({ appends }) => appends),
      assets: outputs.flatMap(({ assets }) => assets),
      supersededAssets: outputs.flatMap(({ supersededAssets }) => supersededAssets),
      inputs,
      notices: outputs.flatMap(({ notices }) => notices),
    };
  }

  /** Size of the pending output. */
  get waitingBytes(): number {
    let bytes = 0;
    for (const { waitingBytes } of this.#exporters.values()) bytes += waitingBytes;
    return bytes;
  }

  /** The number of series. */
  get seriesCount(): number {
    let count = 0;
    for (const { seriesCount } of this.#exporters.values()) count += seriesCount;
    return count;
  }

  /** Replaces the files of series without rows with files without rows. `exists` returns whether a path has a file. */
  emptyFiles(exists: (path: string) => boolean): void {
    for (const exporter of this.#exporters.values()) exporter.emptyFiles(exists);
  }

  /** Begins again. Series keep their names, and restarts stay known. */
  restart(): void {
    for (const [target, { series }] of this.#exporters) this.#names.set(target, series);
    this.#exporters.clear();
    this.#inputs = {};
    this.#result = null;
    this.#isSuperseded = false;
  }

  /** Keeps only the result and the names. More events require a `restart`. */
  freeze(): void {
    const result = this.toFrozen().#result;
    this.restart();
    this.#result = result;
  }

  /** Returns a session that has only the result, so that this one can be freed. */
  toFrozen(): ExportSession {
    const { inputs, counts } = this;
    const frozen = new ExportSession(this.#options);
    frozen.#result = { inputs, counts, lastValues: this.lastValues(), artifacts: this.artifacts() };
    return frozen;
  }

  get isFrozen(): boolean {
    return this.#result !== null;
  }

  /** The restarts of a log directory of events that are known. */
  restartsOf(logDirectory: string): Restarts {
    let restarts = this.#restarts.get(logDirectory);
    if (restarts === undefined) {
      restarts = new Restarts();
      this.#restarts.set(logDirectory, restarts);
    }
    return restarts;
  }

  /** Forgets the restarts of files that are gone: they supersede nothing any more. */
  keepRestarts(isKept: (logDirectory: string, fileName: string) => boolean): void {
    for (const [logDirectory, restarts] of this.#restarts)
      restarts.keepFiles((fileName) => isKept(logDirectory, fileName));
  }

  /** Paths of event files that may be shorter than before, because steps are superseded. */
  shortenedPaths(): Iterable<string> {
    return this.#exporters.get('events')?.shortenedPaths() ?? [];
  }

  /** Returns the last value of each metric by name, without system metrics. */
  lastValues(): Readonly<Record<string, number | null>> {
    return this.#result?.lastValues ?? this.#exporters.get('events')?.lastValues() ?? {};
  }

  /** Returns the last superseded value of each metric that has one. */
  supersededValues(): Record<string, number | null> {
    return this.#exporters.get('events')?.supersededValues() ?? {};
  }

  /**
   * Returns the lineage entries of all series, system metrics last. Those whose name an event has are renamed, because Polyaxon requests
   * events by the name of their file. As in `run-directory.ts`.
   */
  artifacts(): readonly SeriesArtifact[] {
    if (this.#result !== null) return this.#result.artifacts;
    const events = this.#exporters.get('events')?.artifacts() ?? [];
    const taken = new Set(events.map(({ name }) => name));
    const system = this.#exporters.get('resources')?.artifacts() ?? [];
    return [...events, ...system.map((artifact) => toUnique(artifact, taken))];
  }

  get counts(): ExportCounts {
    if (this.#result !== null) return this.#result.counts;
    return [...this.#exporters.values()].reduce((sum, { counts }) => addCounts(sum, counts), NO_COUNTS);
  }

  #exporterOf(target: ExportTarget): Exporter {
    let exporter = this.#exporters.get(target);
    if (exporter === undefined) {
      exporter = new Exporter({ ...this.#options, target, series: this.#names.get(target) });
      this.#exporters.set(target, exporter);
    }
    return exporter;
  }
}

function toNamed({ kind, logDirectory, rawName, name }: NamedSeries): NamedSeries {
  return { kind, logDirectory, rawName, name };
}

function toUnique(artifact: SeriesArtifact, taken: Set<string>): SeriesArtifact {
  let { name } = artifact;
  while (taken.has(name)) name = `${name}-${artifact.kind}`;
  taken.add(name);
  return name === artifact.name ? artifact : { ...artifact, name };
}

type Numbers = Readonly<Record<string, number>>;

function addCounts(a: ExportCounts, b: ExportCounts): ExportCounts {
  const sums = (Object.keys(NO_COUNTS) as (keyof ExportCounts)[]).map((name) => {
    const [before, count] = [a[name], b[name]];
    const isNumber = typeof before === 'number';
    return [name, isNumber ? before + (count as number) : addEach(before, count as Numbers)] as const;
  });
  return Object.fromEntries(sums) as unknown as ExportCounts;
}

function addEach(a: Numbers, b: Numbers): Numbers {
  const names = Object.keys({ ...a, ...b });
  return Object.fromEntries(names.map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]));
}
