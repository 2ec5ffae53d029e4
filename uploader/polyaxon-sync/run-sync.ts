/**
 * Reports one run to a Polyaxon server: computes the desired state from the files on disk and sends how it differs from what the server has
 * acknowledged. So after an outage of days, only the newest state is sent, once.
 *
 * Long because a round needs everything that is known of a run: what was observed, its files, its session and its values.
 */

import { join } from 'node:path';
import { type CodedError, messageOf } from '../../src/base/errors.js';
import type { V1RunArtifact, V1StatusCondition } from '../../src/polyaxon/api-types.js';
import { TENSORBOARD_DIRECTORY } from '../../src/run-directory/layout.js';
import type { RunFiles, RunRecordFile } from '../../src/run-directory/run-files.js';
import { toHash } from '../base/canonical-json.js';
import { FileError } from '../base/errors.js';
import type { Io } from '../base/io/io.js';
import { isAbsent } from '../base/io/system-error.js';
import type { ExportFacts } from '../pipeline/report/export-facts.js';
import type { ObservedRun, StoredView } from '../pipeline/report/run-observer.js';
import { PolyaxonApiError } from '../polyaxon-api/api-error.js';
import type { PolyaxonClient } from '../polyaxon-api/client.js';
import type { ProjectDirectory, RunPlace } from '../polyaxon-api/project-directory.js';
import type { PolyaxonRun, RunRef, SyncRunBody } from '../polyaxon-api/types.js';
import { readRunFiles, readSignature } from '../run-directory/run-files.js';
import type { Liveness } from '../run-directory/run-liveness.js';
import { type RunOrigin, readRunOrigin } from '../run-directory/run-origin.js';
import { withConditionOffset, withOffset } from './clock-offset.js';
import { type DesiredRun, toDesiredRun } from './desired-run.js';
import { type Desired, diff, PARTS, toStatusHash } from './diff.js';
import { ensureRun } from './ensure-run.js';
import {
  findOnServer,
  type Item,
  toDurationItem,
  toFieldItems,
  toLineageItems,
  toLineageKey,
} from './items.js';
import { createKnown, type Known, type KnownPlace, readKnown, writeKnown } from './known.js';
import { checkClaim, toClaim, toClaimedOffsetMs } from './run-claim.js';
import { findPlace, noProject, type PlaceDefaults } from './run-place.js';
import { RunSession } from './run-session.js';
import { ValueSchedule } from './value-schedule.js';

export interface SyncedRunOptions {
  readonly io: Io;
  readonly client: PolyaxonClient;
  readonly view: StoredView;
  /** The directory for the files of `Known`. */
  readonly directory: string;
  readonly createsProject: boolean;
  readonly defaults: PlaceDefaults;
  /** Whether event files are exported. Then a run of a third-party writer is not reported until its export is known. */
  readonly hasExport: boolean;
  readonly projects: ProjectDirectory;
  /** Overrides the name of the run. */
  readonly runName?: string | undefined;
  readonly hostId: string;
  /** Report runs from here, also those that the server has from another directory. */
  readonly takesOver: boolean;
  readonly onChange: (change: RunSyncChange) => void;
}

export type RunSyncChange =
  | { readonly kind: 'created'; readonly runUuid: string; readonly place: RunPlace }
  | { readonly kind: 'status'; readonly runUuid: string; readonly status: string }
  | { readonly kind: 'refused'; readonly runUuid: string; readonly item: string; readonly error: CodedError };

/** `undecided`: a file cannot be read now, or the export is not known yet. */
export type RoundOutcome = 'synced' | 'undecided';

/** Limits of the list of files that cannot be stored, in the message of the end status. */
const SHOWN_FILES = 10;
const MAX_NAME = 200;
/** The keys of the items that depend on the name of a run. */
const NAME_KEYS = ['name', 'meta_info:name'];

export class RunSync {
  readonly run: ObservedRun;
  /** This is the last round, so everything is sent. */
  isFinishing = false;
  /** Why the files of the run could not be read in the last round; null if they could. */
  unreadable: CodedError | null = null;
  readonly #options: SyncedRunOptions;
  readonly #foundAt: number;
  #liveness: Liveness = 'live';
  #facts: ExportFacts | null = null;
  /** Null until the run is complete. */
  #unsendable: readonly string[] | null = null;
  #session: RunSession | null = null;
  #place: RunPlace | null = null;
  /** The answer of the server before the session was opened. */
  #early: { readonly run: PolyaxonRun | null } | null = null;
  #files: { readonly signature: string; readonly files: RunFiles } | null = null;
  /** How the times of the run on the server differ from those on disk, because the clocks differ. */
  #offsetMs = 0;
  /** Items of the run's own name, if the user chooses another one. */
  #ownNames: readonly Item[] = [];
  /** Files that the store lists, but whose content it may still have to prove. */
  readonly #listed = new Set<string>();
  readonly #values: ValueSchedule;
  #hasChanged = true;
  /** Values may have changed, and wait until they are due. */
  #hasValues = false;
  #progress = 0;

  constructor(run: ObservedRun, options: SyncedRunOptions) {
    this.run = run;
    this.#options = options;
    this.#values = new ValueSchedule(options.io.clock);
    this.#foundAt = options.io.clock.wallTime();
  }

  /** Owner and project; null if not known. */
  get place(): RunPlace | null {
    return this.#place;
  }

  /** Whether the run has ended and all files that can be stored are stored. */
  get isComplete(): boolean {
    return this.#unsendable !== null;
  }

  /** Whether something changed since the last round started, or was postponed to a later round. */
  get hasChanged(): boolean {
    return this.#hasChanged || this.#hasValues;
  }

  /** Whether nothing but values may have changed, and none are due yet. */
  get waitsForValues(): boolean {
    return this.#isActive && !this.#hasChanged && this.#hasValues && !this.#values.isAnyDue;
  }

  /** Items that the server rejects or fails to process. */
  get refused(): RunSession['refused'] {
    return this.#session?.refused ?? [];
  }

  /** Counts acknowledgements. Shows whether a failed round made progress. */
  get progress(): number {
    return this.#progress;
  }

  onLiveness(liveness: Liveness): void {
    this.#liveness = liveness;
    if (liveness === 'live') this.#unsendable = null;
    this.#hasChanged = true;
  }

  onFacts(facts: ExportFacts): void {
    this.#facts = facts;
    this.#hasValues = true;
  }

  onStored(): void {
    this.#hasChanged = true;
  }

  onListed(relPaths: readonly string[]): void {
    for (const path of relPaths) this.#listed.add(path);
  }

  onComplete(unsendable: readonly string[]): void {
    this.#unsendable = unsendable;
    this.#hasChanged = true;
  }

  /** Whether there may be something to report: a notification arrived or a file changed. */
  async hasNews(): Promise<boolean> {
    if (this.hasChanged && !this.waitsForValues) return true;
    const signature = await readSignature(this.#options.io.fileSystem, Buffer.from(this.run.directory));
    return signature !== this.#files?.signature || (this.hasChanged && !this.waitsForValues);
  }

  /** Asks the server for the run, so that the answer is there when the session is opened. Throws `PolyaxonApiError`. */
  async lookAhead(signal: AbortSignal): Promise<void> {
    if ((await this.#readDesired()) === null) return;
    this.#early = { run: await this.#options.client.getRun(this.#requireRef(), { signal }) };
  }

  /** Only creates the run on the server. */
  async introduce(signal: AbortSignal): Promise<RoundOutcome> {
    const desired = await this.#readDesired();
    if (desired === null) return 'undecided';
    await this.#meet(desired, signal);
    return 'synced';
  }

  /** Sends all pending updates. Throws `PolyaxonApiError` for errors that concern more than a single item. */
  async tell(signal: AbortSignal): Promise<RoundOutcome> {
    this.#hasChanged = false;
    this.#hasValues = false;
    try {
      const desired = await this.#readDesired();
      if (desired !== null) await this.#syncOrRestart(desired, signal);
      else this.#hasChanged = true;
      return desired === null ? 'undecided' : 'synced';
    } catch (error) {
      this.#hasChanged = true;
      throw error;
    }
  }

  /** Frees memory for data that can be read again from disk or server. */
  release(): void {
    if (this.refused.length === 0) this.#session = null;
  }

  /** Starts again with a new session if the run was deleted on the server. */
  async #syncOrRestart(desired: DesiredRun, signal: AbortSignal): Promise<void> {
    try {
      await this.#syncAll(desired, signal);
    } catch (error) {
      if (!(error instanceof PolyaxonApiError) || error.code !== 'ERR_API_RUN_MISSING') throw error;
      this.#session = null;
      await this.#syncAll(desired, signal);
    }
  }

  async #syncAll(run: DesiredRun, signal: AbortSignal): Promise<void> {
    const session = await this.#meet(run, signal);
    const desired = this.#toDesired(run, session.known);
    try {
      await session.sync(desired, signal);
      this.#values.onSent(session.tookMs);
      if (diff(desired, session.known).length > 0) this.#hasChanged = true;
      // What was not due was not compared either: that takes long for the lineage of a thousand metrics.
      if (desired.due.length < PARTS.length) this.#hasValues = true;
    } finally {
      const { ref, known } = session;
      await writeKnown(this.#options.io.fileSystem, this.#toKnownPlace(ref), this.#withOwnName(known));
    }
  }

  /** A sync without `--as` later must not undo the name. So what is saved says that the server has the run's own name, or none. */
  #withOwnName(known: Known): Known {
    if (this.#options.runName === undefined) return known;
    const items = new Map(known.items);
    for (const key of NAME_KEYS) items.delete(key);
    for (const { key, hash } of this.#ownNames) items.set(key, hash);
    return { ...known, items };
  }

  /** Opens the session: creates the run if it does not exist, and finds out what the server knows. */
  async #meet(desired: DesiredRun, signal: AbortSignal): Promise<RunSession> {
    if (this.#session !== null) return this.#session;
    const { client, createsProject, io, onChange, takesOver } = this.#options;
    const ref = this.#requireRef();
    const { runUuid } = this.run;
    const origin = await this.#readOrigin();
    const saved = await readKnown(io.fileSystem, this.#toKnownPlace(ref));
    const toBody = (): SyncRunBody =>
      origin === null
        ? desired.creation
        : {
            ...withOffset(desired.creation, client.clockOffsetMs),
            meta_info: toClaim(origin, client.clockOffsetMs),
          };
    const early = this.#early;
    this.#early = null;
    const { run, isNew } = await ensureRun(toBody, { client, ref, createsProject, early, signal });
    this.#offsetMs = toClaimedOffsetMs(run);
    const { fileSystem } = io;
    if (!isNew && origin !== null && (await checkClaim(run, origin, { fileSystem, takesOver }))) {
      const meta_info = toClaim(origin, this.#offsetMs);
      await client.patchRun(ref, { meta_info, merge: true }, { signal });
    }
    const known = (isNew ? null : saved) ?? createKnown({ hasLineage: isNew });
    known.isManaged = run.managed_by != null && run.managed_by !== 'user';
    if (isNew || saved === null)
      for (const { key, hash } of findOnServer([...toFieldItems(desired), ...toDurationItem(desired)], run))
        known.items.set(key, hash);
    this.#progress += 1;
    if (isNew) onChange({ kind: 'created', runUuid, place: ref });
    this.#session = new RunSession({
      ...{ client, clock: io.clock, ref, known },
      onStatus: (status) => onChange({ kind: 'status', runUuid, status }),
      onRefused: (item, error) => onChange({ kind: 'refused', runUuid, item, error }),
      onProgress: () => {
        this.#progress += 1;
      },
    });
    return this.#session;
  }

  #toDesired(run: DesiredRun, { items: known }: Known): Desired {
    const due = this.#isActive ? this.#values.due : PARTS;
    const isDue = (artifact: V1RunArtifact): boolean =>
      due.includes('lineage') || !known.has(toLineageKey(artifact));
    const unsendable = this.#unsendable ?? [];
    const shift = (condition: V1StatusCondition) => withConditionOffset(condition, this.#offsetMs);
    const conditions = toWanted(run, unsendable).map(shift);
    const hash = toHash([toStatusHash(conditions), unsendable]);
    return {
      fields: toFieldItems(run),
      lineage: toLineageItems(run.lineage.filter(isDue).filter((artifact) => this.#maySync(artifact))),
      conditions: run.conditions.map(shift),
      end: this.isComplete ? { conditions, hash, duration: toDurationItem(run) } : null,
      due,
    };
  }

  get #isActive(): boolean {
    return this.#liveness === 'live' && !this.isFinishing;
  }

  /** Whether to register an artifact: the lineage must not name files that the store does not have. */
  #maySync({ path }: V1RunArtifact): boolean {
    // The file is outside the run, so the uploader does not store it.
    if (path == null || path === '' || path.startsWith('/') || /^[a-z][\w+.-]*:\/\//i.test(path)) return true;
    if (this.#listed.has(path) || this.#options.view.hasStored(this.run.runUuid, path)) return true;
    // All files that can be stored are stored, so this file is not in the run or is excluded.
    return this.#unsendable !== null && !this.#unsendable.includes(path);
  }

  /** Computes the desired state; null if some of its input is not known yet. */
  async #readDesired(): Promise<DesiredRun | null> {
    const { io, view, defaults, projects, hasExport, runName } = this.#options;
    const { runUuid, kind = 'polyaxon', name = runUuid } = this.run;
    const files = await this.#readFiles();
    if (files === null) return null;
    this.#place = findPlace(files.record, { ...defaults, project: this.run.project ?? defaults.project });
    if (this.#place !== null) projects.set(runUuid, this.#place);
    const isForeign = kind !== 'polyaxon' && files.record === null;
    if (isForeign && hasExport && !this.#isExportKnown()) return null;
    // A writer that has ended has recorded everything. What was followed before may be older.
    if (this.#liveness === 'lost') await this.#checkLogDirectory();
    const isRecorded =
      this.#facts?.state === 'provided' && this.#liveness === 'ended' && files.record !== null;
    const facts = isRecorded ? null : this.#facts;
    const toRun = (record: RunRecordFile | null) =>
      toDesiredRun({
        ...{ uuid: runUuid, kind, name, facts, liveness: this.#liveness },
        files: { ...files, record },
        storedFiles: () => view.storedFiles(runUuid),
        foundAt: this.#foundAt,
        wallTime: io.clock.wallTime(),
      });
    const run = toRun(files.record);
    if (runName === undefined || files.record === null) return run;
    this.#ownNames = toFieldItems(run).filter(({ key }) => NAME_KEYS.includes(key));
    return toRun({ ...files.record, name: runName, default_name: null });
  }

  /** Whether the export is known well enough to create a third-party run: its times come from its events and cannot be changed later. */
  #isExportKnown(): boolean {
    if (this.#facts === null || this.#facts.state === 'undecided') return false;
    return this.#facts.isCaughtUp || this.#facts.artifacts().length > 0;
  }

  /** The event files have the last values of a writer that was killed. Throws if the disk hides them. */
  async #checkLogDirectory(): Promise<void> {
    const directory = join(this.run.directory, TENSORBOARD_DIRECTORY);
    await this.#options.io.fileSystem.readDirectory(Buffer.from(directory)).catch((error: unknown) => {
      if (isAbsent(error)) return; // It has logged no events.
      const hint = 'Check the disk. The run is reported again by the next sync.';
      const found = `the last values of its metrics cannot be read: ${messageOf(error)}`;
      throw new FileError('ERR_FILE_UNREADABLE', directory, found, hint, { cause: error });
    });
  }

  async #readFiles(): Promise<RunFiles | null> {
    const { fileSystem } = this.#options.io;
    const directory = Buffer.from(this.run.directory);
    const signature = await readSignature(fileSystem, directory);
    if (this.#files?.signature === signature) return this.#files.files;
    this.unreadable = null;
    const files = await readRunFiles(fileSystem, directory, (error) => {
      this.unreadable = error;
    });
    if (files !== null) this.#files = { signature, files };
    return files;
  }

  /** Null for a job that Polyaxon manages: when the platform restarts it, it has another directory. */
  async #readOrigin(): Promise<RunOrigin | null> {
    if (this.#files?.files.record?.is_managed === true) return null;
    const { io, hostId } = this.#options;
    return readRunOrigin(io.fileSystem, Buffer.from(this.run.directory), hostId);
  }

  #requireRef(): RunRef {
    if (this.#place === null) throw noProject(this.run.runUuid);
    return { ...this.#place, uuid: this.run.runUuid };
  }

  #toKnownPlace(ref: RunRef): KnownPlace {
    return { directory: this.#options.directory, host: this.#options.client.connection.host, ref };
  }
}

/** Returns all conditions of the run, including the end status. */
function toWanted({ conditions, final }: DesiredRun, unsendable: readonly string[]): V1StatusCondition[] {
  return [...conditions, ...(final === null ? [] : [withUnsendable(final, unsendable)])];
}

/** Adds the names of files that can never be stored, because nothing else in Polyaxon shows that they are missing. */
function withUnsendable(condition: V1StatusCondition, paths: readonly string[]): V1StatusCondition {
  if (paths.length === 0) return condition;
  const shown = paths.slice(0, SHOWN_FILES).map((path) => {
    return path.length <= MAX_NAME ? path : `${path.slice(0, MAX_NAME)}…`;
  });
  const rest = paths.length - shown.length;
  const list = `${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
  const note = `${paths.length} of its files cannot be stored: ${list}`;
  const before = condition.message;
  return { ...condition, message: before == null || before === '' ? note : `${before} (${note})` };
}
