/**
 * Locks a pair of root and store for one uploader, or a run directory for one command: an exclusive file that names its holder.
 *
 * A dead holder on this host is replaced at once. A holder on another host or in another container, whose process cannot be checked, is
 * replaced after `OTHER_HOST_STALE_MS` without a refresh (also by a clock that was ahead then), or with `watchMs` once this process has watched the lock for that long without a
 * refresh. The first avoids only duplicate work, because every commit is a compare-and-swap. The second compares no clocks: the holder of a
 * run deletes and overwrites files.
 *
 * A takeover needs a second lock, named after the holder to replace. So only one of several contenders removes the stale
 * file, and none removes the new one.
 */

import { basename, dirname, join } from 'node:path';
import { LockedError, StateDirectoryError } from '../errors.js';
import { isSameVersion } from './file-version.js';
import type { Io } from './io.js';
import type { ProcessIdentity } from './processes.js';
import { findStat } from './resolve-existing.js';
import { isAbsent, isDiskFull, isLinkUnsupported, systemErrorCode } from './system-error.js';
import { readWholeFile, removeFile } from './whole-file.js';

const FILE_MODE = 0o600;
const MAX_LOCK_BYTES = 4096;
const OTHER_HOST_STALE_MS = 5 * 60_000;
const REFRESH_MS = 60_000;
const POLL_MS = 500;
/** What follows the name of a lock in that of a temporary file: the tokens of the holder to replace, if any, and of the new one. */
const TEMPORARY = /^((?:[0-9a-f]{32}\.)*[0-9a-f]{32})\.partial$/;

interface Holder extends ProcessIdentity {
  readonly token: string;
  /** The inode of a lock that was taken without its content. */
  emptyIno?: bigint;
}

/** The token of a lock whose content cannot be read. */
const DAMAGED = 'damaged';

export interface Lock {
  /** Identifies this holder. */
  readonly token: string;
  /** Whether the lock is still that of this process: a process that was suspended may have lost it. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

interface LockOptions {
  readonly refreshMs: number;
  /** Watch a lock whose holder cannot be checked for this long, instead of comparing its modification time with the clock. */
  readonly watchMs?: number | undefined;
  /** On a full disk, take the lock without its content: others then cannot check the holder and watch the lock. */
  readonly mayBeEmpty?: boolean | undefined;
}

/** Acquires the lock. Throws `LockedError` if another uploader holds it, `StateDirectoryError` if the disk fails. */
export async function acquireLock(path: string, io: Io): Promise<Lock> {
  try {
    return await takeLock(path, io, { refreshMs: REFRESH_MS });
  } catch (error) {
    if (error instanceof LockedError) throw error;
    throw new StateDirectoryError(path, 'take the lock', { cause: error });
  }
}

/** Acquires the lock. Throws `LockedError` if another process holds it, and errors of the disk. */
export async function takeLock(path: string, io: Io, options: LockOptions): Promise<Lock> {
  const own: Holder = { ...(await io.processes.current()), token: io.randomness.id() };
  await take(path, own, io, options);
  await removeLeftovers(path, own, io);
  const refreshing = new AbortController();
  const refreshed = keepFresh(path, own, io, { ...options, signal: refreshing.signal });
  return {
    token: own.token,
    isHeld: () => isOwn(path, own, io),
    async release() {
      refreshing.abort();
      await refreshed;
      await removeOwn(path, own, io);
    },
  };
}

/** Returns the uploader that holds the lock, as far as this process can see; null if none does. Never rejects. */
export async function findHolder(
  path: string,
  io: Io,
): Promise<{ readonly pid: number; readonly token: string } | null> {
  try {
    const holder = await readHolder(path, io);
    return holder !== null && !(await isStale(path, holder, io)) ? holder : null;
  } catch {
    return null; // unreadable: the holder runs as another user, so its status cannot be read either
  }
}

async function take(path: string, own: Holder, io: Io, options: LockOptions): Promise<void> {
  for (;;) {
    if (await create(path, own, io, options)) return;
    const found = await readHolder(path, io);
    if (found === null) continue; // released between the two calls
    if (found.token === own.token) return; // on NFS, the answer to the link may be lost
    if (!(await isStale(path, found, io, options))) throw new LockedError(path, describe(found));
    await takeOver(path, found, own, io, options);
  }
}

/** Removes the stale lock `found`, unless another process has replaced it. */
async function takeOver(
  path: string,
  found: Holder,
  own: Holder,
  io: Io,
  options: LockOptions,
): Promise<void> {
  const guard = `${path}.${found.token}`;
  await take(guard, own, io, options);
  try {
    const now = await readHolder(path, io);
    if (now?.token === found.token) await io.fileSystem.unlink(path);
  } finally {
    await removeOwn(guard, own, io);
  }
}

/** Creates the lock with its content in one step, so that it is never visible without a holder. Returns false if it exists. */
async function create(path: string, own: Holder, io: Io, { mayBeEmpty }: LockOptions): Promise<boolean> {
  const temporaryPath = `${path}.${own.token}.partial`;
  try {
    await write(temporaryPath, own, io).catch(async (error: unknown) => {
      if (mayBeEmpty !== true || !isDiskFull(error)) throw error;
      own.emptyIno = (await io.fileSystem.lstat(temporaryPath)).ino;
    });
    return await link(temporaryPath, path, io);
  } catch (error) {
    if (isLinkUnsupported(error)) return createWithoutLink(path, own, io);
    throw error;
  } finally {
    await removeFile(io.fileSystem, temporaryPath);
  }
}

/** Returns false if `path` exists, or if a process that had the lock has removed the temporary file. */
async function link(temporaryPath: string, path: string, io: Io): Promise<boolean> {
  try {
    await io.fileSystem.link(temporaryPath, path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST' || isAbsent(error)) return false;
    throw error;
  }
}

/**
 * Removes the temporary files of processes that were killed while they took this lock, or a guard of it. A process that is about to take it
 * does not find its file then, and tries again.
 */
async function removeLeftovers(path: string, own: Holder, io: Io): Promise<void> {
  const prefix = `${basename(path)}.`;
  try {
    for (const name of (await io.fileSystem.readDirectory(dirname(path))).map(String)) {
      const [, tokens] = (name.startsWith(prefix) && TEMPORARY.exec(name.slice(prefix.length))) || [];
      if (tokens !== undefined && !tokens.endsWith(own.token))
        await removeFile(io.fileSystem, join(dirname(path), name));
    }
  } catch {
    // They only take space.
  }
}

/** Without hard links, the lock is empty until its content is written. A contender treats an empty lock as held. */
async function createWithoutLink(path: string, own: Holder, io: Io): Promise<boolean> {
  try {
    await write(path, own, io);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function write(path: string, own: Holder, io: Io): Promise<void> {
  const file = await io.fileSystem.openForWriting(path, 'create', FILE_MODE);
  try {
    await file.append(Buffer.from(JSON.stringify({ ...own, emptyIno: undefined })));
  } finally {
    await file.close();
  }
}

async function isStale(path: string, holder: Holder, io: Io, options?: LockOptions): Promise<boolean> {
  const own = await io.processes.current();
  if (holder.space === own.space) return !(await io.processes.isRunning(holder));
  if (options?.watchMs !== undefined) return isUnchangedFor(options.watchMs, path, io);
  try {
    const { mtimeNs } = await io.fileSystem.lstat(path);
    return Math.abs(io.clock.wallTime() * 1000 - Number(mtimeNs / 1_000_000n)) > OTHER_HOST_STALE_MS;
  } catch (error) {
    if (isAbsent(error)) return true;
    throw error;
  }
}

/** Polls the lock until it changes or `watchMs` have passed here. */
async function isUnchangedFor(watchMs: number, path: string, io: Io): Promise<boolean> {
  const first = await findStat(io.fileSystem, path);
  const startMs = io.clock.monotonicMs();
  while (first !== null && io.clock.monotonicMs() - startMs < watchMs) {
    await io.clock.sleep(POLL_MS);
    const found = await findStat(io.fileSystem, path);
    if (found === null) return true; // released
    if (!isSameVersion(found, first)) return false;
  }
  return true;
}

/** Updates the modification time of the lock for processes that cannot check this one. */
async function keepFresh(
  path: string,
  own: Holder,
  io: Io,
  { refreshMs, signal }: LockOptions & { readonly signal: AbortSignal },
): Promise<void> {
  for (;;) {
    try {
      await io.clock.sleep(refreshMs, signal);
      if (signal.aborted || !(await isOwn(path, own, io))) return;
      const temporaryPath = `${path}.${own.token}.partial`;
      await write(temporaryPath, own, io);
      await io.fileSystem.rename(temporaryPath, path);
    } catch {
      // Released, or the disk is full. Without a refresh another host may take over, which only causes duplicate work.
      if (signal.aborted) return;
    }
  }
}

async function removeOwn(path: string, own: Holder, io: Io): Promise<void> {
  try {
    if (await isOwn(path, own, io)) await io.fileSystem.unlink(path);
  } catch {
    // The lock remains and becomes stale when this process ends.
  }
}

async function isOwn(path: string, own: Holder, io: Io): Promise<boolean> {
  const holder = await readHolder(path, io);
  if (holder?.token !== DAMAGED || own.emptyIno === undefined) return holder?.token === own.token;
  return (await findStat(io.fileSystem, path))?.ino === own.emptyIno;
}

/** Returns the holder of the lock, or null. A file without a valid holder counts as held on another host: its age makes it stale. */
async function readHolder(path: string, io: Io): Promise<Holder | null> {
  let text: string;
  try {
    text = (await readWholeFile(io.fileSystem, path, MAX_LOCK_BYTES)).toString('utf8');
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
  return toHolder(text) ?? { pid: 0, startedAt: '', space: 'nowhere', token: DAMAGED };
}

function toHolder(text: string): Holder | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const { pid, startedAt, space, token } = value as Readonly<Record<string, unknown>>;
    if (typeof pid !== 'number' || typeof startedAt !== 'string') return null;
    if (typeof space !== 'string' || typeof token !== 'string' || !/^[0-9a-f]{32}$/.test(token)) return null;
    return { pid, startedAt, space, token };
  } catch {
    return null; // not JSON: the caller treats it as damaged
  }
}

function describe(holder: Holder): string {
  return `process ${holder.pid} on ${holder.space.split(' ')[0] ?? 'an unknown host'}`;
}
