/**
 * Schedules the export of one run, finds its event files and handles failures. `RunExporter` does the conversion.
 *
 * If nothing is to be converted, because the writer of the run does that or there is no store, the events of an active run are only followed, for the
 * facts about them: the writer records them when it ends.
 */

import type { CodedError } from '../../../src/base/errors.js';
import { isEventFileName } from '../../../src/format/event-file-name.js';
import { ExportSession } from '../../../src/polyaxon/export/export-session.js';
import { StateDirectoryError } from '../../base/errors.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import { findCleanedMarker } from '../../run-directory/cleaned-marker.js';
import { findExportOwner } from '../../run-directory/export-owner.js';
import { type FileId, FLAG } from '../inventory/file-table.js';
import type { KnownRun } from '../inventory/known-run.js';
import { RECORD_TIMEOUT_MS } from '../plan/trigger.js';
import { openLocalFile } from '../source/local-file.js';
import { toBase } from './event-source.js';
import { ExportNotices } from './export-notices.js';
import type { ExportContext, ExportOutcome } from './export-view.js';
import { InventoryRows } from './inventory-rows.js';
import { type EventFile, RunExporter } from './run-exporter.js';
import { SessionFacts } from './run-facts.js';

/** While a run is written, it is exported at this interval, so that many small appends cost one read. Exports take at most a tenth of the time. */
const LOOK_INTERVAL_MS = { min: 1_000, max: 10_000 };
const LOOK_RATIO = 10;
const SAVE_INTERVAL_MS = 10_000;
/** Saving the state takes at most 1/`SAVE_RATIO` of the time. */
const SAVE_RATIO = 20;
/** What is done with the events of a run. `leave`: nothing. */
type Work = 'convert' | 'follow' | 'leave';
const FIRST_PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 60_000;

export class RunExport {
  readonly facts = new SessionFacts();
  readonly #context: ExportContext;
  readonly #run: KnownRun;
  readonly #rows: InventoryRows;
  readonly #notices: ExportNotices;
  readonly #damage = new Map<string, { readonly offset: number; readonly sinceMs: number }>();
  #exporter: RunExporter | null = null;
  /** The time of the last change of the run that has been exported. */
  #checkedMs = Number.NEGATIVE_INFINITY;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #nextLookMs = Number.NEGATIVE_INFINITY;
  #savedMs: number;
  #saveTookMs = 0;
  #behindSinceMs: number | null = null;
  #hasMore = false;
  #waitsForDamage = false;
  /** Whether events were converted, according to the last decision. */
  #isConverted = false;
  #isDiscarded = false;
  /** The versions of the event files at the time of the release. */
  #releasedVersions: string | null = null;
  #failure: { readonly error: CodedError; readonly tries: number; readonly untilMs: number } | null = null;

  constructor(context: ExportContext, run: KnownRun) {
    this.#context = context;
    this.#run = run;
    this.#rows = new InventoryRows(context.inventory, run);
    this.#notices = new ExportNotices(run.uuid, context.onNotice);
    this.#savedMs = context.clock.monotonicMs();
  }

  /** Why the export fails; null when it works. */
  get problem(): CodedError | null {
    const [unreadable] = this.#exporter?.unreadable.values() ?? [];
    return this.#failure?.error ?? unreadable ?? null;
  }

  get outcome(): ExportOutcome {
    if (this.problem !== null) return 'failed';
    if (this.facts.state === 'undecided' || this.#hasMore || this.#waitsForDamage) return 'busy';
    return this.#run.changedMs > this.#checkedMs ? 'busy' : 'settled';
  }

  /** Whether the last call left work that can be done immediately. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  behindMs(nowMs: number): number {
    return this.#behindSinceMs === null ? 0 : nowMs - this.#behindSinceMs;
  }

  /** Whether `look` has work to do. */
  isDue(nowMs: number): boolean {
    if (this.#failure !== null && nowMs < this.#failure.untilMs) return false;
    if (this.#hasMore) return true;
    if (this.#context.isWatching && nowMs < this.#nextLookMs) return false;
    return this.outcome !== 'settled' || (this.#exporter !== null && !this.#exporter.isSaved);
  }

  /** Exports one step. Rejects only for a bug in this program. */
  async check(): Promise<void> {
    const { clock } = this.#context;
    this.#lookedMs = clock.monotonicMs();
    const changedMs = this.#run.changedMs;
    const before = this.outcome;
    try {
      const hasChanged = await this.#work();
      this.#failure = null;
      if (!this.#hasMore) this.#checkedMs = changedMs;
      this.facts.isCaughtUp = this.outcome === 'settled';
      this.#behindSinceMs = this.outcome === 'settled' ? null : (this.#behindSinceMs ?? this.#lookedMs);
      if (hasChanged || before !== this.outcome) this.#notify();
    } catch (error) {
      this.#fail(error);
    }
    const nowMs = clock.monotonicMs();
    const restMs = Math.max(LOOK_INTERVAL_MS.min, LOOK_RATIO * (nowMs - this.#lookedMs));
    this.#nextLookMs = nowMs + Math.min(LOOK_INTERVAL_MS.max, restMs);
  }

  /** Saves the state of the export, unless it is already saved. */
  async save(): Promise<void> {
    const { clock } = this.#context;
    const startMs = clock.monotonicMs();
    try {
      await this.#exporter?.save();
    } catch (error) {
      this.#fail(error);
    }
    this.#savedMs = clock.monotonicMs();
    this.#saveTookMs = this.#savedMs - startMs;
  }

  /** Deletes the local copies of stored files, unless there are events to export. */
  async removeStored(): Promise<void> {
    if (this.outcome !== 'settled') return;
    try {
      if (this.#exporter === null || this.#exporter.onlyFollows || this.#exporter.session.isFrozen) return;
      await this.#rows.removeStored(this.#exporter.exportFiles);
      if (this.#exporter.exportFiles.areAllRemoved) this.#exporter.finish();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Saves the state and frees the memory of the exporter, unless there are events to export; `facts` stays valid. */
  async release(): Promise<void> {
    await this.save();
    if (this.#exporter === null || this.outcome !== 'settled') return;
    this.facts.session = this.facts.session.toFrozen();
    this.#exporter = null;
    this.#releasedVersions = toVersions(this.#findEventFiles());
  }

  /** Returns true when files were generated. */
  async #work(): Promise<boolean> {
    const work = await this.#decide();
    if (work === null) {
      this.#hasMore = false; // nothing can be done immediately
      return false;
    }
    if (
      (this.#isConverted && work !== 'convert') ||
      (this.#exporter?.onlyFollows === true && work !== 'follow')
    )
      await this.#drop();
    this.#isConverted = work === 'convert';
    if (work === 'leave') return false;
    const files = this.#findEventFiles();
    this.#hasMore = false;
    this.#waitsForDamage = false;
    if (files.length === 0) await this.#discardIfCleaned();
    // If only other files of the run have changed, no exporter is needed.
    if (files.length === 0 || (this.#exporter === null && !this.#needsExporter(files))) return false;
    const exporter = this.#exporter ?? (await this.#open(work === 'follow'));
    const step = await exporter.step(files);
    if (step.isRestarted) {
      this.#rows.forget();
      this.facts.session = exporter.session;
    }
    this.#hasMore = step.hasMore;
    if (exporter.onlyFollows) return step.isRestarted || step.changed.length > 0;
    await this.#rows.report(exporter.exportFiles, step.changed);
    if (!step.hasMore) {
      const shortened = exporter.session.shortenedPaths();
      await this.#rows.reportAll(exporter.exportFiles, shortened);
    }
    if (step.changed.length > 0) this.#notices.reportCounts(this.facts.counts);
    await this.#saveIfDue(exporter);
    return step.isRestarted || step.changed.length > 0;
  }

  /** After a release, only a changed event file requires an exporter. */
  #needsExporter(files: readonly EventFile[]): boolean {
    return toVersions(files) !== this.#releasedVersions;
  }

  /** Deletes the generated files of a run whose local data `clean` has deleted. */
  async #discardIfCleaned(): Promise<void> {
    const { io, paths } = this.#context;
    const { directory, uuid } = this.#run;
    if (this.#isDiscarded || this.#exporter !== null || directory === null) return;
    if ((await findCleanedMarker(io.fileSystem, directory)) === null) return;
    await RunExporter.discard(io.fileSystem, `${paths.exports}/${uuid}`);
    this.#rows.forget();
    this.#isDiscarded = true;
  }

  async #saveIfDue(exporter: RunExporter): Promise<void> {
    const { clock } = this.#context;
    const sinceMs = clock.monotonicMs() - this.#savedMs;
    const isOver = !this.#hasMore && !this.#context.isLive(this.#run);
    if (!exporter.isSaved && (isOver || sinceMs >= Math.max(SAVE_INTERVAL_MS, SAVE_RATIO * this.#saveTookMs)))
      await this.save();
  }

  /** Null while that is not known. */
  async #decide(): Promise<Work | null> {
    const { directory, filesAt } = this.#run;
    if (directory === null) return null;
    const { convertsEvents, isWatching, observer } = this.#context;
    const who = await findExportOwner(this.#context.io.fileSystem, { directory, filesAt });
    if (who === 'undecided') {
      this.facts.state = who;
      return null;
    }
    const converts = who === 'uploader' && convertsEvents;
    this.facts.state = converts ? 'exported' : 'provided';
    this.facts.hasFiles = converts || who === 'writer';
    if (converts) return 'convert';
    if (observer.wantsExport !== true) return 'leave';
    // Once a writer has ended, its run file has everything. A log directory has none. A single sync of an active run would read all of its events.
    const { liveness = 'live' } = this.#context.livenessByRun.get(this.#run.index) ?? {};
    const isActive = liveness === 'lost' || (liveness === 'live' && isWatching);
    return isActive || filesAt !== '' ? 'follow' : 'leave';
  }

  /** Drops what was exported or followed so far. */
  async #drop(): Promise<void> {
    this.#rows.forget();
    this.facts.session = new ExportSession();
    this.#hasMore = false;
    await this.#exporter?.remove();
    this.#exporter = null;
  }

  async #open(onlyFollows: boolean): Promise<RunExporter> {
    const { io, paths } = this.#context;
    const { fileSystem } = io;
    this.#rows.reopen();
    const exporter = await RunExporter.open({
      fileSystem,
      directory: `${paths.exports}/${this.#run.uuid}`,
      onlyFollows,
      acceptsDamage: (relPath, offset) => this.#acceptsDamage(relPath, offset),
      isStored: (path, sizeBytes) => this.#isStored(path, sizeBytes),
      mayBeStored: (path) => this.#mayBeStored(path),
      isImported: this.#run.kind === 'log-directory',
      onNotice: (notice) => this.#notices.report(notice),
    });
    this.#exporter = exporter;
    this.facts.session = exporter.session;
    if (onlyFollows) return exporter;
    this.#run.exportDirectory = await fileSystem.realPath(exporter.exportFiles.directory);
    this.#notices.skipCounts(this.facts.counts);
    return exporter;
  }

  #isStored(path: string, sizeBytes: number): boolean {
    const { inventory } = this.#context;
    const id = inventory.idOf(`${this.#run.uuid}/${path}`);
    return inventory.table.has(id, FLAG.stored) && inventory.table.objectBytes[id] === sizeBytes;
  }

  #mayBeStored(path: string): boolean {
    const { inventory } = this.#context;
    const id = inventory.idOf(`${this.#run.uuid}/${path}`);
    return inventory.table.has(id, FLAG.stored) || inventory.table.has(id, FLAG.taken);
  }

  #findEventFiles(): EventFile[] {
    const { inventory } = this.#context;
    const files: EventFile[] = [];
    for (const { id: folder, path } of inventory.foldersOf(this.#run)) {
      const base = toBase(path);
      if (base === undefined) continue;
      for (const id of inventory.table.inFolder(folder)) {
        const name = inventory.table.nameOf(id);
        if (!isEventFileName(name) || !inventory.table.has(id, FLAG.onDisk)) continue;
        files.push(this.#eventFileFrom(id, { ...base, name, relPath: `${path}/${name}` }));
      }
    }
    return files;
  }

  #eventFileFrom(id: FileId, source: EventFile['source']): EventFile {
    const { inventory, io } = this.#context;
    const version = (): string => `${inventory.table.seenBytes[id]} ${inventory.table.seenStamp[id]}`;
    const open: EventFile['open'] = async () => {
      const place = inventory.placeOf(id);
      if (place === null) throw new Error(`${inventory.keyOf(id)} has no known directory`);
      const policy = this.#context.openPolicy();
      const file = await openLocalFile(io.fileSystem, place, inventory.relPathOf(id), policy);
      inventory.check(id, file.opened);
      return file;
    };
    return { source, version, open };
  }

  /** F7, F8: damage may be a page that a network file system has not fetched yet, so it counts only once it persists. */
  #acceptsDamage(relPath: string, offset: number): boolean {
    const { clock, isWatching } = this.#context;
    if (!isWatching || !this.#context.isLive(this.#run)) return true;
    const noted = this.#damage.get(relPath);
    if (noted?.offset !== offset) this.#damage.set(relPath, { offset, sinceMs: clock.monotonicMs() });
    else if (clock.monotonicMs() - noted.sinceMs >= RECORD_TIMEOUT_MS) return true;
    this.#waitsForDamage = true;
    return false;
  }

  /** After a failed write, memory may be ahead of the state directory, so the export restarts from the saved state. */
  #fail(error: unknown): void {
    if (systemErrorCode(error) === undefined) throw error;
    const { clock, onNotice, paths } = this.#context;
    const tries = (this.#failure?.tries ?? 0) + 1;
    const failure = new StateDirectoryError(paths.exports, 'export event files', { cause: error });
    const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1));
    this.#failure = { error: failure, tries, untilMs: clock.monotonicMs() + pauseMs };
    this.#exporter = null;
    this.#releasedVersions = null;
    this.#rows.forget();
    this.#hasMore = false;
    this.facts.isCaughtUp = false;
    this.#behindSinceMs ??= clock.monotonicMs();
    if (tries === 1)
      onNotice({ code: 'NOTICE_EXPORT_FAILED', message: `${this.#run.uuid}: ${failure.message}` });
  }

  #notify(): void {
    this.#context.observer.onExported?.(this.#run.uuid, this.facts);
  }
}

function toVersions(files: readonly EventFile[]): string {
  return files.map(({ source, version }) => `${source.relPath} ${version()}`).join('\n');
}
