/**
 * Reports one run to a Polyaxon server: computes the desired state from the files on disk and sends how it differs from what the server has
 * acknowledged. So after an outage of days, only the newest state is sent, once.
 */

import { join } from 'node:path';
import { type JsonMap, toCleanMap } from '../../src/base/clean-json.js';
import type { CodedError } from '../../src/base/errors.js';
import type { V1RunArtifact, V1StatusCondition } from '../../src/polyaxon/api-types.js';
import { TENSORBOARD_DIRECTORY } from '../../src/run-directory/layout.js';
import type { RunFiles, RunRecordFile } from '../../src/run-directory/run-files.js';
import { toHash } from '../base/canonical-json.js';
import type { Io } from '../base/io/io.js';
import { isAbsent } from '../base/io/system-error.js';
import type { ExportFacts } from '../pipeline/report/export-facts.js';
import type { ObservedRun, StoredView } from '../pipeline/report/run-observer.js';
import { PolyaxonApiError } from '../polyaxon-api/api-error.js';
import type { PolyaxonClient } from '../polyaxon-api/client.js';
import type { ProjectDirectory, RunPlace } from '../polyaxon-api/project-directory.js';
import type { RunRef, SyncRunBody } from '../polyaxon-api/types.js';
import { readLastValues } from '../run-directory/last-values.js';
import { readRunFiles, readSignature } from '../run-directory/run-files.js';
import type { Liveness } from '../run-directory/run-liveness.js';
import { type RunOrigin, readRunOrigin } from '../run-directory/run-origin.js';
import { withConditionOffset, withOffset } from './clock-offset.js';
import { type DesiredRun, toDesiredRun } from './desired-run.js';
import { type Desired, diff, toStatusHash } from './diff.js';
import { ensureRun } from './ensure-run.js';
import { findOnServer, type Item, toDurationItem, toFieldItems, toLineageItems } from './items.js';
import { createKnown, type Known, type KnownPlace, readKnown, writeKnown } from './known.js';
import { checkClaim, toClaim, toClaimedOffsetMs } from './run-claim.js';
import { findPlace, noProject, type PlaceDefaults } from './run-place.js';
import { RunSession } from './run-session.js';

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

/** While the run is active, new values of names that the server already knows are sent this often. */
const VALUES_INTERVAL_MS = 10_000;
/** Limits of the list of files that cannot be stored, in the message of the end status. */
const SHOWN_FILES = 10;
const MAX_NAME = 200;
/** The keys of the items that depend on the name of a run. */
const NAME_KEYS = ['name', 'meta_info:name'];

export class RunSync {
  readonly run: ObservedRun;
  /** This is the last round, so everything is sent. */
  isFinishing = false;
  readonly #options: SyncedRunOptions;
  readonly #foundAt: number;
  #liveness: Liveness = 'live';
  #facts: ExportFacts | null = null;
  /** Null until the run is complete. */
  #unsendable: readonly string[] | null = null;
  #session: RunSession | null = null;
  #place: RunPlace | null = null;
  #files: { readonly signature: string; readonly files: RunFiles } | null = null;
  /** How the times of the run on the server differ from those on disk, because the clocks differ. */
  #offsetMs = 0;
  /** Items of the run's own name, if the user chooses another one. */
  #ownNames: readonly Item[] = [];
  /** Files that the store lists, but whose content it may still have to prove. */
  readonly #listed = new Set<string>();
  #lostValues: JsonMap | undefined;
  #valuesMs = Number.NEGATIVE_INFINITY;
  #hasChanged = true;
  #progress = 0;

  constructor(run: ObservedRun, options: SyncedRunOptions) {
    this.run = run;
    this.#options = options;
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
    return this.#hasChanged;
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
    if (liveness === 'live') {
      this.#unsendable = null;
      this.#lostValues = undefined;
    }
    this.#hasChanged = true;
  }

  onFacts(facts: ExportFacts): void {
    this.#facts = facts;
    this.#hasChanged = true;
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
    if (this.#hasChanged) return true;
    const signature = await readSignature(this.#options.io.fileSystem, Buffer.from(this.run.directory));
    return signature !== this.#files?.signature || this.#hasChanged;
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
    const desired = this.#toDesired(run);
    try {
      await session.sync(desired, signal);
      if (diff({ ...desired, sendsValues: true }, session.known).length > 0) this.#hasChanged = true;
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
    const { run, isNew } = await ensureRun(toBody, { client, ref, createsProject, signal });
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

  #toDesired(run: DesiredRun): Desired {
    const nowMs = this.#options.io.clock.monotonicMs();
    const sendsValues =
      this.#liveness !== 'live' || this.isFinishing || nowMs - this.#valuesMs >= VALUES_INTERVAL_MS;
    if (sendsValues) this.#valuesMs = nowMs;
    const unsendable = this.#unsendable ?? [];
    const shift = (condition: V1StatusCondition) => withConditionOffset(condition, this.#offsetMs);
    const conditions = toWanted(run, unsendable).map(shift);
    const hash = toHash([toStatusHash(conditions), unsendable]);
    return {
      fields: toFieldItems(run),
      lineage: toLineageItems(run.lineage.filter((artifact) => this.#maySync(artifact))),
      conditions: run.conditions.map(shift),
      end: this.isComplete ? { conditions, hash, duration: toDurationItem(run) } : null,
      sendsValues,
    };
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
    const lastValues = files.record === null ? undefined : await this.#readLostValues();
    const toRun = (record: RunRecordFile | null) =>
      toDesiredRun({
        ...{ uuid: runUuid, kind, name, facts: this.#facts, liveness: this.#liveness, lastValues },
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

  /** A writer adds the last values to its outputs when it ends. Of one that was killed, only the event files have them. */
  async #readLostValues(): Promise<JsonMap | undefined> {
    if (this.#liveness !== 'lost' || this.#facts?.state === 'exported') return undefined;
    const directory = join(this.run.directory, TENSORBOARD_DIRECTORY);
    this.#lostValues ??= toCleanMap(
      await readLastValues(directory).catch((error: unknown) => {
        if (isAbsent(error)) return {}; // It has logged no events.
        throw error;
      }),
    );
    return this.#lostValues;
  }

  async #readFiles(): Promise<RunFiles | null> {
    const { fileSystem } = this.#options.io;
    const directory = Buffer.from(this.run.directory);
    const signature = await readSignature(fileSystem, directory);
    if (this.#files?.signature === signature) return this.#files.files;
    const files = await readRunFiles(fileSystem, directory);
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
