/**
 * Converts the events of a run to Polyaxon event files (`.plx`), assets, inputs and lineage entries.
 *
 * Pure and streaming: it receives events, returns bytes to append, and has a state that is JSON. Nothing is dropped silently:
 * values without an equivalent in Polyaxon are counted by plugin, and renamed or unreadable values cause a notice.
 *
 * Long because its state is saved and restored as a whole.
 */

import { InvalidValueError } from '../../base/errors.js';
import type { JsonValue } from '../../base/json-value.js';
import { checkOptions, type OptionTable } from '../../base/options.js';
import { type ScalarBatch, toScalarEvent } from '../../format/reader/scalar-decoder.js';
import { type EndStep, endStepOf } from '../../format/restarts.js';
import type { Event, SummaryValue } from '../../format/wire/messages.js';
import { toFinite } from '../number-text.js';
import { POLYAXON_PLUGIN } from '../polyaxon-value.js';
import { isRunSession } from '../run-session.js';
import type { DecodedRow } from './decoded-rows.js';
import { type ExportedEvent, type ExportedValue, exportValue, toExportedEvent } from './exported-value.js';
import { ExportCounter, type ExportCounts, type ExporterState } from './exporter-state.js';
import { toInputs } from './hparam-inputs.js';
import { type SeriesArtifact, toSeriesArtifact } from './run-artifact.js';
import type { EventTime, ExportTarget, Series, SeriesAppend } from './series.js';
import { type ExportNotice, type NamedSeries, SeriesIndex } from './series-index.js';
import { type TagInfo, TagTable } from './tag-table.js';
import { TimestampPrinter, toPrintableTime } from './timestamp-text.js';
import { toJsonText } from './value-json.js';

export type { ExportCounts, ExporterState } from './exporter-state.js';
export { artifactsOf, type EventsSummary, type SeriesArtifact } from './run-artifact.js';
export type { ExportTarget, SeriesAppend } from './series.js';
export type { ExportNotice, NamedSeries } from './series-index.js';

export interface ExporterOptions {
  /**
   * `events`: every kind, below `events/` and `assets/`. `resources`: system metrics, which are scalars, below `resources/`; without
   * steps, like those of Polyaxon. Default `events`.
   */
  readonly target?: ExportTarget | undefined;
  /** The state of an earlier export to continue; its target overrides `target`. */
  readonly state?: ExporterState | undefined;
  /** Number of finite values up to which quartiles are exact; above, they are within 0.1 %. Default 2,048. */
  readonly exactValues?: number | undefined;
  /** Returns whether another lineage entry, such as a system metric, uses a name. Must not change its answers during a run. */
  readonly isReservedName?: ((name: string) => boolean) | undefined;
  /** The series of an export that is repeated, so that each keeps its name. Ignored with `state`. */
  readonly series?: readonly NamedSeries[] | undefined;
  /**
   * Whether the events belong to a run without `run.plx.json`, so that the hyperparameters and results that `Run` has written for TensorBoard
   * become inputs and metrics. Default false: they are counted as previews, because the run has them as inputs and outputs.
   */
  readonly isImported?: boolean | undefined;
}
const EXPORTER_OPTIONS: OptionTable<ExporterOptions> = {
  target: 'any',
  state: 'object',
  exactValues: 'number',
  isReservedName: 'function',
  series: 'object',
  isImported: 'boolean',
};

/** A complete file below `assets/`. */
export interface ExportAsset {
  /** Relative to the run directory. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The output since the last `take`. Write the assets first, because rows refer to them. */
export interface ExportOutput {
  /** Bytes to append to files, which have `offset` bytes before; at 0, they replace a file. Paths are relative to the run directory. */
  readonly appends: readonly SeriesAppend[];
  readonly assets: readonly ExportAsset[];
  /** Paths that assets of superseded rows had in an earlier export. Delete those that this export does not use. */
  readonly supersededAssets: readonly string[];
  /** Hyperparameters, to be added to the run's inputs. */
  readonly inputs: Readonly<Record<string, JsonValue>>;
  readonly notices: readonly ExportNotice[];
}

const DEFAULT_EXACT_VALUES = 2048;

interface PushedTime extends EventTime {
  /** From which step on rows are superseded. */
  readonly endStep: EndStep;
}

export class Exporter {
  readonly target: ExportTarget;
  readonly #tables = new Map<string, TagTable>();
  readonly #series: SeriesIndex;
  readonly #counter: ExportCounter;
  readonly #isImported: boolean;
  readonly #printer = new TimestampPrinter();
  #lastTable: TagTable | undefined;
  #wallTimeNoticed: boolean;
  #assets: ExportAsset[] = [];
  #supersededAssets: string[] = [];
  #inputs = new Map<string, JsonValue>();
  #notices: ExportNotice[] = [];
  #assetBytes = 0;

  constructor(given: ExporterOptions = {}) {
    checkOptions('new Exporter', given, EXPORTER_OPTIONS);
    const { target, state, exactValues, isReservedName, series, isImported = false } = given;
    this.#isImported = isImported;
    this.target = state?.target ?? target ?? 'events';
    const options = {
      target: this.target,
      exactValues: exactValues ?? DEFAULT_EXACT_VALUES,
      isReservedName,
      notify: (notice: ExportNotice): void => {
        this.#notices.push(notice);
      },
    };
    this.#series = new SeriesIndex(options, state?.series ?? series);
    this.#counter = new ExportCounter(state?.counts);
    this.#wallTimeNoticed = state?.wallTimeNoticed ?? false;
    for (const { path, tags } of state?.logDirectories ?? [])
      this.#tables.set(path, new TagTable(path, tags));
  }

  /**
   * Processes the next event, in file order. `logDirectory` is the path of its log directory below the run's event files, which
   * becomes a prefix of names; '' for the run's main directory. Keeps no reference to the event's bytes.
   *
   * From `endStep` on, steps are superseded (`src/format/restarts.ts`): an event of such a step adds no rows, but its series keep
   * their names.
   */
  push(event: Event, logDirectory = '', endStep?: EndStep): void {
    const { what } = event;
    switch (what.kind) {
      case 'summary': {
        if (what.values.length === 0) return;
        const wallTime = this.#toPrintable(event.wallTime);
        const { step } = event;
        const eventTime = { step, wallTime, timestamp: this.#printer.print(wallTime), endStep };
        this.#pushValues(this.#tableOf(logDirectory), eventTime, what.values);
        return;
      }
      case 'graphDef':
      case 'metaGraphDef':
        this.#pushUnexported('graphs');
        return;
      case 'taggedRunMetadata':
        this.#pushUnexported('graph_tagged_run_metadata');
        return;
    }
  }

  /** Processes scalars in columns; has the same effect as `push` for each of them. */
  pushScalars(scalars: ScalarBatch, logDirectory = '', endStep?: EndStep): void {
    const { count, sources, sourceIndices, steps, wallTimes, values } = scalars;
    const table = this.#tableOf(logDirectory);
    const metrics = table.metricsOf(sources);
    const endSteps =
      endStep === undefined || this.target !== 'events'
        ? undefined
        : sources.map(({ first }) => endStepOf(endStep, first.tag));
    for (let i = 0; i < count; i++) {
      const series = metrics[sourceIndices[i]!];
      if (series === undefined) {
        this.#pushFromSource(table, scalars, i, endStep);
        continue;
      }
      this.#counter.values++;
      const end = endSteps?.[sourceIndices[i]!];
      if (end !== undefined && steps[i]! >= end) {
        series.supersededNumber = values[i]!;
        this.#counter.superseded++;
        continue;
      }
      const wallTime = this.#toPrintable(wallTimes[i]!);
      const eventTime = { step: steps[i]!, wallTime, timestamp: this.#printer.print(wallTime) };
      series.appendNumber(eventTime, values[i]!);
      this.#counter.numbers++;
    }
  }

  /**
   * Whether a restart of a log directory at `step`, or of one of its tags, supersedes rows. They cannot be removed: export all events again,
   * with a new exporter and `endStep`.
   */
  hasRowsFrom(step: number | bigint, logDirectory = '', tag?: string): boolean {
    if (tag !== undefined)
      return this.#series.ofTag(tag, logDirectory).some((series) => series.hasRowsFrom(step));
    for (const series of this.#series)
      if (series.identity.logDirectory === logDirectory && series.hasRowsFrom(step)) return true;
    return false;
  }

  /** Replaces the files of series that have no rows any more with files without rows. `exists` returns whether a path has a file. */
  emptyFiles(exists: (path: string) => boolean): void {
    for (const series of this.#series) if (!series.hasFile && exists(series.path)) series.appendNothing();
  }

  /** Paths of files that may be shorter than before, because steps are superseded. */
  shortenedPaths(): ReadonlySet<string> {
    return new Set([...this.#series].filter((each) => each.hasSuperseded).map(({ path }) => path));
  }

  /** @internal The number of series. */
  get seriesCount(): number {
    return this.#series.count;
  }

  /** All series that have a name, for the option `series`. */
  get series(): NamedSeries[] {
    return [...this.#series].map(({ identity: { kind, logDirectory, rawName, name } }) => ({
      ...{ kind, logDirectory, rawName, name },
    }));
  }

  /** Returns the pending output and clears it. */
  take(): ExportOutput {
    const appends = [...this.#series].flatMap((series) => series.take() ?? []);
    const output = {
      appends,
      assets: this.#assets,
      supersededAssets: this.#supersededAssets,
      inputs: Object.fromEntries(this.#inputs),
      notices: this.#notices,
    };
    this.#assets = [];
    this.#supersededAssets = [];
    this.#inputs = new Map();
    this.#notices = [];
    this.#assetBytes = 0;
    return output;
  }

  /** Size of the pending output. */
  get waitingBytes(): number {
    let bytes = this.#assetBytes;
    for (const series of this.#series) bytes += series.waitingBytes;
    return bytes;
  }

  /**
   * The state as plain JSON: an exporter created with it continues with exactly the same bytes. Call `take` first: throws while output is
   * pending, because pending output is not part of the state.
   */
  get state(): ExporterState {
    const isWaiting = this.waitingBytes > 0 || this.#inputs.size > 0 || this.#notices.length > 0;
    if (isWaiting) throw new Error('the exporter has pending output: call take() before reading state');
    return {
      version: 1,
      target: this.target,
      logDirectories: [...this.#tables].map(([path, table]) => ({ path, tags: table.toState() })),
      series: [...this.#series].map((series) => series.toState()),
      counts: this.#counter.toState(),
      wallTimeNoticed: this.#wallTimeNoticed,
    };
  }

  get counts(): ExportCounts {
    const rows = new Map<string, number>();
    for (const { identity, rows: number } of this.#series) {
      if (number > 0) rows.set(identity.kind, (rows.get(identity.kind) ?? 0) + number);
    }
    return { ...this.#counter.toState(), rows: Object.fromEntries(rows) };
  }

  /** Returns the lineage entries of all series with a file, or of those at `paths`, in the order in which they were named. */
  artifacts(paths?: ReadonlySet<string>): SeriesArtifact[] {
    const wanted = [...this.#series].filter(
      ({ path, hasFile }) => hasFile && (paths === undefined || paths.has(path)),
    );
    return wanted.map(toSeriesArtifact);
  }

  /** Returns the last value of each metric by name, for the run's outputs; null for NaN and infinities, as in Polyaxon. */
  lastValues(): Record<string, number | null> {
    const values = [...this.#series].flatMap(({ identity, statistics, hasFile }) =>
      statistics === undefined || !hasFile ? [] : [[identity.name, toFinite(statistics.last)] as const],
    );
    return Object.fromEntries(values);
  }

  /** Returns the last superseded value of each metric that has one, like `lastValues`. */
  supersededValues(): Record<string, number | null> {
    const values = [...this.#series].flatMap(({ identity, supersededNumber }) =>
      supersededNumber === undefined ? [] : [[identity.name, toFinite(supersededNumber)] as const],
    );
    return Object.fromEntries(values);
  }

  #tableOf(logDirectory: string): TagTable {
    if (this.#lastTable?.logDirectory === logDirectory) return this.#lastTable;
    let table = this.#tables.get(logDirectory);
    if (table === undefined) {
      table = new TagTable(logDirectory);
      this.#tables.set(logDirectory, table);
    }
    this.#lastTable = table;
    return table;
  }

  #toPrintable(wallTime: number): number {
    const printable = toPrintableTime(wallTime);
    if (printable !== wallTime && !this.#wallTimeNoticed) {
      this.#wallTimeNoticed = true;
      const message = `wall time ${wallTime} is outside the years 1 to 9999; stored as ${printable}`;
      this.#notices.push({ code: 'WARN_WALL_TIME_UNPRINTABLE', message });
    }
    return printable;
  }

  /** Processes a scalar whose source has no series yet; remembers the series if it is a metric. */
  #pushFromSource(table: TagTable, scalars: ScalarBatch, row: number, endStep: EndStep): void {
    const source = scalars.sources[scalars.sourceIndices[row]!]!;
    this.push(toScalarEvent(scalars, row), table.logDirectory, endStep);
    const info = table.infoOf(source.first);
    const isMetric = source.first.value?.kind === 'simpleValue' || info.pluginName === 'scalars';
    if (isMetric && info.pluginName !== POLYAXON_PLUGIN) {
      table.metricsOf(scalars.sources)[source.index] = info.metric;
    }
  }

  #pushUnexported(pluginName: string): void {
    this.#counter.values++;
    this.#counter.countUnexported(pluginName);
  }

  #pushValues(table: TagTable, eventTime: PushedTime, values: readonly SummaryValue[]): void {
    const event = toExportedEvent(values, table);
    for (const value of values) {
      // Removes points: see `Restarts`.
      if (value.value?.kind === 'obsoleteHistogram') continue;
      this.#counter.values++;
      if (!this.#isImported && isRunSession(value)) {
        this.#counter.previews++;
        continue;
      }
      const info = table.infoOf(value);
      try {
        this.#pushValue(event, eventTime, value, info);
      } catch (error) {
        this.#countInvalid(info, error);
      }
    }
  }

  #countInvalid(info: TagInfo, error: unknown): void {
    if (!(error instanceof InvalidValueError)) throw error;
    this.#counter.countInvalid(info.pluginName);
    if (info.isNoticed) return;
    info.isNoticed = true;
    this.#notices.push({ code: 'WARN_VALUE_INVALID', message: error.message, rawName: info.tag });
  }

  #pushValue(event: ExportedEvent, eventTime: PushedTime, value: SummaryValue, info: TagInfo): void {
    const exported = exportValue(value, info, event);
    if (typeof exported === 'number') this.#pushNumber(event.table, eventTime, info, exported);
    else if (exported === 'preview') this.#counter.previews++;
    else this.#export(event.table, eventTime, info, exported);
  }

  #pushNumber(table: TagTable, eventTime: PushedTime, info: TagInfo, value: number): void {
    info.metric ??= this.#series.get('metric', table.logDirectory, info.tag);
    if (this.#isSuperseded(eventTime, info)) {
      info.metric.supersededNumber = value;
      this.#counter.superseded++;
      return;
    }
    info.metric.appendNumber(eventTime, value);
    this.#counter.numbers++;
  }

  #export(
    { logDirectory }: TagTable,
    eventTime: PushedTime,
    info: TagInfo,
    exported: ExportedValue | undefined,
  ): void {
    if (exported === undefined || this.target !== 'events') {
      this.#counter.countUnexported(info.pluginName);
    } else if (exported.kind === 'inputs') {
      const notify = (notice: ExportNotice): void => {
        this.#notices.push(notice);
      };
      const inputs = toInputs(exported.session, logDirectory, notify);
      for (const [name, value] of inputs) this.#inputs.set(name, value);
      this.#counter.inputs++;
    } else {
      const { artifactKind, name, rows } = exported;
      const series = this.#series.get(artifactKind, logDirectory, name);
      if (this.#isSuperseded(eventTime, info)) {
        for (const { asset } of rows) {
          const path = series.skipRow(eventTime.step, asset?.extension);
          if (path !== undefined) this.#supersededAssets.push(path);
        }
        this.#counter.superseded++;
        return;
      }
      for (const row of rows) this.#appendRow(eventTime, series, row);
      this.#counter.countExported(artifactKind);
    }
  }

  #isSuperseded({ step, endStep }: PushedTime, { tag }: TagInfo): boolean {
    if (endStep === undefined || this.target !== 'events') return false;
    const end = endStepOf(endStep, tag);
    return end !== undefined && step >= end;
  }

  #appendRow(eventTime: EventTime, series: Series, { value, asset }: DecodedRow): void {
    const { kind } = series.identity;
    if (kind === 'metric') {
      // JSON has no NaN.
      series.appendNumber(eventTime, value === null ? Number.NaN : Number(value));
      return;
    }
    const path =
      asset === undefined ? undefined : this.#addAsset(series, eventTime.step, asset.extension, asset.bytes);
    series.appendText(eventTime, toJsonText(kind, withPath(value, path)));
  }

  /** Queues a copy of an asset's bytes and returns its path. */
  #addAsset(series: Series, step: number | bigint, extension: string, bytes: Uint8Array): string {
    const path = series.assetPath(step, extension);
    this.#assets.push({ path, bytes: new Uint8Array(bytes) });
    this.#assetBytes += bytes.length;
    return path;
  }
}

function withPath(value: JsonValue, path: string | undefined): JsonValue {
  if (path === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return { ...value, path };
}
