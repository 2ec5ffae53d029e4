/**
 * Locks a pair of root and store for one uploader: an exclusive file that names its holder.
 *
 * The lock avoids duplicate work. The store stays correct without it, because every commit is a compare-and-swap. A dead holder on
 * this host is replaced at once. A holder on another host or in another container, whose process cannot be checked, is replaced
 * after `OTHER_HOST_STALE_MS` without a refresh.
 *
 * A takeover needs a second lock, named after the holder to replace. So only one of several contenders removes the stale
 * file, and none removes the new one.
 */

import { LockedError, StateDirectoryError } from '../errors.js';
import type { Io } from './io.js';
import type { ProcessIdentity } from './processes.js';
import { isAbsent, isLinkUnsupported, systemErrorCode } from './system-error.js';
import { readWholeFile } from './whole-file.js';

const FILE_MODE = 0o600;
const MAX_LOCK_BYTES = 4096;
export const OTHER_HOST_STALE_MS = 5 * 60_000;
export const REFRESH_MS = 60_000;

interface Holder extends ProcessIdentity {
  readonly token: string;
}

export interface Lock {
  release(): Promise<void>;
}

/** Acquires the lock. Throws `LockedError` if another uploader holds it, `StateDirectoryError` if the disk fails. */
export async function acquireLock(path: string, io: Io): Promise<Lock> {
  const own: Holder = { ...(await io.processes.current()), token: io.randomness.id() };
  try {
    await take(path, own, io);
  } catch (error) {
    if (error instanceof LockedError) throw error;
    throw new StateDirectoryError(path, 'take the lock', { cause: error });
  }
  const refreshing = new AbortController();
  const refreshed = keepFresh(path, own, io, refreshing.signal);
  return {
    async release() {
      refreshing.abort();
      await refreshed;
      await removeOwn(path, own, io);
    },
  };
}

/** Whether an uploader holds the lock, as far as this process can see. Never rejects. */
export async function isLocked(path: string, io: Io): Promise<boolean> {
  try {
    const holder = await readHolder(path, io);
    return holder !== null && !(await isStale(path, holder, io));
  } catch {
    return false; // unreadable: the holder runs as another user, so its status cannot be read either
  }
}

async function take(path: string, own: Holder, io: Io): Promise<void> {
  for (;;) {
    if (await create(path, own, io)) return;
    const found = await readHolder(path, io);
    if (found === null) continue; // released between the two calls
    if (!(await isStale(path, found, io))) throw new LockedError(path, describe(found));
    await takeOver(path, found, own, io);
  }
}

/** Removes the stale lock `found`, unless another process has replaced it. */
async function takeOver(path: string, found: Holder, own: Holder, io: Io): Promise<void> {
  const guard = `${path}.${found.token}`;
  await take(guard, own, io);
  try {
    const now = await readHolder(path, io);
    if (now?.token === found.token) await io.fileSystem.unlink(path);
  } finally {
    await removeOwn(guard, own, io);
  }
}

/** Creates the lock with its content in one step, so that it is never visible without a holder. Returns false if it exists. */
async function create(path: string, own: Holder, io: Io): Promise<boolean> {
  const temporaryPath = `${path}.${own.token}.partial`;
  await write(temporaryPath, own, io);
  try {
    await io.fileSystem.link(temporaryPath, path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    if (isLinkUnsupported(error)) return createWithoutLink(path, own, io);
    throw error;
  } finally {
    await io.fileSystem.unlink(temporaryPath);
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
    await file.append(Buffer.from(JSON.stringify(own)));
  } finally {
    await file.close();
  }
}

async function isStale(path: string, holder: Holder, io: Io): Promise<boolean> {
  const own = await io.processes.current();
  if (holder.space === own.space) return !(await io.processes.isRunning(holder));
  try {
    const { mtimeNs } = await io.fileSystem.lstat(path);
    return io.clock.wallTime() * 1000 - Number(mtimeNs / 1_000_000n) > OTHER_HOST_STALE_MS;
  } catch (error) {
    if (isAbsent(error)) return true;
    throw error;
  }
}

/** Updates the modification time of the lock for uploaders that cannot check this process. */
async function keepFresh(path: string, own: Holder, io: Io, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await io.clock.sleep(REFRESH_MS, signal);
      if ((await readHolder(path, io))?.token !== own.token) return;
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
    if ((await readHolder(path, io))?.token === own.token) await io.fileSystem.unlink(path);
  } catch {
    // The lock remains and becomes stale when this process ends.
  }
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
  return toHolder(text) ?? { pid: 0, startedAt: '', space: 'nowhere', token: 'damaged' };
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
