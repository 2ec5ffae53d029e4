/** Two machines, two stores, and a few runs, with everything that operators and writers do to them. */

import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { encodeRecord } from '../../../src/format/record/record-codec.js';
import { CodedError, Run } from '../../../src/index.js';
import { nodeProcessTable } from '../../../uploader/base/io/processes.js';
import {
  clean,
  pull,
  type SyncConfig,
  type SyncEvent,
  type SyncReport,
  sync,
  verify,
  watch,
} from '../../../uploader/index.js';
import { NO_CAPTURE } from '../../support/start-run.js';
import { DEFAULT_CONFIG } from '../../uploader/support/default-config.js';
import { Evidence, History } from './evidence.js';
import type { Change, Invocation, Step } from './operator.js';
import { SimulatedClock } from './simulated-clock.js';
import { type Machine, SimulatedProcess } from './simulated-process.js';

interface Host extends Machine {
  readonly root: string;
  readonly stateDirectory: string;
  readonly savedState: string;
  skewSeconds: number;
}

/** A run directory. */
interface Place {
  readonly uuid: string;
  readonly host: Host;
  directory: string;
  readonly history: History;
  /** What it held after the last change or command. */
  files: ReadonlyMap<string, string>;
  /** The writer, while there is one. */
  run: Run | null;
}

const LOG = 'outputs/train.log';
const EVENTS = 'outputs/tensorboard/events.out.tfevents.1700000000.host.1.000000';
const ARTIFACT = 'outputs/model.bin';
const RUN_FILE = 'run.plx.json';
const UUIDS = ['a', 'b', 'c'].map((digit) => digit.repeat(32));
const { space } = await nodeProcessTable.current();

export class World {
  readonly #time = new SimulatedClock();
  readonly #hosts: readonly Host[];
  readonly #stores: readonly string[];
  readonly #places: Place[] = [];
  readonly #evidence = new Evidence();
  readonly #log: string[] = [];
  #count = 0;

  constructor(directory: string) {
    this.#hosts = ['one', 'two'].map((name, index): Host => {
      const host: Host = {
        name,
        root: join(directory, name, 'root'),
        stateDirectory: join(directory, name, 'state'),
        savedState: join(directory, name, 'saved'),
        // Real writers run on the first machine.
        space: index === 0 ? space : `machine ${name}`,
        skewSeconds: 0,
        clock: this.#time.toMachineClock(() => host.skewSeconds),
      };
      mkdirSync(join(host.root, 'runs'), { recursive: true });
      return host;
    });
    this.#stores = ['a', 'b'].map((name) => join(directory, `store-${name}`));
    for (const store of this.#stores) mkdirSync(store);
    for (const uuid of UUIDS.slice(0, 2)) this.#makeRun(uuid);
    this.#startRun(UUIDS[2]!);
  }

  /** What the commands answered, for people. */
  get log(): string {
    return this.#log.join('\n');
  }

  async apply(step: Step): Promise<void> {
    switch (step.kind) {
      case 'copy beside':
      case 'copy to machine':
      case 'rename':
        this.#move(step.kind, this.#placeOf(step.run));
        break;
      case 'lose state':
        rmSync(this.#hostOf(step).stateDirectory, { recursive: true, force: true });
        break;
      case 'save state':
        this.#copyState(this.#hostOf(step).stateDirectory, this.#hostOf(step).savedState);
        break;
      case 'roll back state':
        this.#copyState(this.#hostOf(step).savedState, this.#hostOf(step).stateDirectory);
        break;
      case 'set clock':
        this.#hostOf(step).skewSeconds += step.seconds;
        break;
      case 'wait':
        this.#time.advance(step.seconds * 1000);
        break;
      default:
        await this.#applyAny(step);
    }
  }

  /** Ends all writers. */
  async close(): Promise<void> {
    for (const { run } of this.#places) await run?.end();
  }

  /** Describes what was acknowledged and exists nowhere. */
  findLost(): string[] {
    return [...this.#evidence.findLost((key) => this.#findAll(key))];
  }

  async #applyAny(step: Change | Invocation): Promise<void> {
    if ('incident' in step) await this.#invoke(step);
    else await this.#change(step);
  }

  // Writers.

  /** Makes a run as another writer would: without a heartbeat, with a status in the run file. */
  #makeRun(uuid: string): void {
    const host = this.#hosts[0]!;
    const place = this.#addPlace(host, join(host.root, 'runs', uuid), uuid);
    this.#writeStatus(place, 'running');
    this.#write(place, LOG, `line ${++this.#count}\n`);
    this.#write(place, ARTIFACT, `model ${++this.#count}`);
  }

  #startRun(uuid: string): void {
    const host = this.#hosts[0]!;
    const place = this.#addPlace(host, join(host.root, 'runs', uuid), uuid);
    place.run = new Run({ root: host.root, uuid, ...NO_CAPTURE });
    place.run.logMetric('loss', 1, { step: 0 });
    this.#write(place, LOG, `line ${++this.#count}\n`);
  }

  async #change({ kind, run }: Change): Promise<void> {
    const place = this.#placeOf(run);
    switch (kind) {
      case 'append log':
        return this.#write(place, LOG, `line ${++this.#count}\n`, true);
      case 'restart log':
        return this.#write(place, LOG, `restart ${++this.#count}\n`);
      case 'append events':
        return this.#write(place, EVENTS, encodeRecord(Buffer.from(`event ${++this.#count}`)), true);
      case 'restart events':
        return this.#write(place, EVENTS, encodeRecord(Buffer.from(`restart ${++this.#count}`)));
      case 'rewrite artifact':
        return this.#write(place, ARTIFACT, `model ${++this.#count}`.padEnd(20 + (this.#count % 2)));
      case 'delete artifact':
        rmSync(join(place.directory, ARTIFACT), { force: true });
        break;
      case 'delete log':
        rmSync(join(place.directory, LOG), { force: true });
        break;
      case 'start':
        return this.#resume(place);
      case 'log metric':
        place.run?.logMetric('loss', 1 / ++this.#count, { step: this.#count });
        await place.run?.flush();
        break;
      case 'end':
        await this.#end(place);
    }
    this.#remember(place);
  }

  #resume(place: Place): void {
    if (place.run !== null || !existsSync(place.directory)) return;
    const { uuid, directory } = place;
    if (place.host !== this.#hosts[0]) return;
    try {
      place.run = new Run({ artifactsPath: directory, uuid, resume: true, ...NO_CAPTURE });
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#log.push(`resume of ${uuid.slice(0, 1)}: ${error.code} ${error.message}`);
    }
    this.#remember(place);
  }

  async #end(place: Place): Promise<void> {
    const { run } = place;
    place.run = null;
    if (run !== null) await run.end();
    else if (existsSync(join(place.directory, RUN_FILE))) this.#writeStatus(place, 'succeeded');
  }

  #writeStatus(place: Place, status: string): void {
    const path = join(place.directory, RUN_FILE);
    const before = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as object) : {};
    const created = { name: 'run', created_at: '2026-01-01T00:00:00+00:00', status_conditions: [] };
    this.#write(place, RUN_FILE, JSON.stringify({ uuid: place.uuid, ...created, ...before, status }));
  }

  #write(place: Place, path: string, bytes: string | Uint8Array, isAppended = false): void {
    const full = join(place.directory, path);
    if (!existsSync(place.directory) && place.files.size > 0) return; // deleted by `clean --all`
    mkdirSync(dirname(full), { recursive: true });
    if (isAppended) appendFileSync(full, bytes);
    else writeFileSync(full, bytes);
    const seconds = place.host.clock.wallTime();
    utimesSync(full, seconds, seconds);
    this.#remember(place);
  }

  /** Notes what the directory holds now. */
  #remember(place: Place): void {
    place.files = readTree(place.directory);
    for (const [path, content] of place.files) place.history.note(path, content);
  }

  // Directories.

  #addPlace(host: Host, directory: string, uuid: string, history = new History()): Place {
    const place = { uuid, host, directory, history, files: new Map(), run: null };
    this.#places.push(place);
    return place;
  }

  #move(kind: 'copy beside' | 'copy to machine' | 'rename', place: Place): void {
    if (!existsSync(place.directory)) return;
    this.#remember(place);
    const { uuid, host } = place;
    const [one, two] = this.#hosts as [Host, Host];
    const other = host === one ? two : one;
    const target =
      kind === 'copy to machine'
        ? join(other.root, 'runs', uuid)
        : join(host.root, 'backup', `${uuid}-${++this.#count}`);
    if (existsSync(target)) return;
    mkdirSync(dirname(target), { recursive: true });
    if (kind === 'rename') {
      if (place.run !== null) return; // the writer would write to the old path
      renameSync(place.directory, target);
      place.directory = target;
      return;
    }
    cpSync(place.directory, target, { recursive: true, preserveTimestamps: true });
    this.#addPlace(kind === 'copy to machine' ? other : host, target, uuid, place.history.copy());
  }

  #copyState(from: string, to: string): void {
    if (!existsSync(from)) return;
    rmSync(to, { recursive: true, force: true });
    cpSync(from, to, { recursive: true });
  }

  // Commands.

  async #invoke(invocation: Invocation): Promise<void> {
    const { kind, incident } = invocation;
    const host = this.#hostOf(invocation);
    const process = new SimulatedProcess({
      ...{ machine: host, time: this.#time },
      onCall: async (call) => {
        if (incident === null || call !== incident.call) return false;
        if (incident.change === 'kill') return true;
        await this.#applyAny(incident.change);
        return false;
      },
    });
    for (const place of this.#places) this.#remember(place);
    let answer = '';
    try {
      answer = await this.#run(invocation, host, process, incident !== null);
    } catch (error) {
      answer = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      const isExpected = error instanceof CodedError || process.killed.aborted;
      if (!isExpected) throw new Error(`${kind} failed: ${answer}`, { cause: error });
    } finally {
      process.end();
    }
    this.#log.push(`${kind} on ${host.name}: ${answer}`);
    this.#findPlaces();
    for (const place of this.#places) {
      if (kind === 'clean' || kind === 'clean all') this.#noteDeleted(place, kind);
      if (process.killed.aborted) this.#noteUnseen(place);
      this.#remember(place);
    }
  }

  async #run(
    invocation: Invocation,
    host: Host,
    process: SimulatedProcess,
    hasIncident: boolean,
  ): Promise<string> {
    const { kind } = invocation;
    const { io, killed: signal } = process;
    const place = this.#placeOf(invocation.run);
    const directory = this.#stores[invocation.store]!;
    const config: SyncConfig = {
      ...DEFAULT_CONFIG,
      path: host.root,
      store: pathToFileURL(directory).href,
      stateDirectory: host.stateDirectory,
      ...{ concurrency: 1, retryTimeoutMs: 5_000, shutdownTimeoutMs: 10_000, intervalMs: 2_000, poll: true },
      mirror: kind === 'mirror' ? 'force' : false,
    };
    const onEvent = this.#toListener(directory, kind);
    switch (kind) {
      case 'sync':
      case 'mirror':
        return this.#judge(await sync(config, { io, signal, onEvent }), config.path, directory, hasIncident);
      case 'sync run':
        if (place.host !== host || !existsSync(place.directory)) return 'not here';
        return this.#judge(
          await sync({ ...config, path: place.directory }, { io, signal, onEvent }),
          place.directory,
          directory,
          hasIncident,
        );
      case 'watch': {
        const stop = new AbortController();
        void host.clock.sleep(6_000, signal).then(
          () => stop.abort(),
          () => stop.abort(),
        );
        return this.#judge(
          await watch(config, { io, signal: stop.signal, onEvent }),
          config.path,
          directory,
          hasIncident,
        );
      }
      case 'verify':
        return `verified: ${(await verify(config, { io, signal })).isVerified}`;
      case 'clean':
      case 'clean all': {
        const options = { io, signal, isDryRun: false, isAll: kind === 'clean all' };
        const { runs } = await clean(config, options);
        return runs.map(({ outcome, problems }) => `${outcome} ${problems[0]?.message ?? ''}`).join(', ');
      }
      default: {
        const target = kind === 'pull elsewhere' ? this.#hosts.find((each) => each !== host)! : host;
        const options = { io, signal, overwrites: kind === 'pull overwrite' };
        const { isComplete, runs } = await pull(config, [place.uuid], target.root, options);
        return `complete: ${isComplete} ${runs[0]?.problems[0]?.message ?? ''}`;
      }
    }
  }

  /** Notes what the store acknowledges, when it does. */
  #toListener(store: string, since: string): (event: SyncEvent) => void {
    const directories = new Map<string, string>();
    return (event) => {
      if (event.kind === 'run') directories.set(event.runUuid, event.directory);
      if (event.kind !== 'stored' && event.kind !== 'verified') return;
      const content = readFileSync(join(store, event.key), 'latin1');
      const slash = event.key.indexOf('/');
      const directory = directories.get(event.key.slice(0, slash));
      this.#findPlaces(); // a pull that is still running has made the directory
      const place = this.#places.find((each) => each.directory === directory);
      if (place === undefined) throw new Error(`${event.key} comes from an unknown directory ${directory}`);
      place.history.note(event.key.slice(slash + 1), content);
      this.#evidence.acknowledge(event.key, content, place.history, since);
    };
  }

  /** Files that a command has deleted count as acknowledged. */
  #noteDeleted({ uuid, directory, files, history }: Place, since: string): void {
    const now = readTree(directory);
    for (const [path, content] of files)
      if (!now.has(path)) this.#evidence.acknowledge(`${uuid}/${path}`, content, history, since);
  }

  /** What reached a store before the process was killed, without an acknowledgement that the process saw. */
  #noteUnseen({ uuid, files, history }: Place): void {
    for (const [path, content] of files)
      for (const store of this.#stores)
        if (
          existsSync(join(store, uuid, path)) &&
          readFileSync(join(store, uuid, path), 'latin1') === content
        )
          this.#evidence.acknowledge(`${uuid}/${path}`, content, history, 'kill');
  }

  /** A report that says complete is compared with disk and store. */
  #judge(report: SyncReport, path: string, store: string, hasIncident: boolean): string {
    if (report.isComplete && !hasIncident)
      for (const place of this.#places) {
        if (relative(path, place.directory).startsWith('..')) continue;
        for (const [path, content] of readTree(place.directory)) {
          const object = join(store, place.uuid, path);
          const isStored = existsSync(object) && readFileSync(object, 'latin1') === content;
          if (!isStored && place.run === null)
            throw new Error(`the report is complete, but ${place.directory}/${path} is not stored`);
        }
      }
    const { files, unsent } = report;
    return `complete: ${report.isComplete} ${JSON.stringify(files)} ${unsent[0]?.error.message ?? ''}`;
  }

  /** Adds the directories that a pull has made. */
  #findPlaces(): void {
    for (const host of this.#hosts)
      for (const name of readdirSync(join(host.root, 'runs'))) {
        const directory = join(host.root, 'runs', name);
        const isKnown = this.#places.some((place) => place.directory === directory);
        if (!isKnown && UUIDS.includes(name)) this.#addPlace(host, directory, name);
      }
  }

  /** All contents of a file, on every disk and in every store. */
  #findAll(key: string): string[] {
    const slash = key.indexOf('/');
    const [uuid, path] = [key.slice(0, slash), key.slice(slash + 1)];
    const found: string[] = [];
    const directories = [
      ...this.#places.filter((place) => place.uuid === uuid).map(({ directory }) => directory),
      ...this.#stores.map((store) => join(store, uuid)),
    ];
    for (const directory of directories) {
      if (existsSync(join(directory, path))) found.push(readFileSync(join(directory, path), 'latin1'));
      for (const kept of ['gen', 'deleted'])
        found.push(...readTree(join(directory, '.plx', kept, path)).values());
    }
    return found;
  }

  #placeOf(run: number): Place {
    return this.#places[run % this.#places.length]!;
  }

  #hostOf({ machine }: { readonly machine: number }): Host {
    return this.#hosts[machine]!;
  }
}

/** Reads all files below a directory, except in `.plx`. */
function readTree(directory: string): Map<string, string> {
  const files = new Map<string, string>();
  const visit = (below: string): void => {
    for (const entry of readdirSync(join(directory, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.name === '.plx' || /\.(partial|tmp)$/.test(entry.name)) continue;
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile()) files.set(path, readFileSync(join(directory, path), 'latin1'));
    }
  };
  if (existsSync(directory)) visit('');
  return files;
}
