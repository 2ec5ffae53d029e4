/**
 * A disk with a page cache. A power failure loses what was not synced: pages of files, and entries of directories.
 *
 * As strict as POSIX allows: syncing a file makes neither its name nor that of its directory durable. After a failed sync, the pages count
 * as clean although they are not on the disk, as on Linux. Unsynced changes of a directory are lost from some point on, or in any order,
 * those of different directories independently. Numbers of deleted inodes are given to new files, and timestamps have the kernel's granularity.
 *
 * Long because it is one state machine: every call changes both what programs see and what survives.
 */

import type { Hash } from 'node:crypto';
import { posix } from 'node:path';
import type { FileStat } from '../../uploader/base/io/file-system.js';
import type { Random } from './random.js';

const PAGE_BYTES = 512;
const TICK_MS = 4;
const MAX_LINKS = 10;
const MAX_KNOWN_PATHS = 10_000;

export class Inode {
  bytes = Buffer.alloc(0);
  durable = Buffer.alloc(0);
  /** The pages that a sync writes. */
  readonly dirty = new Set<number>();
  entries = new Map<string, Inode>();
  durableEntries = new Map<string, Inode>();
  /** The changes of the entries since the last sync, in order. */
  changes: ReadonlyMap<string, Inode | null>[] = [];
  mtimeNs = 0n;
  ctimeNs = 0n;
  linkCount = 0;

  constructor(
    readonly kind: 'file' | 'directory' | 'link',
    readonly ino: bigint,
    readonly device: bigint,
    readonly target = '',
  ) {}
}

export interface OpenFlags {
  readonly isWritten?: boolean;
  readonly creates?: boolean;
  readonly isExclusive?: boolean;
  readonly followsNoLink?: boolean;
}

export type Call = 'read' | 'write' | 'sync' | 'change';

export class Disk {
  /** Returns the error of a call, or null. */
  fault: (call: Call, path: string) => string | null = () => null;
  capacityBytes = Number.POSITIVE_INFINITY;
  /** Counts the changes of what programs see and of what survives. */
  changes = 0;
  #usedBytes = 0;
  #nextIno = 2n;
  readonly #freeInos: bigint[] = [];
  readonly #now: () => number;
  #root: Inode;
  readonly #paths = new WeakMap<Inode, string>();

  /** `now`: the wall clock of the machine in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#root = this.#create('directory');
    this.#root.linkCount = 1;
  }

  get freeBytes(): number {
    return Math.max(0, Math.min(2 ** 40, this.capacityBytes - this.#usedBytes));
  }

  /** Allows no more than `bytes` further bytes. */
  fill(bytes: number): void {
    this.capacityBytes = this.#usedBytes + bytes;
  }

  // Calls of programs.

  open(path: string, flags: OpenFlags): Inode {
    const [parent, name] = this.#locate(path, flags.followsNoLink !== true);
    const found = name === '' ? parent : parent.entries.get(name);
    if (found?.kind === 'link') throw diskError('ELOOP', path);
    if (found !== undefined && flags.isExclusive === true) throw diskError('EEXIST', path);
    if (found?.kind === 'directory' && flags.isWritten === true) throw diskError('EISDIR', path);
    this.#check('read', path);
    if (found !== undefined) return found;
    if (flags.creates !== true) throw diskError('ENOENT', path);
    this.#check('change', path);
    if (this.freeBytes === 0) throw diskError('ENOSPC', path);
    const inode = this.#create('file', parent.device);
    this.#paths.set(inode, path);
    this.#set(parent, [[name, inode]]);
    return inode;
  }

  read(inode: Inode, buffer: Uint8Array, position: number): number {
    this.#check('read', this.pathOf(inode));
    if (inode.kind === 'directory') throw diskError('EISDIR', this.pathOf(inode));
    return inode.bytes.copy(buffer, 0, position, position + buffer.length);
  }

  /** Writes as much as there is space for. */
  write(inode: Inode, bytes: Uint8Array, position: number): number {
    this.#check('write', this.pathOf(inode));
    const growth = Math.max(0, position + bytes.length - inode.bytes.length);
    const missing = Math.max(0, growth - this.freeBytes);
    const count = bytes.length - missing;
    if (count <= 0 && bytes.length > 0) throw diskError('ENOSPC', this.pathOf(inode));
    this.#resize(inode, Math.max(inode.bytes.length, position + count));
    inode.bytes.set(bytes.subarray(0, count), position);
    for (let page = pageOf(position); page * PAGE_BYTES < position + count; page += 1) inode.dirty.add(page);
    this.#touch(inode, true);
    return count;
  }

  truncate(inode: Inode, sizeBytes: number): void {
    this.#check('write', this.pathOf(inode));
    this.#resize(inode, sizeBytes);
    this.#touch(inode, true);
  }

  sync(inode: Inode): void {
    if (inode.dirty.size > 0 || inode.changes.length > 0) this.changes += 1;
    if (this.fault('sync', this.pathOf(inode)) !== null) {
      inode.dirty.clear();
      throw diskError('EIO', this.pathOf(inode));
    }
    syncInode(inode);
  }

  lstat(path: string): FileStat {
    this.#check('read', path);
    return this.stat(this.#find(path, false));
  }

  stat(inode: Inode): FileStat {
    const { kind, ino, device, mtimeNs, ctimeNs, linkCount, bytes } = inode;
    const sizeBytes = kind === 'file' ? bytes.length : 0;
    return { kind, ino, device, mtimeNs, ctimeNs, linkCount, sizeBytes, allocatedBytes: sizeBytes };
  }

  list(path: string): string[] {
    this.#check('read', path);
    const inode = this.#find(path, true);
    if (inode.kind !== 'directory') throw diskError('ENOTDIR', path);
    return [...inode.entries.keys()];
  }

  makeDirectory(path: string): void {
    const [parent, name] = this.#locate(path, false);
    if (parent.entries.has(name) || name === '') throw diskError('EEXIST', path);
    this.#check('change', path);
    const inode = this.#create('directory', parent.device);
    this.#paths.set(inode, path);
    this.#set(parent, [[name, inode]]);
  }

  symlink(target: string, path: string): void {
    const [parent, name] = this.#locate(path, false);
    if (parent.entries.has(name)) throw diskError('EEXIST', path);
    this.#check('change', path);
    this.#set(parent, [[name, this.#create('link', parent.device, target)]]);
  }

  readLink(path: string): string {
    const inode = this.#find(path, false);
    if (inode.kind !== 'link') throw diskError('EINVAL', path);
    return inode.target;
  }

  link(path: string, newPath: string): void {
    const inode = this.#find(path, false);
    const [parent, name] = this.#locate(newPath, false);
    if (parent.entries.has(name)) throw diskError('EEXIST', newPath);
    this.#check('change', newPath);
    this.#touch(inode, false);
    this.#set(parent, [[name, inode]]);
  }

  rename(path: string, newPath: string): void {
    const inode = this.#find(path, false);
    const [from, oldName] = this.#locate(path, false);
    const [to, newName] = this.#locate(newPath, false);
    const replaced = to.entries.get(newName);
    if (replaced?.kind === 'directory' && replaced.entries.size > 0) throw diskError('ENOTEMPTY', newPath);
    this.#check('change', newPath);
    this.#touch(inode, false);
    if (replaced === inode) return;
    if (from === to)
      this.#set(from, [
        [oldName, null],
        [newName, inode],
      ]);
    else {
      this.#set(to, [[newName, inode]]);
      this.#set(from, [[oldName, null]]);
    }
    this.#rename(inode, newPath);
  }

  unlink(path: string): void {
    const inode = this.#find(path, false);
    if (inode.kind === 'directory') throw diskError('EISDIR', path);
    this.#check('change', path);
    const [parent, name] = this.#locate(path, false);
    this.#touch(inode, false);
    this.#set(parent, [[name, null]]);
  }

  removeDirectory(path: string): void {
    const inode = this.#find(path, false);
    if (inode.kind !== 'directory') throw diskError('ENOTDIR', path);
    if (inode.entries.size > 0) throw diskError('ENOTEMPTY', path);
    this.#check('change', path);
    const [parent, name] = this.#locate(path, false);
    this.#set(parent, [[name, null]]);
  }

  realPath(path: string): string {
    this.#check('read', path);
    const [parent, name] = this.#locate(path, true);
    if (name !== '' && !parent.entries.has(name)) throw diskError('ENOENT', path);
    return posix.join(this.pathOf(parent), name);
  }

  /** The path under which an inode was last known. */
  pathOf(inode: Inode): string {
    return inode === this.#root ? '/' : (this.#paths.get(inode) ?? '');
  }

  // What people and the hardware do. None of it fails, and its results are durable.

  exists(path: string): boolean {
    return this.#look(path, true) !== undefined;
  }

  /** Returns the content of a file; undefined when there is none. */
  peek(path: string): Buffer | undefined {
    const inode = this.#look(path, true);
    return inode?.kind === 'file' ? inode.bytes : undefined;
  }

  /** Whether a file would survive a failure of the power as programs see it. */
  isDurable(path: string): boolean {
    let at = this.#root;
    for (const name of namesOf(path)) {
      const child = at.durableEntries.get(name);
      if (child === undefined || child !== at.entries.get(name)) return false;
      at = child;
    }
    return at.bytes.equals(at.durable);
  }

  /** Yields the path of each file below a directory. */
  *walk(path: string, below = ''): Generator<[string, Buffer]> {
    const inode = this.#look(path, true);
    if (inode !== undefined) yield* filesOf(inode, below);
  }

  /** Adds to `hash` what programs see, and whether it has reached the disk; without times. */
  addTo(hash: Hash): void {
    const visit = (inode: Inode, name: string): void => {
      const { kind, bytes, durable, target, dirty, changes } = inode;
      hash
        .update(`${name} ${kind} ${target} ${bytes.length} ${dirty.size} ${changes.length}\n`)
        .update(bytes);
      if (dirty.size > 0) hash.update(durable);
      for (const [each, child] of inode.entries) visit(child, `${name}/${each}`);
    };
    visit(this.#root, '');
  }

  makeDirectories(path: string): void {
    for (let at = 1; at > 0; ) {
      at = path.indexOf('/', at + 1);
      const part = at < 0 ? path : path.slice(0, at);
      if (!this.exists(part)) this.#unfailing(() => this.makeDirectory(part));
    }
  }

  removeTree(path: string): void {
    if (!this.exists(path)) return;
    this.#unfailing(() => this.#removeTree(path));
    this.settle(posix.dirname(path));
  }

  /** Copies a tree with its times of modification. */
  copyTree(path: string, newPath: string): void {
    this.makeDirectories(posix.dirname(newPath));
    const [parent, name] = this.#locate(newPath, false);
    const copy = this.#copy(this.#find(path, true), newPath);
    this.#set(parent, [[name, copy]]);
    this.settle(posix.dirname(newPath));
  }

  /** Copies a tree from another disk. */
  receive(from: Disk, path: string, newPath: string): void {
    this.makeDirectories(posix.dirname(newPath));
    const [parent, name] = this.#locate(newPath, false);
    this.#set(parent, [[name, this.#copy(from.#find(path, true), newPath)]]);
    this.settle(posix.dirname(newPath));
  }

  /** Takes a tree away, and leaves an empty directory of another device. Returns the tree. */
  unmount(path: string): Inode {
    const [parent, name] = this.#locate(path, false);
    const tree = parent.entries.get(name)!;
    const empty = this.#create('directory', tree.device + 1n);
    empty.linkCount = 1;
    parent.entries.set(name, empty);
    parent.durableEntries.set(name, empty);
    this.#paths.set(empty, path);
    return tree;
  }

  mount(path: string, tree: Inode): void {
    const [parent, name] = this.#locate(path, false);
    parent.entries.set(name, tree);
    parent.durableEntries.set(name, tree);
    this.#rename(tree, path);
  }

  /** Returns a copy of a tree, for `mount`. */
  copyOf(path: string): Inode {
    const copy = this.#copy(this.#find(path, true), path);
    copy.linkCount = 1;
    return copy;
  }

  /** Writes everything below a path to the disk. */
  settle(path: string): void {
    const visit = (inode: Inode): void => {
      syncInode(inode);
      for (const child of inode.entries.values()) visit(child);
    };
    const inode = this.#look(path, true);
    if (inode !== undefined) visit(inode);
  }

  /** Loses what was not synced, except what the system has happened to write back. */
  losePower(random: Random): void {
    const kept = random.pick(['nothing', 'nothing', 'something', 'something', 'everything'] as const);
    const isOrdered = random.chance(0.5);
    const visit = (inode: Inode): Inode => {
      if (inode.kind === 'file') {
        if (kept === 'something') writeBackSome(inode, random);
        if (kept === 'everything') keepPages(inode, () => true, inode.bytes.length);
        // Timestamps are written with the data, so those of a file that has lost something differ from what programs have seen.
        if (!inode.bytes.equals(inode.durable)) {
          this.#touch(inode, true);
          inode.bytes = Buffer.from(inode.durable);
        }
        inode.dirty.clear();
      }
      const count = random.below(inode.changes.length + 1);
      for (const [index, change] of inode.changes.entries()) {
        const isSomething = isOrdered ? index < count : random.chance(0.5);
        if (kept === 'everything' || (kept === 'something' && isSomething))
          apply(inode.durableEntries, change);
      }
      inode.entries = new Map(inode.durableEntries);
      inode.changes = [];
      for (const child of inode.entries.values()) visit(child);
      return inode;
    };
    visit(this.#root);
    this.#rename(this.#root, '/');
    this.#freeInos.length = 0;
    countLinks(this.#root);
    this.#usedBytes = [...this.walk('/')].reduce((sum, [, bytes]) => sum + bytes.length, 0);
  }

  // Helpers.

  #check(call: Call, path: string): void {
    const code = this.fault(call, path);
    if (code !== null) throw diskError(code, path);
  }

  #unfailing(change: () => void): void {
    const { fault } = this;
    this.fault = () => null;
    try {
      change();
    } finally {
      this.fault = fault;
    }
  }

  #find(path: string, follows: boolean): Inode {
    const [parent, name] = this.#locate(path, follows);
    const inode = name === '' ? parent : parent.entries.get(name);
    if (inode === undefined) throw diskError('ENOENT', path);
    return inode;
  }

  /** Returns what a path names; undefined when there is nothing. */
  #look(path: string, follows: boolean): Inode | undefined {
    const found = this.#resolve(path, follows);
    if (typeof found === 'string') return undefined;
    const [parent, name] = found;
    return name === '' ? parent : parent.entries.get(name);
  }

  /** Returns the directory of a path and the last name, with links resolved. An empty name means the root. */
  #locate(path: string, follows: boolean): [Inode, string] {
    const found = this.#resolve(path, follows);
    if (typeof found === 'string') throw diskError(found, path);
    return found;
  }

  /** Like `#locate`, but returns the code of an error. */
  #resolve(path: string, follows: boolean, depth = 0): [Inode, string] | string {
    if (depth > MAX_LINKS) return 'ELOOP';
    const names = namesOf(path);
    let at = this.#root;
    for (const [index, name] of names.entries()) {
      if (at.kind !== 'directory') return 'ENOTDIR';
      const child = at.entries.get(name);
      const isLast = index === names.length - 1;
      if (child?.kind === 'link' && (!isLast || follows)) {
        const target = posix.resolve('/', names.slice(0, index).join('/'), child.target);
        return this.#resolve(posix.join(target, ...names.slice(index + 1)), follows, depth + 1);
      }
      if (isLast) return [at, name];
      if (child === undefined) return 'ENOENT';
      at = child;
    }
    return [at, ''];
  }

  #create(kind: Inode['kind'], device = 1n, target = ''): Inode {
    const ino = this.#freeInos.pop() ?? this.#nextIno++;
    const inode = new Inode(kind, ino, device, target);
    this.#touch(inode, true);
    return inode;
  }

  #copy(inode: Inode, path: string): Inode {
    const copy = this.#create(inode.kind, 1n, inode.target);
    copy.bytes = Buffer.from(inode.bytes);
    this.#usedBytes += copy.bytes.length;
    copy.mtimeNs = inode.mtimeNs;
    this.#paths.set(copy, path);
    for (const [name, child] of inode.entries) {
      const each = this.#copy(child, posix.join(path, name));
      each.linkCount = 1;
      copy.entries.set(name, each);
    }
    copy.durable = Buffer.from(copy.bytes);
    copy.durableEntries = new Map(copy.entries);
    return copy;
  }

  #removeTree(path: string): void {
    const inode = this.#find(path, false);
    if (inode.kind === 'directory') {
      for (const name of inode.entries.keys()) this.#removeTree(posix.join(path, name));
      this.removeDirectory(path);
    } else this.unlink(path);
  }

  #set(parent: Inode, changes: readonly (readonly [string, Inode | null])[]): void {
    const change = new Map(changes);
    for (const inode of change.values()) if (inode !== null) inode.linkCount += 1;
    for (const name of change.keys()) {
      const old = parent.entries.get(name);
      if (old !== undefined) this.#dropLink(old, parent.durableEntries.get(name) === old);
    }
    apply(parent.entries, change);
    parent.changes.push(change);
    this.#touch(parent, true);
  }

  #dropLink(inode: Inode, mayReturn: boolean): void {
    inode.linkCount -= 1;
    if (inode.linkCount > 0) return;
    this.#usedBytes -= inode.bytes.length;
    if (!mayReturn) this.#freeInos.push(inode.ino);
  }

  #resize(inode: Inode, sizeBytes: number): void {
    const before = inode.bytes;
    if (sizeBytes === before.length) return;
    this.#usedBytes += sizeBytes - before.length;
    inode.bytes = Buffer.allocUnsafe(sizeBytes);
    inode.bytes.fill(0, before.copy(inode.bytes));
    for (const page of inode.dirty) if (page * PAGE_BYTES >= sizeBytes) inode.dirty.delete(page);
  }

  #touch(inode: Inode, isModified: boolean): void {
    const nowNs = BigInt(Math.floor(this.#now() / TICK_MS) * TICK_MS) * 1_000_000n;
    this.changes += 1;
    inode.ctimeNs = nowNs;
    if (isModified) inode.mtimeNs = nowNs;
  }

  #rename(inode: Inode, path: string): void {
    if (inode !== this.#root) this.#paths.set(inode, path);
    for (const [name, child] of inode.entries) this.#rename(child, posix.join(path, name));
  }
}

function* filesOf(directory: Inode, below: string): Generator<[string, Buffer]> {
  for (const [name, child] of directory.entries) {
    const relative = below === '' ? name : `${below}/${name}`;
    if (child.kind === 'directory') yield* filesOf(child, relative);
    else if (child.kind === 'file') yield [relative, child.bytes];
  }
}

const knownNames = new Map<string, readonly string[]>();

/** The names of a path. Remembers them, because the same few paths are used all the time. */
function namesOf(path: string): readonly string[] {
  let names = knownNames.get(path);
  if (names === undefined) {
    if (knownNames.size > MAX_KNOWN_PATHS) knownNames.clear();
    names = posix.normalize(path).split('/').filter(Boolean);
    knownNames.set(path, names);
  }
  return names;
}

function syncInode(inode: Inode): void {
  if (inode.kind === 'file' && (inode.dirty.size > 0 || inode.durable.length !== inode.bytes.length))
    keepPages(inode, () => true, inode.bytes.length);
  if (inode.changes.length === 0) return;
  inode.durableEntries = new Map(inode.entries);
  inode.changes = [];
}

/** Writes dirty pages to the disk. */
function keepPages(inode: Inode, isKept: (page: number) => boolean, sizeBytes: number): void {
  const durable = Buffer.allocUnsafe(sizeBytes);
  durable.fill(0, inode.durable.copy(durable));
  for (const page of inode.dirty) {
    if (!isKept(page)) continue;
    inode.bytes.copy(durable, page * PAGE_BYTES, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    inode.dirty.delete(page);
  }
  inode.durable = durable;
}

/** Some pages reach the disk before the power fails. The others of a file that has grown are zero. */
function writeBackSome(inode: Inode, random: Random): void {
  const kept = new Set([...inode.dirty].filter(() => random.chance(0.5)));
  const end = Math.max(
    inode.durable.length,
    ...[...kept].map((page) => Math.min((page + 1) * PAGE_BYTES, inode.bytes.length)),
  );
  keepPages(inode, (page) => kept.has(page), end);
}

function apply(entries: Map<string, Inode>, change: ReadonlyMap<string, Inode | null>): void {
  for (const [name, inode] of change)
    if (inode === null) entries.delete(name);
    else entries.set(name, inode);
}

function countLinks(root: Inode): void {
  const counts = new Map<Inode, number>([[root, 1]]);
  const visit = (inode: Inode): void => {
    for (const child of inode.entries.values()) {
      counts.set(child, (counts.get(child) ?? 0) + 1);
      visit(child);
    }
  };
  visit(root);
  for (const [inode, count] of counts) inode.linkCount = count;
}

function pageOf(position: number): number {
  return Math.floor(position / PAGE_BYTES);
}

/** Has no stack: thousands of these errors are expected answers. */
export function diskError(code: string, path: string): NodeJS.ErrnoException {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const error = Object.assign(new Error(`${code}: ${path} on a simulated disk`), { code, path });
  Error.stackTraceLimit = stackTraceLimit;
  return error;
}
