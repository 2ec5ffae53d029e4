/**
 * Two machines, three stores and a few runs, with everything that writers, people, hardware and uploaders do to them. After each step, the
 * invariants are checked: `findViolations` describes what is broken.
 *
 * Long because every kind of step changes the same few facts: what a directory has held, and what was acknowledged.
 */

import './mount.js';
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { encodeRecord } from '../../src/format/record/record-codec.js';
import { CodedError } from '../../src/index.js';
import { isFormatsFile } from '../../src/run-directory/layout.js';
import type { FoundStatus } from '../../uploader/engine/monitor/find-status.js';
import {
  clean,
  pull,
  type SyncConfig,
  type SyncEvent,
  type SyncReport,
  sync,
  verify,
  watch,
} from '../../uploader/index.js';
import { MIN_APPEND_BYTES } from '../../uploader/pipeline/plan/upload-strategy.js';
import { CommitEngine } from '../../uploader/store/base/commit-engine.js';
import type { StoreDriver } from '../../uploader/store/base/driver.js';
import { DEFAULT_CONFIG } from '../uploader/support/default-config.js';
import { Bucket, SimulatedDriver } from './bucket.js';
import { findFalseStatus, findUnstored } from './claims.js';
import { Looker, runCommand, toArguments } from './command-line.js';
import type { Disk, Inode } from './disk.js';
import { Evidence, History } from './evidence.js';
import { GcsServer, openGcsDriver } from './gcs-server.js';
import { leaveProcesses, Machine, type Process } from './machine.js';
import { ARTIFACT, EVENTS, findSteps, LOG, type Place, RUN_FILE, recordsOf, Writer } from './places.js';
import { PolyaxonServer, toApiConfig } from './polyaxon-server.js';
import { Random } from './random.js';
import { Scheduler } from './scheduler.js';
import {
  type Change,
  type Crash,
  type Fault,
  type Invocation,
  type SaltedStep,
  type Step,
  toLine,
  type Writing,
} from './steps.js';

interface Host extends Machine {
  savedTree: Inode | null;
  mountedTree: Inode | null;
}

/** A report that says whether everything below a path is stored. */
interface Claim {
  readonly invocation: Invocation;
  readonly path: string;
  readonly isTrue: boolean;
}

interface SimulatedStore {
  url: string;
  readonly bucket: Bucket | null;
  /** The server in front of the bucket, if the product's own driver is used for it. */
  gcs: GcsServer | null;
  readonly evidence: Evidence;
  /** What uploaders have stored under a key at some time. */
  readonly had: Map<string, Set<string>>;
  /** Hosts whose power has failed since their last complete sync. */
  readonly undoneOn: Set<Machine>;
}

const ROOT = '/sim/root';
const STATE = '/sim/state';
const SAVED_STATE = '/sim/saved-state';
const STORE = '/sim/store';
const UUIDS = ['a', 'b', 'c'].map((digit) => digit.repeat(32));
/** How long a watch runs before it is stopped. */
const WATCH_MS = 6_000;
/** Virtual time after which a command is considered to hang. */
const LIMIT_MS = 30 * 24 * 3_600_000;
/** Passes after which every run must be stored. */
const PASSES = 4;
const SENDING: ReadonlySet<Invocation['kind']> = new Set(['sync', 'sync run', 'mirror', 'watch']);
/** Requests of a sync that finds everything stored: listings and checks, not one for each file. */
const IDLE_REQUESTS = 25;

export class World {
  readonly #time = new Scheduler();
  readonly #hosts: readonly Host[];
  readonly #stores: readonly SimulatedStore[];
  readonly #places: Place[] = [];
  readonly #log: string[] = [];
  /** The contents that event files have had when another program tore them. */
  readonly #torn = new Set<string>();
  readonly #violations: string[] = [];
  readonly #background: Promise<void>[] = [];
  readonly #used = new Set<string>();
  #usesCommands = false;
  #polyaxon: PolyaxonServer | null = null;
  /** The paths that the last syncs have reported as not stored. */
  readonly #unsettled = new Set<string>();
  #claims: Claim[] = [];
  /** The commands that a step has started. */
  #commands = 0;
  #random = new Random(0);
  #count = 0;
  #mirrors = 0;
  #effects = 0;
  #crashPoints: number[] = [];
  #changesBefore = -1;

  constructor() {
    this.#hosts = ['one', 'two'].map((name): Host => {
      const host = Object.assign(new Machine(name, this.#time), { savedTree: null, mountedTree: null });
      for (const directory of [`${ROOT}/runs`, '/sim/tmp']) host.disk.makeDirectories(directory);
      host.disk.settle('/');
      host.onPowerLoss = () => this.#afterPowerLoss(host);
      return host;
    });
    const now = (): number => this.#time.nowMs;
    const strict = new Bucket({ name: 'strict', isConditional: true }, now);
    const plain = new Bucket({ name: 'plain', isConditional: false }, now);
    this.#hosts[0]!.disk.makeDirectories(STORE);
    this.#hosts[0]!.disk.settle('/');
    this.#stores = [
      { url: 's3://strict', bucket: strict },
      { url: 's3://plain', bucket: plain },
      { url: `file://${STORE}`, bucket: null },
    ].map((each) => ({ ...each, gcs: null, evidence: new Evidence(), had: new Map(), undoneOn: new Set() }));
    for (const bucket of [strict, plain])
      bucket.onChange = (key, before, after) => this.#checkChange(bucket, key, before, after);
    const [host] = this.#hosts as [Host, Host];
    for (const uuid of UUIDS.slice(0, 2)) this.#makeRun(host, uuid);
    this.#addPlace(host, `${ROOT}/runs/${UUIDS[2]}`, UUIDS[2]!);
  }

  /** What happened, for people. */
  get log(): string {
    return this.#log.join('\n');
  }

  /** The effects of the last step at which a crash leaves behind what one at an earlier effect does not. */
  get crashPoints(): readonly number[] {
    return this.#crashPoints;
  }

  /** Equal for two worlds whose disks, stores, writers and acknowledgements are equal. */
  get fingerprint(): string {
    const hash = createHash('sha1');
    for (const { disk, bootId } of this.#hosts) {
      hash.update(`${bootId}\n`);
      disk.addTo(hash);
    }
    for (const { bucket, evidence } of this.#stores) {
      bucket?.addTo(hash);
      evidence.addTo(hash);
    }
    this.#polyaxon?.addTo(hash);
    for (const { directory, writer, acknowledged } of this.#places)
      hash.update(`${directory} ${writer?.process.pid} ${JSON.stringify([...acknowledged])}\n`);
    return hash.digest('hex');
  }

  async apply(step: SaltedStep): Promise<void> {
    this.#random = new Random(step.salt);
    this.#time.random = new Random(step.salt, 'order');
    this.#time.advance(this.#random.pick([1, 50, 3_000]));
    this.#effects = 0;
    this.#crashPoints = [];
    this.#changesBefore = -1;
    this.#log.push(toLine(step));
    for (const place of this.#places) this.#remember(place);
    await this.#applyAny(step);
    for (const place of this.#places) this.#remember(place);
  }

  /** Describes what is broken. */
  findViolations(): string[] {
    const found = [...this.#violations.splice(0), ...(this.#polyaxon?.findViolations() ?? [])];
    for (const store of this.#stores)
      for (const lost of store.evidence.findLost((key) => this.#findAll(store, key)))
        found.push(`${store.url}/${lost}`);
    for (const { directory, files, acknowledged, machine, isSynced } of this.#places) {
      if ((machine as Host).mountedTree !== null) continue;
      const steps = findSteps(files);
      if (isSynced && [...acknowledged.values()].includes(true) && !isRunFile(files.get(RUN_FILE)))
        found.push(`${directory}: flush() acknowledged events, but the run has no valid run file`);
      for (const step of acknowledged.keys())
        if (!steps.has(step))
          found.push(`${directory}: flush() acknowledged step ${step}, which no reader finds`);
    }
    return found;
  }

  /** Ends all faults and writers, and syncs until nothing is left. Returns what does not converge. */
  async converge(): Promise<string[]> {
    this.#random = new Random('converge');
    this.#usesCommands = false; // its reports are needed
    const ahead = this.#hosts.map(({ maxAheadSeconds }) => maxAheadSeconds);
    for (const host of this.#hosts) this.#heal(host);
    for (const { bucket } of this.#stores)
      if (bucket !== null) Object.assign(bucket, { isDown: false, failures: 0, isLate: false });
    this.#polyaxon?.weather.clear();
    Object.assign(this.#polyaxon ?? {}, { lostLineages: 0 });
    for (const place of this.#places) {
      await this.#write('end', place, null, false);
      this.#remember(place);
    }
    // What was written while a clock was ahead is older than now.
    this.#time.advance(3_600_000 + 1000 * Math.max(...ahead, 0));
    const found: string[] = [];
    for (const name of [...this.#used].sort()) {
      const [machine, store] = name.split(' ').map(Number) as [number, number];
      found.push(...(await this.#syncUntilIdle(machine, store)));
    }
    return [...found, ...this.findViolations(), ...this.#findUnreported()];
  }

  /** Describes what a run directory says and the Polyaxon server does not. Of runs with a problem that a person has to solve, nothing is known. */
  #findUnreported(): string[] {
    const server = this.#polyaxon;
    if (server === null) return [];
    const machines = new Set([...this.#used].map((name) => this.#hosts[Number(name.split(' ')[0])]));
    return UUIDS.flatMap((uuid) => {
      if ([...this.#unsettled].some((path) => path.includes(uuid))) return [];
      const places = this.#places.filter(
        ({ machine, directory, ...each }) =>
          each.uuid === uuid && machines.has(machine as Host) && directory.startsWith(`${ROOT}/`),
      );
      const told = places.map(({ machine, directory, files }) => {
        // Without this file, which a failure of the power can undo, the run is taken for one of a client that writes `events/` itself.
        const hasFormats = [...machine.disk.walk(`${directory}/.plx`)].some(([path]) => isFormatsFile(path));
        return server.findUntold(uuid, files, hasFormats);
      });
      return told.every((each) => each.length > 0) ? (told[0] ?? []) : [];
    });
  }

  /** Syncs until two passes in a row find nothing to do. Returns what the last of at most `PASSES` passes has still done. */
  async #syncUntilIdle(machine: number, store: number): Promise<string[]> {
    const invocation: Invocation = { kind: 'sync', run: 0, machine, store, incident: null };
    const { bucket, url } = this.#stores[store]!;
    let found: string[] = [];
    let unsent: SyncReport['unsent'] = [];
    for (let pass = 0, idle = 0; pass < PASSES && idle < 2; pass += 1) {
      const before = { requests: bucket?.requests ?? 0, writes: bucket?.writes ?? 0 };
      const { requests: asked = 0, writes: told = 0 } = this.#polyaxon ?? {};
      const report = await this.#invoke(invocation);
      const reasons = report?.unsent.filter((each) => !isLasting(each)) ?? [];
      const requests = (bucket?.requests ?? 0) - before.requests;
      const writes = (bucket?.writes ?? 0) - before.writes;
      found = reasons.map(
        ({ path, error }) => `${path} is not stored in the end: ${error.code} ${error.message}`,
      );
      if (report === null) found.push(`the last sync fails: ${this.#log.at(-1)}`);
      if ((report?.bytes.sent ?? 0) > 0) found.push(`a further pass sends ${report?.bytes.sent} bytes`);
      if (writes > 0) found.push(`a further pass writes ${writes} objects`);
      if (requests > IDLE_REQUESTS) found.push(`a further pass makes ${requests} requests`);
      const { requests: nowAsked = 0, writes: nowTold = 0 } = this.#polyaxon ?? {};
      if (nowTold > told) found.push(`a further pass writes ${nowTold - told} times to Polyaxon`);
      if (nowAsked > asked + IDLE_REQUESTS)
        found.push(`a further pass asks Polyaxon ${nowAsked - asked} times`);
      idle = found.length === 0 ? idle + 1 : 0;
      unsent = report?.unsent ?? [];
      this.#time.advance(60_000);
    }
    for (const { path } of unsent) this.#unsettled.add(path);
    await this.#checkStatus(invocation);
    return found.map((each) => `${url}: ${each}`);
  }

  /** Frees what writers hold in this process. */
  async close(): Promise<void> {
    for (const { writer } of this.#places) await writer?.forget();
    leaveProcesses();
  }

  async #applyAny(step: Step): Promise<void> {
    if ('incident' in step) {
      await this.#invoke(step);
      await this.#checkStatus(step);
      return;
    }
    if ('fsync' in step) {
      await this.#write(step.kind, this.#placeOf(step.run), step.crash, step.fsync);
      return;
    }
    switch (step.kind) {
      case 'copy beside':
      case 'copy to machine':
      case 'rename':
      case 'delete run':
        this.#move(step.kind, this.#placeOf(step.run));
        return;
      case 'kill writer': {
        const place = this.#placeOf(step.run);
        await place.writer?.forget();
        place.writer = null;
        return;
      }
      case 'set clock':
        this.#hosts[step.machine]!.setClock(step.seconds);
        return;
      case 'wait':
        this.#time.advance(step.seconds * 1000);
        // The system writes dirty pages back after 30 seconds.
        if (step.seconds >= 60) for (const host of this.#hosts) this.#writeBack(host);
        return;
      case 'store down':
      case 'store flaky':
      case 'store late':
      case 'store up':
        this.#setStore(step.kind, this.#stores[step.store]!.bucket);
        return;
      case 'use commands':
        this.#usesCommands = true;
        return;
      case 'use gcs': {
        const [store] = this.#stores;
        Object.assign(store!, {
          url: 'gs://strict',
          gcs: new GcsServer(store!.bucket!, () => this.#time.wallMs),
        });
        return;
      }
      case 'use segments': {
        const { bucket, gcs } = this.#stores[step.store]!;
        if (gcs === null) Object.assign(bucket!, { canAppend: false, keepsMetadata: step.keepsMetadata });
        return;
      }
      case 'let clock drift':
        this.#hosts[step.machine]!.drift = step.permille / 1000;
        return;
      case 'use polyaxon':
        this.#polyaxon = this.#servePolyaxon();
        return;
      case 'polyaxon down':
      case 'polyaxon flaky':
      case 'polyaxon loses lineage':
      case 'polyaxon up':
      case 'stop on polyaxon':
        this.#changePolyaxon(step);
        return;
      default:
        if ('machine' in step) this.#fail(step.kind, this.#hosts[step.machine]!);
        else this.#change(step);
    }
  }

  // Writers.

  /** Makes a run as another writer would: without a heartbeat, with a status in the run file. */
  #makeRun(host: Host, uuid: string): void {
    const place = this.#addPlace(host, `${ROOT}/runs/${uuid}`, uuid);
    host.disk.makeDirectories(place.directory);
    this.#writeStatus(place, 'running');
    this.#writeFile(place, LOG, `line ${++this.#count}\n`);
    this.#writeFile(place, ARTIFACT, `model ${++this.#count}`);
    host.disk.settle('/');
    this.#remember(place);
  }

  #change({ kind, run }: Change): void {
    const place = this.#placeOf(run);
    const { disk } = place.machine;
    const count = ++this.#count;
    switch (kind) {
      case 'append log':
        this.#writeFile(place, LOG, `line ${count}\n`.repeat(1 + spread(count, 90)), true);
        return;
      case 'grow log':
        this.#writeFile(place, LOG, `line ${count}\n`.padStart(MIN_APPEND_BYTES, '.'), true);
        return;
      case 'restart log':
        this.#writeFile(place, LOG, `restart ${count}\n`);
        return;
      case 'append line':
        this.#writeFile(place, LOG, `a line ${count}\n`, true);
        return;
      case 'append record':
        this.#writeFile(place, EVENTS, encodeRecord(Buffer.from(`one ${count}`)), true);
        return;
      case 'append to artifact':
        this.#writeFile(place, ARTIFACT, `more ${count}`.padEnd(spread(count, 3) === 0 ? 900 : 60), true);
        return;
      case 'append events':
        this.#writeFile(place, EVENTS, someRecords('event', count), true);
        return;
      case 'restart events':
        this.#writeFile(place, EVENTS, someRecords('restart', count));
        return;
      case 'tear events':
        this.#writeFile(place, EVENTS, someRecords('torn', count).subarray(0, -7), true);
        this.#torn.add(disk.peek(`${place.directory}/${EVENTS}`)?.toString('latin1') ?? '');
        return;
      case 'rewrite artifact':
        this.#writeFile(
          place,
          ARTIFACT,
          `model ${count}`.padEnd(20 + (count % 2)).repeat(1 + spread(count, 300)),
        );
        return;
      case 'write status':
        if (place.writer === null && place.files.has(RUN_FILE)) this.#writeStatus(place, 'succeeded');
        // On a full disk, the other program has destroyed the run file.
        if (!isRunFile(place.files.get(RUN_FILE))) place.acknowledged = new Map();
        return;
      case 'delete artifact':
        disk.removeTree(`${place.directory}/${ARTIFACT}`);
        return;
      case 'delete log':
        disk.removeTree(`${place.directory}/${LOG}`);
        return;
      case 'delete event file': {
        const path = [...place.files.keys()]
          .filter((each) => each.includes('tfevents'))
          .sort()
          .at(-1);
        if (path === undefined) return;
        disk.removeTree(`${place.directory}/${path}`);
        // A live writer restores its file at the next flush; other files are gone.
        place.acknowledged = new Map();
      }
    }
  }

  /** A writer with polytrack's own library. */
  async #write(kind: Writing['kind'], place: Place, crash: Crash | null, fsync: boolean): Promise<void> {
    const { machine, directory, uuid } = place;
    if (kind === 'start') {
      if (place.writer !== null) return;
      const process = machine.start(`writer ${++this.#count} ${this.#random.next()}`);
      const countEffects = this.#crashAt(process, crash);
      place.isSynced &&= fsync;
      try {
        place.writer = new Writer(process, { artifactsPath: directory, uuid, resume: true, fsync });
        place.isSynced = fsync;
        this.#log.push(`  writer ${process.pid} starts ${directory}`);
      } catch (error) {
        process.end();
        this.#log.push(`  start fails: ${String(error)}`);
        if (!(error instanceof CodedError) && !process.isDead)
          this.#violations.push(`start throws ${String(error)}`);
      }
      countEffects();
      await this.#forgetDead(place);
      return;
    }
    const { writer } = place;
    if (writer === null) return;
    const countEffects = this.#crashAt(writer.process, crash);
    try {
      const lines = kind === 'log' ? 1 : kind === 'log much' ? 60 : 0;
      for (let line = 0; line < lines; line += 1) writer.log(++this.#count);
      const work = kind === 'end' ? writer.end() : writer.flush();
      const acknowledged = await this.#time.run(work, LIMIT_MS);
      // While the root is not mounted, a writer creates files in a directory that the root hides later.
      const isThere = (place.machine as Host).mountedTree === null;
      if (!isThere) writer.forgetWaiting();
      else for (const [step, isDurable] of acknowledged) place.acknowledged.set(step, isDurable);
      this.#log.push(`  ${kind}: acknowledged ${[...acknowledged.keys()].at(-1) ?? 'nothing'}`);
    } catch (error) {
      if (!writer.process.isDead) this.#violations.push(`${kind} throws ${String(error)}`);
    }
    countEffects();
    if (kind === 'end') place.writer = null;
    await this.#forgetDead(place);
  }

  /** Ends a process at an effect of this step. Returns a function that counts the effects. */
  #crashAt(process: Process, crash: Crash | null): () => void {
    const start = process.effects;
    process.onEffect = (effect, hasParts) => {
      this.#findCrashPoint(effect - start, hasParts);
      return crash !== null && effect - start === crash.effect ? crash.death : null;
    };
    return () => {
      process.onEffect = () => null;
      this.#effects += process.effects - start;
    };
  }

  /** Between two changes, a process only reads: a crash leaves the same behind at each of these effects. */
  #findCrashPoint(effect: number, hasParts: boolean): void {
    const holders = [
      ...[...this.#hosts.map(({ disk }) => disk), ...this.#stores.map(({ bucket }) => bucket)],
      this.#polyaxon,
    ];
    const changes = holders.reduce((sum, holder) => sum + (holder?.changes ?? 0), 0);
    if (hasParts || changes !== this.#changesBefore) this.#crashPoints.push(effect);
    this.#changesBefore = changes;
  }

  async #forgetDead(place: Place): Promise<void> {
    if (place.writer?.process.isDead !== true) return;
    await place.writer.forget();
    place.writer = null;
  }

  #writeStatus(place: Place, status: string): void {
    const path = `${place.directory}/${RUN_FILE}`;
    const text = place.machine.disk.peek(path)?.toString();
    const before = isRunFile(text) ? (JSON.parse(text!) as object) : {};
    const created = { name: 'run', created_at: '2026-01-01T00:00:00+00:00', status_conditions: [] };
    this.#writeFile(place, RUN_FILE, JSON.stringify({ uuid: place.uuid, ...created, ...before, status }));
    place.machine.disk.settle(path);
  }

  /** Writes as another program would, without a sync. Its failures are its own. */
  #writeFile(place: Place, path: string, content: string | Uint8Array, isAppended = false): void {
    const { disk } = place.machine;
    const full = `${place.directory}/${path}`;
    if (!disk.exists(place.directory)) return; // deleted, or not started yet
    try {
      disk.makeDirectories(posix.dirname(full));
      const inode = disk.open(full, { isWritten: true, creates: true });
      if (!isAppended) disk.truncate(inode, 0);
      disk.write(inode, typeof content === 'string' ? Buffer.from(content) : content, inode.bytes.length);
    } catch (error) {
      this.#log.push(`  ${String(error)}`);
    }
    this.#remember(place);
  }

  /** Notes what the directory holds now. */
  #remember(place: Place): void {
    place.files = this.#readTree(place.machine, place.directory);
    for (const [path, content] of place.files) place.history.note(path, content);
    place.recent.push(place.files);
  }

  #readTree({ disk }: Machine, directory: string): Map<string, string> {
    const files = new Map<string, string>();
    for (const [path, bytes] of disk.walk(directory))
      if (!/(^|\/)\.plx\/|\.(partial|tmp)$/.test(path)) files.set(path, bytes.toString('latin1'));
    return files;
  }

  // People and hardware.

  #addPlace(host: Host, directory: string, uuid: string, history = new History()): Place {
    // What appears during a command did not exist when it began.
    const facts = {
      files: new Map(),
      recent: [new Map()],
      writer: null,
      isSynced: false,
      acknowledged: new Map<number, boolean>(),
    };
    const place: Place = { uuid, machine: host, directory, history, ...facts };
    this.#places.push(place);
    return place;
  }

  #move(kind: 'copy beside' | 'copy to machine' | 'rename' | 'delete run', place: Place): void {
    const { uuid, directory } = place;
    const host = place.machine as Host;
    if (!host.disk.exists(directory) || host.mountedTree !== null) return;
    if (kind === 'delete run') {
      if (place.writer !== null) return;
      host.disk.removeTree(directory);
      place.acknowledged = new Map();
      return;
    }
    const other = this.#hosts.find((each) => each !== host)!;
    if (kind === 'copy to machine') {
      const target = `${ROOT}/runs/${uuid}`;
      if (other.disk.exists(target) || other.mountedTree !== null) return;
      other.disk.receive(host.disk, directory, target);
      this.#addPlace(other, target, uuid, place.history.copy());
      return;
    }
    const target = `${ROOT}/backup/${uuid}-${++this.#count}`;
    if (kind === 'copy beside') {
      host.disk.copyTree(directory, target);
      this.#addPlace(host, target, uuid, place.history.copy());
      return;
    }
    if (place.writer !== null) return; // the writer would write to the old path
    host.disk.makeDirectories(posix.dirname(target));
    const { fault } = host.disk;
    host.disk.fault = () => null;
    host.disk.rename(directory, target);
    host.disk.fault = fault;
    host.disk.settle(ROOT);
    place.directory = target;
  }

  #fail(kind: Fault['kind'], host: Host): void {
    const { disk } = host;
    switch (kind) {
      case 'lose power':
        host.losePower(this.#random);
        return;
      case 'fill disk':
        disk.fill(this.#random.pick([0, 100, 1000, 5000]));
        return;
      case 'fail writes':
        disk.fault = (call) => (call === 'write' ? 'EIO' : null);
        return;
      case 'fail syncs':
        disk.fault = (call) => (call === 'sync' && this.#random.chance(0.5) ? 'EIO' : null);
        return;
      case 'fail reads':
        disk.fault = (call) => (call === 'read' && this.#random.chance(0.05) ? 'EIO' : null);
        return;
      case 'read-only':
        disk.fault = (call) => (call === 'write' || call === 'change' ? 'EROFS' : null);
        return;
      case 'heal disk':
        this.#healDisk(host);
        return;
      case 'unmount':
        if (host.mountedTree === null) host.mountedTree = disk.unmount(ROOT);
        return;
      case 'mount':
        this.#remount(host);
        return;
      case 'mount old copy':
        this.#mountOldCopy(host);
        return;
      case 'lose state':
        disk.removeTree(STATE);
        return;
      case 'save state':
        disk.removeTree(SAVED_STATE);
        if (disk.exists(STATE)) disk.copyTree(STATE, SAVED_STATE);
        return;
      case 'roll back state':
        if (!disk.exists(SAVED_STATE)) return;
        disk.removeTree(STATE);
        disk.copyTree(SAVED_STATE, STATE);
    }
  }

  /** The first time, saves a copy of the root; the next time, the root becomes this copy. Writers have ended before. */
  #mountOldCopy(host: Host): void {
    if (host.mountedTree !== null) return;
    if (host.savedTree === null) {
      host.savedTree = host.disk.copyOf(ROOT);
      return;
    }
    if (this.#places.some(({ machine, writer }) => machine === host && writer !== null)) return;
    host.disk.unmount(ROOT);
    host.disk.mount(ROOT, host.savedTree);
    host.savedTree = null;
    for (const place of this.#placesOn(host)) place.acknowledged = new Map();
  }

  #remount(host: Host): void {
    if (host.mountedTree !== null) host.disk.mount(ROOT, host.mountedTree);
    host.mountedTree = null;
  }

  #healDisk({ disk }: Host): void {
    disk.fault = () => null;
    disk.capacityBytes = Number.POSITIVE_INFINITY;
  }

  #heal(host: Host): void {
    this.#healDisk(host);
    this.#remount(host);
    host.setClock(-host.aheadSeconds);
    host.disk.settle('/');
  }

  #writeBack(host: Host): void {
    host.disk.settle('/');
    for (const { acknowledged } of this.#placesOn(host))
      for (const step of acknowledged.keys()) acknowledged.set(step, true);
  }

  #afterPowerLoss(host: Host): void {
    for (const { undoneOn } of this.#stores) undoneOn.add(host);
    for (const place of this.#placesOn(host)) {
      for (const [step, isDurable] of place.acknowledged) if (!isDurable) place.acknowledged.delete(step);
      this.#remember(place);
    }
  }

  #setStore(kind: 'store down' | 'store flaky' | 'store late' | 'store up', bucket: Bucket | null): void {
    if (bucket === null) return;
    bucket.isDown = kind === 'store down';
    bucket.failures = kind === 'store flaky' ? 0.3 : 0;
    bucket.isLate = kind === 'store late';
  }

  #servePolyaxon(): PolyaxonServer {
    return new PolyaxonServer(() => this.#time.wallMs);
  }

  #changePolyaxon(step: Extract<Step, { readonly kind: `${string}polyaxon${string}` }>): void {
    const server = this.#polyaxon;
    if (server === null) return;
    server.weather.clear();
    if (step.kind === 'polyaxon down') server.weather.isDown = true;
    if (step.kind === 'polyaxon flaky') server.weather.failures = 0.3;
    if (step.kind === 'polyaxon loses lineage') server.lostLineages = 2;
    if (step.kind === 'stop on polyaxon') server.stop(this.#placeOf(step.run).uuid);
  }

  // Uploaders.

  /** Runs a command. Returns the report of a sync; null when it failed. */
  async #invoke(invocation: Invocation): Promise<SyncReport | null> {
    let report: SyncReport | null = null;
    for (const place of this.#places) place.recent = [place.files];
    this.#claims = [];
    this.#commands = 0;
    const work = this.#start(invocation, (found) => {
      report = found;
    });
    await this.#time.run(work, LIMIT_MS);
    for (let each = this.#background.shift(); each !== undefined; each = this.#background.shift())
      await this.#time.run(each, LIMIT_MS);
    const hasCompany = this.#claims.length > 1;
    for (const claim of this.#claims.splice(0)) this.#checkClaim(claim, hasCompany);
    return report;
  }

  async #start(invocation: Invocation, onReport: (report: SyncReport) => void): Promise<void> {
    const { kind, incident, machine, store } = invocation;
    const host = this.#hosts[machine]!;
    this.#commands += 1;
    const process = host.start(`${kind} ${++this.#count} ${this.#random.next()}`);
    if (kind.startsWith('sync') || kind === 'watch') this.#used.add(`${machine} ${store}`);
    process.onEffect = (effect, hasParts) => {
      this.#findCrashPoint(effect, hasParts);
      if (incident?.effect !== effect) return null;
      const { what } = incident;
      if (typeof what === 'string') return what;
      if ('incident' in what) this.#background.push(this.#start(what, () => undefined));
      else {
        this.#change(what);
        this.#remember(this.#placeOf(what.run));
      }
      return null;
    };
    if (kind === 'mirror') this.#mirrors += 1;
    for (const place of this.#placesOn(host)) this.#remember(place);
    const before = this.#placesOn(host).map((place) => ({ ...place }));
    let answer: string;
    try {
      answer = await process.run(() => this.#run(invocation, host, process, onReport));
    } catch (error) {
      answer = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      if (!(error instanceof CodedError) && !process.isDead)
        this.#violations.push(`${kind} throws an error without a code: ${answer} ${(error as Error).stack}`);
    }
    process.end();
    this.#effects += process.effects;
    if (kind === 'mirror') this.#mirrors -= 1;
    this.#log.push(
      `  ${kind} on ${host.name} (${process.effects} effects${process.isDead ? ', killed' : ''}): ${answer}`,
    );
    this.#findPlaces();
    // Without power, a file can have lost what the process has sent of it. A command reports no acknowledgements.
    for (const place of [...before, ...this.#placesOn(host)])
      this.#noteUnacknowledged(place, process.isDead || this.#usesCommands);
    for (const place of this.#placesOn(host)) {
      if (kind.startsWith('clean')) this.#noteDeleted(place, kind, this.#stores[store]!);
      if (/clean|pull/.test(kind)) place.acknowledged = new Map();
      this.#remember(place);
    }
  }

  async #run(
    invocation: Invocation,
    host: Host,
    process: Process,
    onReport: (report: SyncReport) => void,
  ): Promise<string> {
    const { kind } = invocation;
    const { io, killed: signal } = process;
    const place = this.#placeOf(invocation.run);
    const simulated = this.#stores[invocation.store]!;
    const { bucket, url } = simulated;
    const driver = openDriver(simulated, process);
    const store = driver === null ? undefined : new CommitEngine(driver, io.clock);
    const config: SyncConfig = {
      ...{ ...DEFAULT_CONFIG, path: ROOT, store: url, stateDirectory: STATE },
      ...{ retryTimeoutMs: 30_000, shutdownTimeoutMs: 10_000, intervalMs: 2_000, poll: true },
      mirror: kind === 'mirror' ? 'force' : false,
    };
    if (this.#polyaxon !== null)
      Object.assign(
        config,
        toApiConfig(process, this.#polyaxon, (uuid, path) =>
          this.#checkArtifact(host, simulated, uuid, path),
        ),
      );
    const options = { io, store, signal, onEvent: this.#toListener(simulated, host, kind) };
    const judge = (report: SyncReport, path: string): string => {
      onReport(report);
      this.#claim(invocation, path, report.isComplete);
      const { files, unsent } = report;
      return `complete: ${report.isComplete} ${JSON.stringify(files)} ${unsent[0]?.error.code ?? ''} ${unsent[0]?.error.message ?? ''}`;
    };
    if (this.#usesCommands && bucket === null && !kind.startsWith('pull'))
      return this.#runCommand(invocation, host, process);
    switch (kind) {
      case 'sync':
      case 'mirror':
        return judge(await sync(config, options), ROOT);
      case 'sync run':
        if (place.machine !== host || !host.disk.exists(place.directory)) return 'not here';
        return judge(await sync({ ...config, path: place.directory }, options), place.directory);
      case 'watch': {
        const stop = new AbortController();
        void host.clock.sleep(WATCH_MS, signal).then(
          () => stop.abort(),
          () => stop.abort(),
        );
        return judge(await watch(config, { ...options, signal: stop.signal }), ROOT);
      }
      case 'verify': {
        const { onEvent: _, ...rest } = options;
        const { isVerified } = await verify(config, rest);
        this.#claim(invocation, ROOT, isVerified);
        return `verified: ${isVerified}`;
      }
      case 'clean':
      case 'clean all': {
        const { onEvent: _, ...rest } = options;
        const { runs } = await clean(config, { ...rest, isDryRun: false, isAll: kind === 'clean all' });
        return runs.map(({ outcome, problems }) => `${outcome} ${problems[0]?.message ?? ''}`).join(', ');
      }
      default: {
        const { onEvent: _, ...rest } = options;
        const overwrites = kind === 'pull overwrite';
        const target = kind === 'pull elsewhere' ? '/sim/elsewhere' : ROOT;
        const { isComplete, runs } = await pull(config, [place.uuid], target, { ...rest, overwrites });
        const changes = typeof invocation.incident?.what === 'object';
        if (isComplete && !changes) this.#checkPull(host, simulated, place.uuid, target);
        return `complete: ${isComplete} ${runs[0]?.problems[0]?.message ?? ''}`;
      }
    }
  }

  /** Compares the files of a complete pull with the store, unless it is done beside another command. */
  #checkPull(host: Host, store: SimulatedStore, uuid: string, target: string): void {
    if (this.#commands > 1 || store.bucket?.isLate === true) return;
    const directory = `${target}/runs/${uuid}`;
    const before = this.#places.find((each) => each.machine === host && each.directory === directory);
    for (const key of this.#keysOf(store, uuid)) {
      const path = key.slice(uuid.length + 1);
      const stored = this.#peekStore(store, key);
      const found = host.disk.peek(`${directory}/${path}`)?.toString('latin1');
      if (found === stored || before?.recent.some((files) => files.get(path) === stored)) continue;
      this.#violations.push(`${directory}/${path} is not what a complete pull has found in the store`);
    }
  }

  /** The files of a run in a store. */
  #keysOf({ bucket }: SimulatedStore, uuid: string): string[] {
    const paths = [...this.#hosts[0]!.disk.walk(`${STORE}/${uuid}`)].map(([path]) => `${uuid}/${path}`);
    const keys = bucket === null ? paths : [...bucket.objects.keys()];
    return keys.filter((key) => key.startsWith(`${uuid}/`) && !/\/\.plx\/|\.partial$/.test(key));
  }

  /** What a process registers must be stored. What is neither stored nor on disk was deleted, or never was a file of the run. */
  #checkArtifact(host: Host, store: SimulatedStore, uuid: string, path: string): void {
    const isOnDisk = this.#placesOn(host).some(
      (place) => place.uuid === uuid && host.disk.peek(`${place.directory}/${path}`) !== undefined,
    );
    // Event files are converted to the others, which are stored and never on disk.
    if ((isOnDisk || path.startsWith('events/')) && this.#peekStore(store, `${uuid}/${path}`) === undefined)
      this.#violations.push(`${uuid}/${path} is registered on Polyaxon, but not stored`);
  }

  /** Does by a command what the library does otherwise; its exit code is a claim. */
  async #runCommand(invocation: Invocation, host: Host, process: Process): Promise<string> {
    const { kind, run, store } = invocation;
    const { io, killed } = process;
    const { url } = this.#stores[store]!;
    const place = this.#placeOf(run);
    if (kind === 'sync run' && (place.machine !== host || !host.disk.exists(place.directory)))
      return 'not here';
    const path = kind === 'sync run' ? place.directory : ROOT;
    const stop = new AbortController();
    const end = (): void => stop.abort();
    if (kind === 'watch') void host.clock.sleep(WATCH_MS, killed).then(end, end);
    else killed.addEventListener('abort', end);
    const before = this.#countStored();
    const finished = await runCommand(toArguments(kind, path), {
      ...{ io, signal: stop.signal, environment: toEnvironment(url) },
    });
    const { code, stderr } = finished;
    if (process.isDead) return `exit code ${code}`;
    if (code === undefined || stderr.includes('ERR_UNEXPECTED'))
      this.#violations.push(`${kind} fails without a code: ${stderr}`);
    if (code === 2 && SENDING.has(kind) && this.#commands === 1 && this.#countStored() > before)
      this.#violations.push(`${kind} has uploaded, but its exit code 2 says that nothing was: ${stderr}`);
    if (!kind.startsWith('clean')) this.#claim(invocation, path, code === 0);
    return `exit code ${code} ${stderr}`;
  }

  /** The files of runs in the directory that is a store. */
  #countStored(): number {
    const paths = [...this.#hosts[0]!.disk.walk(STORE)].map(([path]) => path);
    return paths.filter((path) => !/\/\.plx\/|\.partial$/.test(path)).length;
  }

  /** Notes what the store acknowledges, when it does. */
  #toListener(store: SimulatedStore, host: Host, since: string): (event: SyncEvent) => void {
    const directories = new Map<string, string>();
    return (event) => {
      if (event.kind === 'run') directories.set(event.runUuid, event.directory);
      if (event.kind !== 'stored' && event.kind !== 'verified') return;
      const content = this.#peekStore(store, event.key);
      if (content === undefined) {
        this.#violations.push(`${event.key} is ${event.kind}, but the store does not have it`);
        return;
      }
      const slash = event.key.indexOf('/');
      const directory = directories.get(event.key.slice(0, slash));
      this.#findPlaces(); // a pull that is still running has made the directory
      // A log directory in a run that has lost its run file is a separate run.
      const place = this.#placesOn(host).find((each) => `${directory}/`.startsWith(`${each.directory}/`));
      if (place === undefined) {
        this.#violations.push(`${event.key} comes from an unknown directory ${directory}`);
        return;
      }
      // The uploader has made it of other files, and can make it again.
      if (/^(events|assets)\//.test(event.key.slice(slash + 1))) return;
      place.history.note(event.key.slice(slash + 1), content);
      store.had.set(event.key, (store.had.get(event.key) ?? new Set()).add(content));
      store.evidence.acknowledge(event.key, content, place.history, since);
    };
  }

  /** Files that a command has deleted count as acknowledged. */
  #noteDeleted(
    { uuid, directory, files, history, machine }: Place,
    since: string,
    store: SimulatedStore,
  ): void {
    const now = this.#readTree(machine, directory);
    for (const [path, content] of files)
      if (!now.has(path)) store.evidence.acknowledge(`${uuid}/${path}`, content, history, since);
  }

  /** What stores have without an acknowledgement. `isUnseen`: the process was killed before it could see one, or reports none. */
  #noteUnacknowledged({ uuid, files, history }: Place, isUnseen: boolean): void {
    for (const [path, content] of files)
      for (const store of this.#stores) {
        const key = `${uuid}/${path}`;
        if (this.#peekStore(store, key) !== content) continue;
        const isDurable = store.bucket !== null || this.#hosts[0]!.disk.isDurable(`${STORE}/${key}`);
        if (isDurable && isUnseen) store.evidence.acknowledge(key, content, history, 'kill');
        else store.evidence.allow(key, content, history);
      }
  }

  /** Remembers what a report says, to compare it with disk and store after the step. Returns it for people. */
  #claim(invocation: Invocation, path: string, isTrue: boolean): void {
    this.#claims.push({ invocation, path, isTrue });
  }

  /** Another command of the same step may have replaced what this one has stored, and then has kept a copy. */
  #checkClaim({ invocation, path, isTrue }: Claim, hasCompany: boolean): void {
    if (!isTrue) return;
    const { kind, machine } = invocation;
    const store = this.#stores[invocation.store]!;
    if (SENDING.has(kind) && path === ROOT) store.undoneOn.delete(this.#hosts[machine]!);
    for (const place of this.#placesOn(this.#hosts[machine]!)) {
      if (posix.relative(path, place.directory).startsWith('..')) continue;
      const now = this.#readTree(place.machine, place.directory);
      for (const found of findUnstored(place, now, (key) => this.#contentsOf(store, key, hasCompany), {
        mayBeCut: true,
      }))
        this.#violations.push(`${kind} claims to be complete, but ${found}`);
    }
  }

  /** Whether a state directory has the report of a sync that has found runs. */
  #knowsRuns({ disk }: Host, { root, store }: FoundStatus): boolean {
    return [...disk.walk(STATE)].some(([path, bytes]) => {
      if (!path.endsWith('/status.json')) return false;
      const last = parseJson(bytes.toString()) as FoundStatus | undefined; // a failure of the power may have damaged it
      return last?.root === root && last.store === store && last.runs.length > 0;
    });
  }

  #contentsOf(store: SimulatedStore, key: string, hasCopies: boolean): string[] {
    return hasCopies ? this.#findAll(store, key) : [this.#peekStore(store, key) ?? []].flat();
  }

  /** Runs `polytrack status`, and compares what it prints and its exit code with disk and store. */
  async #checkStatus({ kind, machine, store }: Invocation): Promise<void> {
    if (!SENDING.has(kind)) return;
    const host = this.#hosts[machine]!;
    const simulated = this.#stores[store]!;
    const before = this.#random;
    this.#random = new Random('status');
    const { code, stdout, stderr } = await runCommand(['status', ROOT, '--json'], {
      ...{ io: new Looker(host).io, signal: new AbortController().signal },
      environment: toEnvironment(simulated.url),
    });
    this.#random = before;
    this.#log.push(`  status: exit code ${code} ${stderr}`);
    if (code === undefined || stderr.includes('ERR_UNEXPECTED'))
      this.#violations.push(`status fails without a code: ${stderr}`);
    if (stdout === '') return;
    const [status] = JSON.parse(stdout) as [FoundStatus];
    if (host.mountedTree !== null) {
      if (code === 0 && !status.isRunning && isEmpty(host.disk, ROOT) && this.#knowsRuns(host, status))
        this.#violations.push('the exit code of status is 0, but the root that was uploaded is not mounted');
      return;
    }
    for (const place of this.#placesOn(host).filter(({ directory }) => directory.startsWith(`${ROOT}/`)))
      for (const found of findFalseStatus(status, code, place, (key) => [
        ...this.#contentsOf(simulated, key, false),
        // A failure of the power has undone changes on the disk and in the journal, and the store has what was there later, until a sync ends.
        ...(simulated.undoneOn.has(host) ? (simulated.had.get(key) ?? []) : []),
      ]))
        this.#violations.push(found);
  }

  /** Checks a change of an object when it happens. */
  #checkChange(bucket: Bucket, key: string, before: Buffer | undefined, after: Buffer | undefined): void {
    const { options } = bucket;
    const isOwn = /(^|\/)\.plx\//.test(key);
    if (after === undefined && before !== undefined && !isOwn && this.#mirrors === 0)
      this.#violations.push(`s3://${options.name}/${key} is deleted without a command to delete it`);
    const [, uuid, path] = /^([^/]+)\/\.plx\/seg\/(.+)\/\d+\/[^/]+$/.exec(key) ?? [];
    const file = path === undefined ? key : `${uuid}/${path}`;
    if (after === undefined || (isOwn && file === key) || !file.includes('tfevents')) return;
    const bytes = bucket.readFile(file);
    if (bytes !== undefined && recordsOf(bytes).rest === 'incomplete' && !this.#isTornOnDisk(file, bytes))
      this.#violations.push(`s3://${options.name}/${key} ends within a record`);
  }

  /** Whether a directory has exactly these bytes, or had them when its writer tore the file. */
  #isTornOnDisk(key: string, bytes: Buffer): boolean {
    const slash = key.indexOf('/');
    const path = key.slice(slash + 1);
    return this.#places.some(
      ({ machine, directory, uuid }) =>
        uuid === key.slice(0, slash) &&
        (machine.disk.peek(`${directory}/${path}`)?.equals(bytes) === true ||
          this.#torn.has(bytes.toString('latin1'))),
    );
  }

  /** Adds the directories that a pull has made. */
  #findPlaces(): void {
    for (const host of this.#hosts)
      for (const parent of [`${ROOT}/runs`, '/sim/elsewhere', '/sim/elsewhere/runs'])
        for (const uuid of UUIDS) {
          const directory = `${parent}/${uuid}`;
          if (
            !host.disk.exists(directory) ||
            this.#placesOn(host).some((each) => each.directory === directory)
          )
            continue;
          this.#addPlace(host, directory, uuid);
        }
  }

  /** All contents of a file that a store has, with kept versions. */
  #findAll(store: SimulatedStore, key: string): string[] {
    const slash = key.indexOf('/');
    const [uuid, path] = [key.slice(0, slash), key.slice(slash + 1)];
    const found = [this.#peekStore(store, key) ?? []].flat();
    for (const kept of ['gen', 'deleted']) {
      const prefix = `${uuid}/.plx/${kept}/${path}`;
      if (store.bucket === null)
        for (const [, bytes] of this.#hosts[0]!.disk.walk(`${STORE}/${prefix}`))
          found.push(bytes.toString('latin1'));
      else
        for (const [each, { bytes }] of store.bucket.objects)
          if (each.startsWith(`${prefix}/`)) found.push(bytes.toString('latin1'));
    }
    return found;
  }

  #peekStore({ bucket }: SimulatedStore, key: string): string | undefined {
    const bytes = bucket === null ? this.#hosts[0]!.disk.peek(`${STORE}/${key}`) : bucket.readFile(key);
    return bytes?.toString('latin1');
  }

  #placeOf(run: number): Place {
    return this.#places[run % this.#places.length]!;
  }

  #placesOn(host: Machine): Place[] {
    return this.#places.filter(({ machine }) => machine === host);
  }
}

/** Null for the directory that is a store: there, the product opens its own. */
function openDriver({ url, bucket, gcs }: SimulatedStore, process: Process): StoreDriver | null {
  if (gcs !== null) return openGcsDriver(url, gcs, process);
  return bucket === null ? null : new SimulatedDriver(bucket, process);
}

/** Whether a directory has neither runs nor, made again by a writer that still runs, files elsewhere. */
function isEmpty(disk: Disk, root: string): boolean {
  return !disk.exists(`${root}/runs`) && disk.walk(root).next().done === true;
}

/** The settings of commands. */
function toEnvironment(store: string): Readonly<Record<string, string>> {
  return {
    ...{ HOME: '/sim/home', POLYTRACK_STORE: store, POLYTRACK_STATE_DIR: STATE, POLYTRACK_POLL: 'true' },
    ...{ POLYTRACK_RETRY_TIMEOUT: '30', POLYTRACK_SHUTDOWN_TIMEOUT: '10', POLYTRACK_INTERVAL: '2' },
  };
}

/** Errors that further passes do not end: a person has to decide. */
const IS_LASTING: ReadonlySet<string> = new Set([
  'ERR_FILE_BEHIND',
  'ERR_RUN_DUPLICATE',
  'ERR_RUN_CONFLICT',
  'ERR_RUN_OCCUPIED',
  'ERR_STORE_CONFLICT',
  'ERR_RUN_CLEANED',
]);

/** The JSON files of a run that a power failure has damaged have to be restored by a person, too. */
function isLasting({ path, error }: SyncReport['unsent'][number]): boolean {
  const isOfRun = path.endsWith(RUN_FILE) || path.endsWith(' in Polyaxon');
  return IS_LASTING.has(error.code) || (error.code === 'ERR_FILE_UNREADABLE' && isOfRun);
}

function isRunFile(text = ''): boolean {
  const found = parseJson(text);
  return typeof found === 'object' && found !== null && 'uuid' in found;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns a whole number below `end` that has little to do with those of neighbouring counts. */
function spread(count: number, end: number): number {
  return (Math.imul(count, 0x9e3779b1) >>> 8) % end;
}

/** Records of another writer, up to some kilobytes. */
function someRecords(word: string, count: number): Buffer {
  const record = encodeRecord(Buffer.from(`${word} ${count} `.repeat(1 + spread(count, 10))));
  return Buffer.concat(Array.from({ length: 1 + spread(count, 37) }, () => record));
}
