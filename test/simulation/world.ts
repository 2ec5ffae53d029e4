/**
 * Two machines, three stores and a few runs, with everything that writers, people, hardware and uploaders do to them. After each step, the
 * invariants are checked: `findViolations` describes what is broken.
 *
 * Long because every kind of step changes the same few facts: what a directory has held, and what was acknowledged.
 */

import './mount.js';
import { posix } from 'node:path';
import { encodeRecord } from '../../src/format/record/record-codec.js';
import { CodedError } from '../../src/index.js';
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
import { CommitEngine } from '../../uploader/store/base/commit-engine.js';
import { DEFAULT_CONFIG } from '../uploader/support/default-config.js';
import { Bucket, SimulatedDriver } from './bucket.js';
import type { Inode } from './disk.js';
import { Evidence, History } from './evidence.js';
import { Machine, type Process } from './machine.js';
import { ARTIFACT, EVENTS, findSteps, LOG, type Place, RUN_FILE, recordsOf, Writer } from './places.js';
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

interface SimulatedStore {
  readonly url: string;
  readonly bucket: Bucket | null;
  readonly evidence: Evidence;
}

const ROOT = '/sim/root';
const STATE = '/sim/state';
const SAVED_STATE = '/sim/saved-state';
const STORE = '/sim/store';
const UUIDS = ['a', 'b', 'c'].map((digit) => digit.repeat(32));
/** Virtual time after which a command is considered to hang. */
const LIMIT_MS = 30 * 24 * 3_600_000;
/** Requests of a sync that finds everything stored: listings and checks, not one for each file. */
const IDLE_REQUESTS = 25;

export class World {
  readonly #time = new Scheduler();
  readonly #hosts: readonly Host[];
  readonly #stores: readonly SimulatedStore[];
  readonly #places: Place[] = [];
  readonly #log: string[] = [];
  readonly #violations: string[] = [];
  readonly #background: Promise<void>[] = [];
  readonly #used = new Set<string>();
  #random = new Random(0);
  #count = 0;
  #mirrors = 0;
  #effects = 0;

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
      { url: 's3://strict', bucket: strict, evidence: new Evidence() },
      { url: 's3://plain', bucket: plain, evidence: new Evidence() },
      { url: `file://${STORE}`, bucket: null, evidence: new Evidence() },
    ];
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

  /** The effects of the last step. */
  get effects(): number {
    return this.#effects;
  }

  async apply(step: SaltedStep): Promise<void> {
    this.#random = new Random(step.salt);
    this.#time.random = new Random(step.salt, 'order');
    this.#time.advance(this.#random.pick([1, 50, 3_000]));
    this.#effects = 0;
    this.#log.push(toLine(step));
    for (const place of this.#places) this.#remember(place);
    await this.#applyAny(step);
    for (const place of this.#places) this.#remember(place);
  }

  /** Describes what is broken. */
  findViolations(): string[] {
    const found = this.#violations.splice(0);
    for (const store of this.#stores)
      for (const lost of store.evidence.findLost((key) => this.#findAll(store, key)))
        found.push(`${store.url}/${lost}`);
    for (const { directory, files, acknowledged, machine } of this.#places) {
      if ((machine as Host).mountedTree !== null) continue;
      const steps = findSteps(files);
      if ([...acknowledged.values()].includes(true) && !isRunFile(files.get(RUN_FILE)))
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
    for (const host of this.#hosts) this.#heal(host);
    for (const { bucket } of this.#stores)
      if (bucket !== null) Object.assign(bucket, { isDown: false, failures: 0, isLate: false });
    for (const place of this.#places) {
      await this.#write('end', place, null, false);
      this.#remember(place);
    }
    this.#time.advance(3_600_000);
    const found: string[] = [];
    for (const name of [...this.#used].sort()) {
      const [machine, store] = name.split(' ').map(Number) as [number, number];
      const invocation: Invocation = { kind: 'sync', run: 0, machine, store, incident: null };
      for (let pass = 0; pass < 3; pass += 1) {
        await this.#invoke(invocation);
        this.#time.advance(60_000);
      }
      const { bucket, url } = this.#stores[store]!;
      const before = { requests: bucket?.requests ?? 0, writes: bucket?.writes ?? 0 };
      const report = await this.#invoke(invocation);
      const reasons = report?.unsent.filter(({ error }) => !IS_LASTING.has(error.code)) ?? [];
      if (report === null) found.push(`${url}: the last sync fails: ${this.#log.at(-1)}`);
      for (const { path, error } of reasons)
        found.push(`${url}: ${path} is not stored in the end: ${error.code} ${error.message}`);
      if ((report?.bytes.sent ?? 0) > 0)
        found.push(`${url}: a further pass sends ${report?.bytes.sent} bytes`);
      const requests = (bucket?.requests ?? 0) - before.requests;
      const writes = (bucket?.writes ?? 0) - before.writes;
      if (writes > 0) found.push(`${url}: a further pass writes ${writes} objects`);
      if (requests > IDLE_REQUESTS) found.push(`${url}: a further pass makes ${requests} requests`);
    }
    return [...found, ...this.findViolations()];
  }

  /** Frees what writers hold in this process. */
  async close(): Promise<void> {
    for (const { writer } of this.#places) await writer?.forget();
  }

  async #applyAny(step: Step): Promise<void> {
    if ('incident' in step) {
      await this.#invoke(step);
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
        this.#hosts[step.machine]!.skewSeconds += step.seconds;
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
        this.#writeFile(place, LOG, `line ${count}\n`.repeat(1 + (count % 90)), true);
        return;
      case 'restart log':
        this.#writeFile(place, LOG, `restart ${count}\n`);
        return;
      case 'append events':
        this.#writeFile(place, EVENTS, someRecords('event', count), true);
        return;
      case 'restart events':
        this.#writeFile(place, EVENTS, someRecords('restart', count));
        return;
      case 'tear events':
        this.#writeFile(place, EVENTS, someRecords('torn', count).subarray(0, -7), true);
        return;
      case 'rewrite artifact':
        this.#writeFile(place, ARTIFACT, `model ${count}`.padEnd(20 + (count % 2)).repeat(1 + (count % 130)));
        return;
      case 'write status':
        if (place.writer === null && place.files.has(RUN_FILE)) this.#writeStatus(place, 'succeeded');
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
      try {
        place.writer = new Writer(process, { artifactsPath: directory, uuid, resume: true, fsync });
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
      if (isThere) for (const [step, isDurable] of acknowledged) place.acknowledged.set(step, isDurable);
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
    process.onEffect = (effect) => (crash !== null && effect - start === crash.effect ? crash.death : null);
    return () => {
      process.onEffect = () => null;
      this.#effects += process.effects - start;
    };
  }

  async #forgetDead(place: Place): Promise<void> {
    if (place.writer?.process.isDead !== true) return;
    await place.writer.forget();
    place.writer = null;
  }

  #writeStatus(place: Place, status: string): void {
    const path = `${place.directory}/${RUN_FILE}`;
    const before = JSON.parse(place.machine.disk.peek(path)?.toString() || '{}') as object;
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
  }

  #readTree({ disk }: Machine, directory: string): Map<string, string> {
    const files = new Map<string, string>();
    for (const [path, bytes] of disk.walk(directory))
      if (!/(^|\/)\.plx\/|\.(partial|tmp)$/.test(path)) files.set(path, bytes.toString('latin1'));
    return files;
  }

  // People and hardware.

  #addPlace(host: Host, directory: string, uuid: string, history = new History()): Place {
    const facts = { files: new Map(), writer: null, acknowledged: new Map<number, boolean>() };
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
    host.skewSeconds = 0;
    host.disk.settle('/');
  }

  #writeBack(host: Host): void {
    host.disk.settle('/');
    for (const { acknowledged } of this.#placesOn(host))
      for (const step of acknowledged.keys()) acknowledged.set(step, true);
  }

  #afterPowerLoss(host: Host): void {
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

  // Uploaders.

  /** Runs a command. Returns the report of a sync; null when it failed. */
  async #invoke(invocation: Invocation): Promise<SyncReport | null> {
    let report: SyncReport | null = null;
    const work = this.#start(invocation, (found) => {
      report = found;
    });
    await this.#time.run(work, LIMIT_MS);
    for (let each = this.#background.shift(); each !== undefined; each = this.#background.shift())
      await this.#time.run(each, LIMIT_MS);
    return report;
  }

  async #start(invocation: Invocation, onReport: (report: SyncReport) => void): Promise<void> {
    const { kind, incident, machine, store } = invocation;
    const host = this.#hosts[machine]!;
    const process = host.start(`${kind} ${++this.#count} ${this.#random.next()}`);
    if (kind.startsWith('sync') || kind === 'watch') this.#used.add(`${machine} ${store}`);
    process.onEffect = (effect) => {
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
    for (const place of this.#placesOn(host)) {
      if (kind.startsWith('clean')) this.#noteDeleted(place, kind, this.#stores[store]!);
      if (process.isDead) this.#noteUnseen(place);
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
    const store =
      bucket === null ? undefined : new CommitEngine(new SimulatedDriver(bucket, process), io.clock);
    const config: SyncConfig = {
      ...{ ...DEFAULT_CONFIG, path: ROOT, store: url, stateDirectory: STATE },
      ...{ retryTimeoutMs: 30_000, shutdownTimeoutMs: 10_000, intervalMs: 2_000, poll: true },
      mirror: kind === 'mirror' ? 'force' : false,
    };
    const options = { io, store, signal, onEvent: this.#toListener(simulated, host, kind) };
    const judge = (report: SyncReport, path: string): string => {
      onReport(report);
      return this.#judge(report, path, simulated, invocation);
    };
    switch (kind) {
      case 'sync':
      case 'mirror':
        return judge(await sync(config, options), ROOT);
      case 'sync run':
        if (place.machine !== host || !host.disk.exists(place.directory)) return 'not here';
        return judge(await sync({ ...config, path: place.directory }, options), place.directory);
      case 'watch': {
        const stop = new AbortController();
        void host.clock.sleep(6_000, signal).then(
          () => stop.abort(),
          () => stop.abort(),
        );
        return judge(await watch(config, { ...options, signal: stop.signal }), ROOT);
      }
      case 'verify': {
        const { onEvent: _, ...rest } = options;
        return `verified: ${(await verify(config, rest)).isVerified}`;
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
        return `complete: ${isComplete} ${runs[0]?.problems[0]?.message ?? ''}`;
      }
    }
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
      const place = this.#placesOn(host).find((each) => each.directory === directory);
      if (place === undefined) {
        this.#violations.push(`${event.key} comes from an unknown directory ${directory}`);
        return;
      }
      place.history.note(event.key.slice(slash + 1), content);
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

  /** What reached a store before the process was killed, without an acknowledgement that the process saw. */
  #noteUnseen({ uuid, files, history }: Place): void {
    for (const [path, content] of files)
      for (const store of this.#stores)
        if (this.#peekStore(store, `${uuid}/${path}`) === content)
          store.evidence.acknowledge(`${uuid}/${path}`, content, history, 'kill');
  }

  /** A report that says complete is compared with disk and store. */
  #judge(report: SyncReport, path: string, store: SimulatedStore, { incident, machine }: Invocation): string {
    if (report.isComplete && incident === null && this.#background.length === 0)
      for (const place of this.#placesOn(this.#hosts[machine]!)) {
        if (posix.relative(path, place.directory).startsWith('..') || place.writer !== null) continue;
        for (const [each, content] of this.#readTree(place.machine, place.directory))
          if (this.#peekStore(store, `${place.uuid}/${each}`) !== content)
            this.#violations.push(`the report is complete, but ${place.directory}/${each} is not stored`);
      }
    const { files, unsent } = report;
    return `complete: ${report.isComplete} ${JSON.stringify(files)} ${unsent[0]?.error.code ?? ''} ${unsent[0]?.error.message ?? ''}`;
  }

  /** Checks a change of an object when it happens. */
  #checkChange(
    { options }: Bucket,
    key: string,
    before: Buffer | undefined,
    after: Buffer | undefined,
  ): void {
    const isOwn = key.includes('/.plx/');
    if (after === undefined && before !== undefined && !isOwn && this.#mirrors === 0)
      this.#violations.push(`s3://${options.name}/${key} is deleted without a command to delete it`);
    if (after === undefined || isOwn || !key.includes('tfevents')) return;
    if (recordsOf(after).rest === 'incomplete' && !this.#isTornOnDisk(key, after))
      this.#violations.push(`s3://${options.name}/${key} ends within a record`);
  }

  /** Whether a directory has had exactly these bytes, so that its writer has torn the file. */
  #isTornOnDisk(key: string, bytes: Buffer): boolean {
    const slash = key.indexOf('/');
    const path = key.slice(slash + 1);
    return this.#places.some(
      ({ machine, directory, uuid }) =>
        uuid === key.slice(0, slash) && machine.disk.peek(`${directory}/${path}`)?.equals(bytes) === true,
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
    const bytes =
      bucket === null ? this.#hosts[0]!.disk.peek(`${STORE}/${key}`) : bucket.objects.get(key)?.bytes;
    return bytes?.toString('latin1');
  }

  #placeOf(run: number): Place {
    return this.#places[run % this.#places.length]!;
  }

  #placesOn(host: Machine): Place[] {
    return this.#places.filter(({ machine }) => machine === host);
  }
}

/** Errors that further passes do not end: a person has to decide. */
const IS_LASTING: ReadonlySet<string> = new Set([
  'ERR_FILE_BEHIND',
  'ERR_RUN_DUPLICATE',
  'ERR_RUN_CONFLICT',
  'ERR_RUN_OCCUPIED',
  'ERR_STORE_CONFLICT',
]);

function isRunFile(text = ''): boolean {
  try {
    return 'uuid' in (JSON.parse(text) as object);
  } catch {
    return false;
  }
}

/** Records of another writer, up to some kilobytes. */
function someRecords(word: string, count: number): Buffer {
  const record = encodeRecord(Buffer.from(`${word} ${count} `.repeat(1 + (count % 10))));
  return Buffer.concat(Array.from({ length: 1 + (count % 17) }, () => record));
}
