/**
 * Mounts the simulated disks below `/sim` for code that calls `node:fs` directly, as the tracking library does: writers run unchanged, with
 * everything that they do to the disk. A call belongs to the process in whose context it is made; the disk of its machine is what it sees.
 * Also gives each simulated process its own pid and host name. Import this file before the code that is simulated.
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { posix } from 'node:path';
import { APPEND_FLAGS } from '../../src/base/append-file.js';
import type { FileStat } from '../../uploader/base/io/file-system.js';
import { diskError, type Inode, type OpenFlags } from './disk.js';
import { currentProcess, type Process } from './machine.js';

export const MOUNT = '/sim';
/** The interval of timers that never fire. Node would keep them, and the world of their process, until the program ends. */
export const NEVER_MS = 2 ** 31 - 1;
const FIRST_DESCRIPTOR = 1_000_000;

type Call = (...args: never[]) => unknown;
const startTimer = globalThis.setTimeout;
const idle = startTimer(() => undefined, 0);
globalThis.setTimeout = Object.assign(
  (callback: () => void, ms?: number, ...rest: []): NodeJS.Timeout =>
    ms === NEVER_MS ? idle : startTimer(callback, ms, ...rest),
  startTimer,
) as typeof setTimeout;

interface OpenFile {
  readonly process: Process;
  readonly inode: Inode;
  readonly isAppended: boolean;
}

const open = new Map<number, OpenFile>();
let nextDescriptor = FIRST_DESCRIPTOR;

function isSimulated(target: unknown): boolean {
  if (typeof target === 'number') return target >= FIRST_DESCRIPTOR;
  return typeof target === 'string' && (target === MOUNT || target.startsWith(`${MOUNT}/`));
}

/** Replaces functions of `node:fs` for simulated paths and descriptors. */
function replace(calls: Readonly<Record<string, Call>>): void {
  for (const [name, simulated] of Object.entries(calls)) {
    const original = Reflect.get(fs, name) as (...args: unknown[]) => unknown;
    const replaced = (...args: unknown[]): unknown =>
      isSimulated(args[0]) ? (simulated as typeof original)(...args) : original(...args);
    Reflect.set(fs, name, Object.assign(replaced, original));
  }
}

function processOf(path: string): Process {
  const process = currentProcess();
  if (process === null) throw diskError('EIO', `${path} outside of a simulated process`);
  return process;
}

/** Makes an effect on a path. */
function onPath<Result>(
  call: string,
  path: string,
  effect: (disk: Process['disk'], process: Process) => Result,
  onDeath?: (disk: Process['disk']) => void,
): Result {
  const process = processOf(path);
  process.enter(call, path, onDeath === undefined ? null : () => onDeath(process.disk));
  return effect(process.disk, process);
}

function fileOf(fd: number): OpenFile {
  const file = open.get(fd);
  if (file === undefined) throw diskError('EBADF', String(fd));
  return file;
}

function onFile<Result>(
  call: string,
  fd: number,
  effect: (file: OpenFile) => Result,
  onDeath?: (file: OpenFile) => void,
): Result {
  const file = fileOf(fd);
  const path = file.process.disk.pathOf(file.inode);
  file.process.enter(call, path, onDeath === undefined ? null : () => onDeath(file));
  return effect(file);
}

const FLAGS: Readonly<Record<string | number, OpenFlags>> = {
  r: {},
  [APPEND_FLAGS]: { isWritten: true, creates: true },
  w: { isWritten: true, creates: true },
  wx: { isWritten: true, creates: true, isExclusive: true },
  'wx+': { isWritten: true, creates: true, isExclusive: true },
};

function openFile(path: string, how: string | number): number {
  return onPath('open', path, (disk, process) => {
    const flags = FLAGS[how];
    if (flags === undefined) throw new Error(`the simulation does not know how to open with ${how}`);
    const inode = disk.open(path, flags);
    if (how === 'w') disk.truncate(inode, 0);
    open.set(nextDescriptor, { process, inode, isAppended: how === APPEND_FLAGS });
    return nextDescriptor++;
  });
}

function writeFd(
  fd: number,
  bytes: Uint8Array,
  offset = 0,
  length = bytes.length,
  position: number | null = null,
): number {
  const part = bytes.subarray(offset, offset + length);
  const at = (file: OpenFile): number =>
    file.isAppended || position === null ? file.inode.bytes.length : position;
  return onFile(
    'write',
    fd,
    (file) => file.process.disk.write(file.inode, part, at(file)),
    (file) => file.process.disk.write(file.inode, part.subarray(0, part.length >> 1), at(file)),
  );
}

function writeAll(fd: number, content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  for (let at = 0; at < bytes.length; ) at += writeFd(fd, bytes.subarray(at));
}

/** Syncs in the background, as the threads of Node.js do. */
function syncLater(fd: number, done: (error: Error | null) => void): void {
  const { process, inode } = fileOf(fd);
  process
    .call('sync', process.disk.pathOf(inode), () => process.disk.sync(inode))
    .then(() => done(null), done);
}

function toStats(stat: FileStat) {
  const { kind, mtimeNs, ctimeNs } = stat;
  return {
    ...{ ino: stat.ino, dev: stat.device, nlink: BigInt(stat.linkCount), size: BigInt(stat.sizeBytes) },
    ...{ mtimeNs, ctimeNs, mtimeMs: mtimeNs / 1_000_000n, ctimeMs: ctimeNs / 1_000_000n },
    isFile: () => kind === 'file',
    isDirectory: () => kind === 'directory',
    isSymbolicLink: () => kind === 'link',
  };
}

type StatOptions = { readonly bigint?: boolean; readonly throwIfNoEntry?: boolean } | undefined;

function statPath(path: string, follows: boolean, options: StatOptions) {
  return onPath('stat', path, (disk) => {
    if (options?.throwIfNoEntry === false && !disk.exists(path)) return undefined;
    return toNumbers(toStats(disk.lstat(follows ? disk.realPath(path) : path)), options);
  });
}

function toNumbers<Stats extends object>(stats: Stats, options: StatOptions) {
  if (options?.bigint === true) return stats;
  return Object.fromEntries(
    Object.entries(stats).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]),
  );
}

function makeDirectory(path: string, options?: { readonly recursive?: boolean }): void {
  if (options?.recursive !== true) {
    onPath('mkdir', path, (disk) => disk.makeDirectory(path));
    return;
  }
  const missing: string[] = [];
  for (let at = posix.normalize(path); !processOf(at).disk.exists(at); at = posix.dirname(at))
    missing.unshift(at);
  for (const each of missing) onPath('mkdir', each, (disk) => disk.makeDirectory(each));
  onPath('stat', path, (disk) => {
    if (disk.lstat(disk.realPath(path)).kind !== 'directory') throw diskError('EEXIST', path);
  });
}

function readWhole(path: string, options?: string | { readonly encoding?: string }): string | Buffer {
  const bytes = onPath('read', path, (disk) => {
    const inode = disk.open(path, {});
    const buffer = Buffer.alloc(inode.bytes.length);
    disk.read(inode, buffer, 0);
    return buffer;
  });
  const encoding = typeof options === 'string' ? options : options?.encoding;
  return encoding === undefined ? bytes : bytes.toString(encoding as BufferEncoding);
}

function remove(path: string, options?: { readonly force?: boolean }): void {
  onPath('unlink', path, (disk) => {
    if (options?.force === true && !isPresent(() => disk.lstat(path))) return;
    disk.unlink(path);
  });
}

function isPresent(look: () => unknown): boolean {
  try {
    look();
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

replace({
  openSync: (path: string, how: string | number) => openFile(path, how),
  closeSync: (fd: number) => void open.delete(fd),
  readSync: (fd: number, buffer: Uint8Array, offset: number, length: number, position: number) =>
    onFile('read', fd, ({ process, inode }) =>
      process.disk.read(inode, buffer.subarray(offset, offset + length), position),
    ),
  writeSync: writeFd,
  fsyncSync: (fd: number) => onFile('sync', fd, ({ process, inode }) => process.disk.sync(inode)),
  fdatasyncSync: (fd: number) => onFile('sync', fd, ({ process, inode }) => process.disk.sync(inode)),
  fsync: syncLater,
  fdatasync: syncLater,
  ftruncateSync: (fd: number, size: number) =>
    onFile('truncate', fd, ({ process, inode }) => process.disk.truncate(inode, size)),
  fstatSync: (fd: number, options: StatOptions) =>
    onFile('stat', fd, ({ process, inode }) => toNumbers(toStats(process.disk.stat(inode)), options)),
  lstatSync: (path: string, options: StatOptions) => statPath(path, false, options),
  statSync: (path: string, options: StatOptions) => statPath(path, true, options),
  existsSync: (path: string) => {
    const process = currentProcess();
    return process !== null && !process.isDead && process.disk.exists(path);
  },
  mkdirSync: makeDirectory,
  readdirSync: (path: string) => onPath('list', path, (disk) => disk.list(path)),
  readFileSync: readWhole,
  writeFileSync: (target: string | number, content: string | Uint8Array) => {
    if (typeof target === 'number') return writeAll(target, content);
    const fd = openFile(target, 'w');
    writeAll(fd, content);
    open.delete(fd);
  },
  renameSync: (path: string, newPath: string) =>
    onPath('rename', newPath, (disk) => disk.rename(path, newPath)),
  linkSync: (path: string, newPath: string) => onPath('link', newPath, (disk) => disk.link(path, newPath)),
  readlinkSync: (path: string) => onPath('readlink', path, (disk) => disk.readLink(path)),
  rmSync: remove,
  unlinkSync: remove,
  rmdirSync: (path: string) => onPath('rmdir', path, (disk) => disk.removeDirectory(path)),
});

// Its path is the second argument.
const { symlinkSync } = fs;
Reflect.set(fs, 'symlinkSync', (target: string, path: string, type?: fs.symlink.Type) =>
  isSimulated(path)
    ? onPath('symlink', path, (disk) => disk.symlink(target, path))
    : symlinkSync(target, path, type),
);

/** What a process reads of itself. */
const { readFileSync, readlinkSync } = fs;
Reflect.set(fs, 'readFileSync', (path: string, options: 'utf8') => {
  const process = currentProcess();
  if (process !== null && path === '/proc/self/stat')
    return `${process.pid} (node) S ${Array.from({ length: 18 }, () => 0).join(' ')} ${process.pid} 0`;
  if (process !== null && path === '/proc/sys/kernel/random/boot_id')
    return `boot-${process.machine.bootId}\n`;
  if (process !== null && path === '/etc/machine-id') return `${process.machine.machineId}\n`;
  return readFileSync(path, options);
});
Reflect.set(fs, 'readlinkSync', (path: string) =>
  currentProcess() !== null && path === '/proc/self/ns/pid' ? 'pid:[1]' : readlinkSync(path),
);

const { hostname } = os;
Reflect.set(os, 'hostname', () => currentProcess()?.machine.name ?? hostname());
const { pid } = process;
Object.defineProperty(process, 'pid', { get: () => currentProcess()?.pid ?? pid, configurable: true });

syncBuiltinESMExports();
