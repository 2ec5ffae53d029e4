/** Runs on a real disk with a real inventory, for tests of when and how they are exported. The context of the export is the only stand-in. */

import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ExportSession } from '../../../src/polyaxon/export/export-session.js';
import type { FileStat, FileSystem, WritableFile } from '../../../uploader/base/io/file-system.js';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import type { ExportContext } from '../../../uploader/pipeline/export/export-view.js';
import type { RunExport } from '../../../uploader/pipeline/export/run-export.js';
import { type FileId, FLAG } from '../../../uploader/pipeline/inventory/file-table.js';
import { Inventory } from '../../../uploader/pipeline/inventory/inventory.js';
import type { KnownRun } from '../../../uploader/pipeline/inventory/known-run.js';
import type { ScannedRun } from '../../../uploader/pipeline/inventory/scan-sink.js';
import type { Liveness } from '../../../uploader/run-directory/run-liveness.js';
import type { StoreNotice } from '../../../uploader/store/base/store.js';
import { createTempDir } from '../../support/temp-dir.js';
import { exportAtOnce } from './event-records.js';
import { RUN } from './run-tree.js';

export const LOGS = 'outputs/tensorboard';

/** What the export shows of itself. */
export interface Shown {
  readonly outcome: string;
  readonly hasMore: boolean;
  readonly isCaughtUp: boolean;
  readonly behindMs: number;
  readonly isDue: boolean;
}

/** The part of the uploader that the export needs, with a clock that only a test or a slow call advances. */
export class ExportedRuns implements ExportContext {
  nowMs = 1_000_000;
  readonly clock = {
    wallTime: () => this.nowMs / 1000,
    monotonicMs: () => this.nowMs,
    sleep: async (ms: number) => {
      this.nowMs += ms;
    },
  };
  /** How long it takes to find the export owner of a run, to open an event file, to write a generated file and to save the state. */
  readonly tookMs = { look: 0, open: 0, append: 0, save: 0 };
  /** What a write to a generated file, a removal of one, or the replacement of the saved state fails with. */
  readonly failures: { append?: Error; remove?: Error; save?: Error } = {};
  readonly #root = createTempDir();
  readonly paths = { exports: join(createTempDir(), 'exports') };
  readonly config = { manifests: true };
  isWatching = true;
  convertsEvents = true;
  allowHardLinks = true;
  inventory = new Inventory({ clock: this.clock });
  readonly livenessByRun = new Map<number, { liveness: Liveness }>();
  /** Runs that another uploader exports. */
  readonly others = new Set<KnownRun>();
  readonly runKeepers: { onRunGone(run: KnownRun): void }[] = [];
  readonly notices: StoreNotice[] = [];
  readonly observer = {
    wantsExport: false,
    onExported: (runUuid: string) => {
      this.exported.push(runUuid);
      this.whenExported();
    },
  };
  /** The uuid of each notification. */
  readonly exported: string[] = [];
  whenExported: () => void = () => undefined;
  /** The event files and saved states that were opened, as `<first digits of the uuid>/<name>`. */
  opened: string[] = [];
  /** How often a state was saved. */
  saves = 0;
  readonly io = { fileSystem: this.#createFileSystem() };

  readonly openPolicy = () => ({ allowHardLinks: this.allowHardLinks });
  readonly onNotice = (notice: StoreNotice) => void this.notices.push(notice);

  isLive(run: KnownRun): boolean {
    return (this.livenessByRun.get(run.index)?.liveness ?? 'live') === 'live';
  }

  isOurs(run: KnownRun): boolean {
    return !this.others.has(run);
  }

  setLiveness(run: KnownRun, liveness: Liveness): void {
    this.livenessByRun.set(run.index, { liveness });
  }

  addRun(uuid = RUN, how: Partial<ScannedRun> = {}): KnownRun {
    const directory = join(this.#root, uuid);
    mkdirSync(directory, { recursive: true });
    const found = {
      runUuid: uuid,
      directory: Buffer.from(directory),
      kind: 'polyaxon',
      filesAt: '',
    } as const;
    return this.inventory.runs[this.inventory.onRun({ ...found, ...how })]!;
  }

  /** The next process: it has the state directory only. Returns its view of the run. */
  restart(uuid = RUN): KnownRun {
    this.inventory = new Inventory({ clock: this.clock });
    return this.addRun(uuid);
  }

  /** Writes a file of a run, and notices that. */
  async write(run: KnownRun, path: string, ...pieces: (Uint8Array | string)[]): Promise<void> {
    const target = this.pathOf(run, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, Buffer.concat(pieces.map((piece) => Buffer.from(piece))));
    await this.scan(run);
  }

  async append(run: KnownRun, path: string, ...pieces: Uint8Array[]): Promise<void> {
    appendFileSync(this.pathOf(run, path), Buffer.concat(pieces));
    await this.scan(run);
  }

  async remove(run: KnownRun, path: string): Promise<void> {
    rmSync(this.pathOf(run, path));
    await this.scan(run);
  }

  pathOf(run: KnownRun, path: string): string {
    return join(this.#root, run.uuid, path);
  }

  /** Passes the files of a run to the inventory, without those of processes. */
  async scan(run: KnownRun): Promise<void> {
    const directory = join(this.#root, run.uuid);
    const paths = listFiles(directory).filter((path) => !path.startsWith('.plx/'));
    const present = new Set<FileId>();
    for (const path of paths) {
      const slash = path.lastIndexOf('/');
      const folder = this.inventory.onFolder(run.index, path.slice(0, Math.max(0, slash)));
      const stat = await nodeFileSystem.lstat(join(directory, path));
      present.add(this.inventory.onFile(folder, path.slice(slash + 1), stat).id);
    }
    for (const folder of run.folders) this.inventory.onGone(folder, present, new Set());
  }

  /** Claims that the store has the current version of a generated file. */
  async store(run: KnownRun, path: string): Promise<void> {
    const file = await nodeFileSystem.lstat(join(this.paths.exports, run.uuid, path));
    this.storeAs(run, path, file);
  }

  storeAs(run: KnownRun, path: string, file: FileStat): void {
    const key = `${run.uuid}/${path}`;
    const object = { etag: 'etag', sizeBytes: file.sizeBytes };
    const id = this.inventory.idOf(key);
    this.inventory.setEntry(id, { key, file, crc32: 0, object, isRecent: false });
  }

  idOf(run: KnownRun, path: string): FileId {
    return this.inventory.idOf(`${run.uuid}/${path}`);
  }

  /** The generated files of a run that the inventory has, sorted, with their sizes. */
  rows(run: KnownRun): [path: string, sizeBytes: number][] {
    const { table } = this.inventory;
    return [...this.inventory.filesOf(run)]
      .filter((id) => table.has(id, FLAG.generated) && table.has(id, FLAG.onDisk))
      .map((id): [string, number] => [this.inventory.relPathOf(id), table.seenBytes[id]!])
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** The generated files on disk, sorted, with their content. */
  made({ uuid }: Pick<KnownRun, 'uuid'>): Record<string, string> {
    const directory = join(this.paths.exports, uuid);
    const paths = listFiles(directory).filter((path) => !path.startsWith('export.jsonl'));
    const read = (path: string) =>
      readFileSync(join(directory, path)).toString(path.startsWith('assets/') ? 'hex' : 'utf8');
    return Object.fromEntries(paths.map((path) => [path, read(path)]));
  }

  /** What an uninterrupted export generates. */
  async expected(run: KnownRun): Promise<Record<string, string>> {
    return (await exportAtOnce(this.pathOf(run, LOGS))).files;
  }

  /** The saved state of a run, one value for each line; null without one. */
  saved({ uuid }: Pick<KnownRun, 'uuid'>): Record<string, unknown>[] | null {
    const path = join(this.paths.exports, uuid, 'export.jsonl');
    if (!existsSync(path)) return null;
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Returns what was opened since the last call. */
  takeOpened(): string[] {
    const opened = this.opened;
    this.opened = [];
    return opened;
  }

  show(runExport: RunExport): Shown {
    const { outcome, hasMore, facts } = runExport;
    const { isCaughtUp } = facts;
    const { nowMs } = this;
    return {
      outcome,
      hasMore,
      isCaughtUp,
      behindMs: runExport.behindMs(nowMs),
      isDue: runExport.isDue(nowMs),
    };
  }

  #createFileSystem(): FileSystem {
    const { exports } = this.paths;
    return {
      ...nodeFileSystem,
      readDirectory: async (path) => {
        if (path.toString().endsWith('/.plx')) this.nowMs += this.tookMs.look;
        return nodeFileSystem.readDirectory(path);
      },
      openForReading: async (path) => {
        const text = path.toString();
        const name = basename(text);
        const root = text.startsWith(exports) ? exports : this.#root;
        const isEventFile = name.includes('tfevents');
        if (isEventFile) this.nowMs += this.tookMs.open;
        if (isEventFile || name === 'export.jsonl')
          this.opened.push(`${text.slice(root.length + 1, root.length + 3)}/${name}`);
        return nodeFileSystem.openForReading(path);
      },
      openForWriting: async (path, how, mode) => {
        const file = await nodeFileSystem.openForWriting(path, how, mode);
        if (path.toString().includes('export.jsonl')) return file;
        const append: WritableFile['append'] = async (bytes) => {
          this.nowMs += this.tookMs.append;
          if (this.failures.append !== undefined) throw this.failures.append;
          await file.append(bytes);
        };
        return { append, sync: () => file.sync(), close: () => file.close() };
      },
      rename: async (from, to) => {
        this.nowMs += this.tookMs.save;
        if (this.failures.save !== undefined) throw this.failures.save;
        this.saves += 1;
        await nodeFileSystem.rename(from, to);
      },
      unlink: async (path) => {
        const isOwn = !path.toString().includes('export.jsonl');
        if (isOwn && this.failures.remove !== undefined) throw this.failures.remove;
        await nodeFileSystem.unlink(path);
      },
    };
  }
}

/** Checks until nothing is left that can be done immediately; returns what the export shows after each check. */
export async function checkAll(runs: ExportedRuns, runExport: RunExport): Promise<Shown[]> {
  const shown: Shown[] = [];
  do {
    await runExport.check();
    shown.push(runs.show(runExport));
  } while (runExport.hasMore);
  return shown;
}

/** What a session knows. */
export function resultOf(session: ExportSession) {
  const { inputs, counts } = session;
  return { inputs, counts, lastValues: session.lastValues(), artifacts: session.artifacts() };
}

function listFiles(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(directory, path)).isFile())
    .sort();
}
