/**
 * Tells a Polyaxon server of one run: its desired state is made of what is on disk now and compared with what the server has acknowledged, so that an
 * outage of days is followed by the newest state, told once.
 *
 * Order within a round: the run, statuses, lineage, fields; and once everything of the run is stored: all of it looked at on the server, and then, last,
 * the status that ends it.
 */

import type { CodedError } from '../../src/errors.js';
import type { Life } from '../engine/run-life.js';
import type { Io } from '../io/io.js';
import { PolyaxonApiError } from '../polyaxon/api-error.js';
import type { PolyaxonClient } from '../polyaxon/client.js';
import type { ProjectDirectory, RunPlace } from '../polyaxon/project-directory.js';
import type { PolyaxonRun, RunArtifact, RunRef, StatusCondition } from '../polyaxon/types.js';
import type { ProjectedFacts } from '../projected/projected-facts.js';
import {
  type Acknowledged,
  createAcknowledged,
  readAcknowledged,
  type Teller,
  writeAcknowledged,
} from './acknowledged.js';
import { toHash } from './clean-json.js';
import { type DesiredRun, toDesiredRun } from './desired-run.js';
import { ensureRun } from './ensure-run.js';
import { withUnsendable } from './final-condition.js';
import {
  type FieldItem,
  findChanged,
  findInLineage,
  findOnServer,
  findProblem,
  findRemoved,
  type LineageItem,
  toFieldItems,
  toLineageItems,
  toPatch,
  toRemoval,
} from './items.js';
import type { NotifiedRun, StoredView } from './notifier.js';
import { type RunFiles, readRunFiles, readSignature } from './run-files.js';
import { findPlace, noProject, type PlaceDefaults } from './run-place.js';
import { sendItems } from './send-items.js';
import { isDone, planStatuses, WRITER_LOST } from './status-machine.js';

export interface TellerOptions {
  readonly io: Io;
  readonly client: PolyaxonClient;
  readonly view: StoredView;
  /** Where what was acknowledged is kept. */
  readonly directory: string;
  readonly createsProject: boolean;
  readonly defaults: PlaceDefaults;
  /** Whether event files are projected: then nothing is told before it is known what by. */
  readonly hasProjection: boolean;
  readonly projects: ProjectDirectory;
  readonly onChange: (change: TellerChange) => void;
}

export type TellerChange =
  | { readonly kind: 'created'; readonly runUuid: string; readonly place: RunPlace }
  | { readonly kind: 'status'; readonly runUuid: string; readonly status: string }
  | { readonly kind: 'refused'; readonly runUuid: string; readonly item: string; readonly error: CodedError };

/** `undecided`: something on disk cannot be read now, or is not known yet. */
export type RoundOutcome = 'told' | 'undecided';

/** A body below what servers and the proxies before them take: Django's limit is 2.5 MB. */
const MAX_BODY_BYTES = 1024 * 1024;
/** The server looks artifacts up by one condition for each, of which SQLite takes a thousand. */
const MAX_ARTIFACTS = 100;
const MAX_FIELDS = 1_000;
/** Values of what the server knows by name already are told this often while the run is written. */
const VALUES_INTERVAL_MS = 10_000;
const READ_BACKS = 3;

export class RunTeller {
  readonly run: NotifiedRun;
  readonly #options: TellerOptions;
  readonly #foundAt: number;
  #life: Life = 'live';
  #facts: ProjectedFacts | null = null;
  #unsendable: readonly string[] | null = null;
  #acknowledged: Acknowledged | null = null;
  #server: PolyaxonRun | null = null;
  #place: RunPlace | null = null;
  #files: { readonly signature: string; readonly files: RunFiles } | null = null;
  #valuesMs = Number.NEGATIVE_INFINITY;
  /** Sent by this process since the run was looked at. */
  readonly #sent = new Set<string>();
  #hasChanged = true;
  #progress = 0;

  constructor(run: NotifiedRun, options: TellerOptions) {
    this.run = run;
    this.#options = options;
    this.#foundAt = options.io.clock.wallTime();
  }

  get life(): Life {
    return this.#life;
  }

  /** Owner and project, as far as they are known. */
  get place(): RunPlace | null {
    return this.#place;
  }

  /** The run has ended, and all that can be stored of it is. */
  get isComplete(): boolean {
    return this.#unsendable !== null;
  }

  /** What the server does not take. */
  get refused(): { readonly item: string; readonly code: string; readonly message: string }[] {
    return [...(this.#acknowledged?.parked ?? [])].map(([item, { code, message }]) => ({
      item,
      code,
      message,
    }));
  }

  /** How much was acknowledged so far: a round that fails may still have got something done. */
  get progress(): number {
    return this.#progress;
  }

  onLife(life: Life): void {
    this.#life = life;
    if (life === 'live') this.#unsendable = null;
    this.#hasChanged = true;
  }

  onFacts(facts: ProjectedFacts): void {
    this.#facts = facts;
    this.#hasChanged = true;
  }

  onStored(): void {
    this.#hasChanged = true;
  }

  onComplete(unsendable: readonly string[]): void {
    this.#unsendable = unsendable;
    this.#hasChanged = true;
  }

  /** Whether there may be something to tell: something has happened, or a file is another one. */
  async hasNews(): Promise<boolean> {
    if (this.#hasChanged) return true;
    const signature = await readSignature(this.#options.io.fileSystem, Buffer.from(this.run.directory));
    return signature !== this.#files?.signature || this.#hasChanged;
  }

  /** Makes the run known, and no more. */
  async introduce(signal: AbortSignal): Promise<RoundOutcome> {
    const desired = await this.#readDesired();
    if (desired === null) return 'undecided';
    await this.#meet(desired, this.#toRef(), signal);
    return 'told';
  }

  /** Tells what there is to tell. Throws `PolyaxonApiError` for what concerns more than a single item. */
  async tell(signal: AbortSignal): Promise<RoundOutcome> {
    this.#hasChanged = false;
    const desired = await this.#readDesired();
    if (desired === null) {
      this.#hasChanged = true;
      return 'undecided';
    }
    try {
      await this.#tellAll(desired, signal);
    } catch (error) {
      this.#hasChanged = true;
      if (!(error instanceof PolyaxonApiError) || error.code !== 'ERR_API_RUN_MISSING') throw error;
      // Somebody has deleted it meanwhile: what was acknowledged is gone as well.
      this.#forget();
      await this.#tellAll(desired, signal);
      this.#hasChanged = false;
    }
    return 'told';
  }

  /** Lets go of what the disk or the server can tell again. */
  release(): void {
    if (this.refused.length > 0) return;
    this.#acknowledged = null;
    this.#server = null;
    this.#sent.clear();
  }

  async #tellAll(desired: DesiredRun, signal: AbortSignal): Promise<void> {
    const ref = this.#toRef();
    const { acknowledged, server } = await this.#meet(desired, ref, signal);
    const isLast = this.isComplete;
    const finalHash = toHash([toStatusHash(this.#toWanted(desired, true)), this.#unsendable]);
    try {
      // Somebody may have ended it already: nothing would be looked at twice for that.
      const isTold = isLast && acknowledged.final === finalHash;
      if (!isTold) await this.#tellStatuses(desired, ref, signal);
      await this.#tellLineage(desired, ref, signal);
      await this.#tellFields(desired, ref, signal);
      if (!isLast || isTold) return;
      await this.#readBackLineage(desired, ref, signal);
      await this.#readBackFields(desired, ref, signal);
      if (server.managed_by == null || server.managed_by === 'user') await this.#end(desired, ref, signal);
      acknowledged.final = finalHash;
      this.#progress += 1;
    } finally {
      await this.#save();
    }
  }

  /** Makes the run if it is not there, and finds out what the server knows. */
  async #meet(desired: DesiredRun, ref: RunRef, signal: AbortSignal) {
    const { client, createsProject, io, onChange } = this.#options;
    if (this.#acknowledged !== null && this.#server !== null)
      return { acknowledged: this.#acknowledged, server: this.#server };
    const path = this.#toPath();
    const known = await readAcknowledged(io.fileSystem, path, this.#toTeller(ref));
    const { run, isNew } = await ensureRun(desired, { client, ref, createsProject, signal });
    const acknowledged = (isNew ? null : known) ?? createAcknowledged();
    if (isNew) acknowledged.hasLineage = true;
    if (isNew || known === null)
      for (const { key, hash } of findOnServer(toFieldItems(desired), run)) acknowledged.items.set(key, hash);
    this.#acknowledged = acknowledged;
    this.#server = run;
    this.#progress += 1;
    if (isNew) onChange({ kind: 'created', runUuid: ref.uuid, place: ref });
    return { acknowledged, server: run };
  }

  /** Of statuses those that do not end the run. */
  async #tellStatuses(desired: DesiredRun, ref: RunRef, signal: AbortSignal): Promise<void> {
    const acknowledged = this.#known();
    if (this.#isManaged()) return;
    const wanted = this.#toWanted(desired, false);
    const hash = toStatusHash(wanted);
    if (wanted.length === 0 || acknowledged.items.get('status') === hash) return;
    await this.#postStatuses(wanted, ref, signal);
    acknowledged.items.set('status', hash);
  }

  async #postStatuses(wanted: readonly StatusCondition[], ref: RunRef, signal: AbortSignal) {
    const { client, onChange } = this.#options;
    const plan = planStatuses(await client.getStatuses(ref, { signal }), wanted);
    for (const { condition, force } of plan.posts) {
      await client.postStatus(ref, condition, { force, signal });
      this.#progress += 1;
      onChange({ kind: 'status', runUuid: ref.uuid, status: condition.type });
    }
    return plan;
  }

  async #tellLineage(desired: DesiredRun, ref: RunRef, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const acknowledged = this.#known();
    const items = this.#toLineage(desired);
    if (findChanged(items, acknowledged).length === 0) return;
    if (!acknowledged.hasLineage) {
      const server = await client.getLineage(ref, { signal });
      for (const { key, hash } of findInLineage(items, server)) acknowledged.items.set(key, hash);
      acknowledged.hasLineage = true;
    }
    const changed = this.#onlyDue(findChanged(items, acknowledged), () => true);
    await this.#send(changed, MAX_ARTIFACTS, (batch) =>
      client.postLineage(
        ref,
        batch.map(({ artifact }) => artifact),
        { signal },
      ),
    );
  }

  async #tellFields(desired: DesiredRun, ref: RunRef, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const acknowledged = this.#known();
    const items = toFieldItems(desired);
    const removed = findRemoved(items, acknowledged);
    if (removed.length > 0) {
      const server = await client.getRun(ref, { signal });
      const body = server === null ? null : toRemoval(removed, server);
      if (body !== null) await client.patchRun(ref, body, { signal });
      for (const key of removed) acknowledged.items.delete(key);
    }
    const changed = this.#onlyDue(findChanged(items, acknowledged), ({ field }) => field === 'outputs');
    await this.#send(changed, MAX_FIELDS, async (batch) => {
      await client.patchRun(ref, toPatch(batch), { signal });
    });
    if (this.#isDueForValues()) this.#valuesMs = this.#options.io.clock.monotonicMs();
  }

  /** Repeats until the server has the lineage as it is: one that could not write it may answer as if it had (haupt 2.16.1, `atomic_set_artifacts`). */
  async #readBackLineage(desired: DesiredRun, ref: RunRef, signal: AbortSignal): Promise<void> {
    const acknowledged = this.#known();
    const items = this.#toLineage(desired).filter(({ key, hash }) => acknowledged.items.get(key) === hash);
    if (items.length === 0) return;
    for (let round = 1; ; round += 1) {
      const found = new Set(
        findInLineage(items, await this.#options.client.getLineage(ref, { signal })).map(({ key }) => key),
      );
      const lost = items.filter(({ key }) => !found.has(key));
      if (lost.length === 0) return;
      if (round > READ_BACKS) throw notTaken(ref, 'lineage', lost);
      for (const { key } of lost) acknowledged.items.delete(key);
      await this.#tellLineage(desired, ref, signal);
    }
  }

  /** What others have changed since stays theirs: only what this process has told is looked at. */
  async #readBackFields(desired: DesiredRun, ref: RunRef, signal: AbortSignal): Promise<void> {
    const acknowledged = this.#known();
    const items = toFieldItems(desired).filter(
      ({ key, hash }) => this.#sent.has(key) && acknowledged.items.get(key) === hash,
    );
    if (items.length === 0) return;
    for (let round = 1; ; round += 1) {
      const server = await this.#options.client.getRun(ref, { signal });
      if (server === null) throw new PolyaxonApiError('ERR_API_RUN_MISSING', `the run ${ref.uuid} is gone`);
      const found = new Set(findOnServer(items, server).map(({ key }) => key));
      const lost = items.filter(({ key }) => !found.has(key));
      if (lost.length === 0) return;
      if (round > READ_BACKS) throw notTaken(ref, 'fields', lost);
      for (const { key } of lost) acknowledged.items.delete(key);
      await this.#tellFields(desired, ref, signal);
    }
  }

  async #end(desired: DesiredRun, ref: RunRef, signal: AbortSignal): Promise<void> {
    const { posts, outcome } = await this.#postStatuses(this.#toWanted(desired, true), ref, signal);
    if (posts.length === 0 || outcome === 'foreign') return;
    const { status } = await this.#options.client.getStatuses(ref, { signal });
    if (isDone(status)) return;
    const message = `set the status of the run ${ref.uuid}: the server has taken it, and has ${status} still`;
    throw new PolyaxonApiError('ERR_API_SERVER', message, { failureCode: 'InternalError' });
  }

  async #send<Item extends FieldItem | LineageItem>(
    items: readonly Item[],
    maxItems: number,
    send: (batch: readonly Item[]) => Promise<void>,
  ): Promise<void> {
    const acknowledged = this.#known();
    const onRefused = ({ key, hash }: Item, error: PolyaxonApiError): void => {
      acknowledged.parked.set(key, { hash, code: error.code, message: error.message });
      this.#options.onChange({ kind: 'refused', runUuid: this.run.runUuid, item: key, error });
    };
    const fitting = items.filter((item) => {
      const problem = findProblem(item);
      if (problem !== null) onRefused(item, problem);
      return problem === null;
    });
    await sendItems(fitting, {
      maxBytes: MAX_BODY_BYTES,
      maxItems,
      send,
      onSent: (batch) => {
        this.#progress += 1;
        for (const { key, hash } of batch) {
          acknowledged.items.set(key, hash);
          acknowledged.parked.delete(key);
          this.#sent.add(key);
        }
      },
      onRefused,
    });
  }

  /** While the run is written, new values of known names are told now and then; `isValue` tells what is a value. */
  #onlyDue<Item extends FieldItem | LineageItem>(
    items: readonly Item[],
    isValue: (item: Item) => boolean,
  ): readonly Item[] {
    if (this.#isDueForValues()) return items;
    const { items: known } = this.#known();
    const due = items.filter((item) => !isValue(item) || !known.has(item.key));
    if (due.length < items.length) this.#hasChanged = true;
    return due;
  }

  #isDueForValues(): boolean {
    const sinceMs = this.#options.io.clock.monotonicMs() - this.#valuesMs;
    return this.#life !== 'live' || this.isFinishing || sinceMs >= VALUES_INTERVAL_MS;
  }

  /** There is no later: everything is told. */
  isFinishing = false;

  /** The lineage, as far as the store has what it names. */
  #toLineage(desired: DesiredRun): LineageItem[] {
    return toLineageItems(desired.lineage.filter((artifact) => this.#maybeTold(artifact)));
  }

  #maybeTold({ path }: RunArtifact): boolean {
    // What lies elsewhere is not ours to store.
    if (path == null || path === '' || path.startsWith('/') || /^[a-z][\w+.-]*:\/\//i.test(path)) return true;
    if (this.#options.view.hasStored(this.run.runUuid, path)) return true;
    // All that can be stored is: this is not in the run, or is left out on purpose.
    return this.#unsendable !== null && !this.#unsendable.includes(path);
  }

  #toWanted({ conditions, final }: DesiredRun, hasEnd: boolean): StatusCondition[] {
    if (!hasEnd || final === null) return [...conditions];
    return [...conditions, withUnsendable(final, this.#unsendable ?? [])];
  }

  #isManaged(): boolean {
    const { managed_by } = this.#server ?? {};
    return managed_by != null && managed_by !== 'user';
  }

  /** Null as long as something is not known. */
  async #readDesired(): Promise<DesiredRun | null> {
    const { io, view, defaults, projects } = this.#options;
    const { runUuid, directory, kind = 'polyaxon', name = runUuid } = this.run;
    const files = await this.#readFiles();
    if (files === null) return null;
    this.#place = findPlace(files.record, { ...defaults, project: this.run.project ?? defaults.project });
    if (this.#place !== null) projects.set(runUuid, this.#place);
    const isForeign = kind !== 'polyaxon' && files.record === null;
    if (isForeign && this.#options.hasProjection && !this.#isProjectionKnown()) return null;
    if (directory === '') return null;
    return toDesiredRun({
      uuid: runUuid,
      kind,
      name,
      files,
      facts: this.#facts,
      life: this.#life,
      storedFiles: () => view.storedFiles(runUuid),
      foundAt: this.#foundAt,
      wallTime: io.clock.wallTime(),
    });
  }

  /** The times of a foreign run are those of its events, and cannot be changed later. */
  #isProjectionKnown(): boolean {
    if (this.#facts === null || this.#facts.state === 'undecided') return false;
    return this.#facts.isCaughtUp || this.#facts.artifacts().length > 0;
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

  #known(): Acknowledged {
    if (this.#acknowledged === null) throw new Error('the run was not met');
    return this.#acknowledged;
  }

  #toRef(): RunRef {
    if (this.#place === null) throw noProject(this.run.runUuid);
    return { ...this.#place, uuid: this.run.runUuid };
  }

  #toTeller({ owner, project }: RunRef): Teller {
    return { host: this.#options.client.connection.host, owner, project };
  }

  #toPath(): string {
    return `${this.#options.directory}/${this.run.runUuid}.json`;
  }

  #forget(): void {
    this.#acknowledged = null;
    this.#server = null;
    this.#sent.clear();
  }

  async #save(): Promise<void> {
    if (this.#acknowledged === null) return;
    const { io, directory } = this.#options;
    const place = { directory, path: this.#toPath() };
    await writeAcknowledged(io.fileSystem, place, this.#toTeller(this.#toRef()), this.#acknowledged);
  }
}

/** The time of a lost writer is when that was noticed: it may be noticed again. */
function toStatusHash(conditions: readonly StatusCondition[]): string {
  return toHash(
    conditions.map(({ type, reason, message, last_transition_time }) =>
      reason === WRITER_LOST ? [type, message] : [type, message, last_transition_time],
    ),
  );
}

function notTaken(ref: RunRef, what: string, items: readonly { readonly key: string }[]): PolyaxonApiError {
  const names = items.slice(0, 5).map(({ key }) => key);
  const message = `the ${what} of the run ${ref.uuid} is not what was sent: ${names.join(', ')}`;
  return new PolyaxonApiError('ERR_API_CONFLICT', message, { httpStatus: 409 });
}
