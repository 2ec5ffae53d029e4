/**
 * Brings one file of a plan into the store: read, compare or commit, resolve what is unclear, and only then the journal.
 *
 * Knows nothing of the other files; whether to try again later is the caller's decision.
 */

import { CodedError } from '../src/errors.js';
import { StoreConflictError } from './errors.js';
import type { Io } from './io/io.js';
import type { OpenedJournal } from './journal.js';
import type { Patience } from './patience.js';
import { isSameVersion, type PlannedAction, type UploadReason } from './plan.js';
import type { OnSyncEvent } from './progress.js';
import { type LocalFile, openLocalFile } from './reader.js';
import type { FileVersion } from './scanner.js';
import { crc32OfObject } from './store/object-crc32.js';
import type { CommitOutcome, ObjectVersion, Store } from './store/store.js';

export interface SendContext {
  readonly io: Io;
  readonly store: Store;
  readonly journal: OpenedJournal;
  readonly patience: Patience;
  /** The resolved directory of each run. */
  readonly directories: ReadonlyMap<string, Buffer>;
  readonly onEvent: OnSyncEvent;
  readonly signal?: AbortSignal | undefined;
}

export type SendOutcome =
  | { readonly status: 'stored'; readonly sizeBytes: number; readonly reason: UploadReason }
  | { readonly status: 'verified'; readonly sizeBytes: number }
  /** The file did not hold still; `next` is what is left to do. */
  | { readonly status: 'changed'; readonly next: SendAction }
  | { readonly status: 'failed'; readonly error: CodedError };

export type SendAction = Exclude<PlannedAction, { readonly action: 'skip' }>;

/** How often a commit may find that somebody else wrote the object. */
const MAX_CONFLICTS = 3;
/** Time stamps of Linux file systems move in steps of up to 10 ms, those of FAT in steps of 2 s. */
const RECENT_MS = 2_000;

/** Sends or verifies a file. Rejects only when the signal is aborted, or for a mistake in this program. */
export async function sendFile(action: SendAction, context: SendContext): Promise<SendOutcome> {
  const directory = context.directories.get(action.runUuid);
  if (directory === undefined) throw new Error(`no directory is known for run ${action.runUuid}`);
  try {
    const file = await openLocalFile(context.io.fileSystem, directory, action.file.relPath);
    try {
      return await sendOpenFile(file, action, context);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof CodedError) return { status: 'failed', error };
    throw error;
  }
}

async function sendOpenFile(file: LocalFile, action: SendAction, context: SendContext): Promise<SendOutcome> {
  const startedMs = context.io.clock.wallTime() * 1000;
  // The state that the journal will vouch for, taken before the first byte is read: what changes later is seen as a change.
  const version: FileVersion = await file.stat();
  const crc32 = await file.crc32(version.sizeBytes, context.signal);
  if (crc32 === null) return { status: 'changed', next: action };
  const local: LocalState = { file, version, crc32, isRecent: startedMs - toMs(version.mtimeNs) < RECENT_MS };

  if (action.action === 'upload') return upload(local, action, action.reason, action.base, context);

  const found = await findStoredCrc32(action, context);
  if (found.status === 'failed') return found;
  if (found.status === 'absent') return upload(local, action, 'missing', null, context);
  const { object } = found;
  if (object.sizeBytes !== version.sizeBytes || found.crc32 !== crc32)
    return upload(local, action, 'rewritten', object, context);
  await record(local, action.key, object, context);
  return { status: 'verified', sizeBytes: version.sizeBytes };
}

interface LocalState {
  readonly file: LocalFile;
  readonly version: FileVersion;
  readonly crc32: number;
  readonly isRecent: boolean;
}

async function upload(
  local: LocalState,
  action: SendAction,
  reason: UploadReason,
  expected: ObjectVersion | null,
  context: SendContext,
): Promise<SendOutcome> {
  const { sizeBytes } = local.version;
  let base = expected;
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const outcome = await commit(local, action, base, context);
    switch (outcome.status) {
      case 'failed':
        return outcome;
      case 'changed':
        return { status: 'changed', next: { ...action, action: 'upload', reason, base } };
      case 'stored': {
        const object = { etag: outcome.etag, sizeBytes };
        await record(local, action.key, object, context);
        if (await isStillCurrent(local, context)) return { status: 'stored', sizeBytes, reason };
        const journalled = context.journal.view.get(action.key) ?? null;
        const next = { ...action, action: 'verify', reason: 'touched', base: object, journalled } as const;
        return { status: 'changed', next };
      }
      case 'conflict': {
        // Somebody else wrote the object. The disk is what the store is to hold, so ours goes on top of theirs, whole or not at all.
        const found = await head(action.key, context);
        if (found.status === 'failed') return found;
        base = found.status === 'found' ? found.object : null;
      }
    }
  }
  return { status: 'failed', error: new StoreConflictError(action.key) };
}

async function commit(
  { file, version, crc32 }: LocalState,
  { key }: SendAction,
  base: ObjectVersion | null,
  { io, store, patience, onEvent, signal }: SendContext,
): Promise<Exclude<CommitOutcome, { status: 'retry' }>> {
  const commitId = io.randomness.id();
  let storedParts = 0;
  let countedParts = 0;
  const request = {
    key,
    source: file,
    target: { sizeBytes: version.sizeBytes, crc32 },
    base,
    commitId,
    signal,
    onBytesSent: (sizeBytes: number) => onEvent({ kind: 'sent', key, sizeBytes }),
    onPartStored: () => {
      storedParts += 1;
    },
  };
  const madeProgress = (): boolean => {
    const isMore = storedParts > countedParts;
    countedParts = storedParts;
    return isMore;
  };
  let outcome: Exclude<CommitOutcome, { status: 'retry' }> | null = null;
  try {
    outcome = await patience.withRetry(`store ${key}`, () => store.commit(request), { signal, madeProgress });
    return outcome;
  } finally {
    if (outcome?.status !== 'stored') await store.abandon(commitId);
  }
}

type StoredCrc32 =
  | { readonly status: 'found'; readonly object: ObjectVersion; readonly crc32: number }
  | { readonly status: 'absent' }
  | { readonly status: 'failed'; readonly error: CodedError };

/** The checksum of what is stored: from the journal where it still speaks of this object, else from the store, else by reading back. */
async function findStoredCrc32(action: SendAction, context: SendContext): Promise<StoredCrc32> {
  const { base, journalled, key } = action;
  if (base !== null && journalled?.object.etag === base.etag)
    return { status: 'found', object: base, crc32: journalled.crc32 };
  const found = await head(key, context);
  if (found.status !== 'found') return found;
  const { object } = found;
  if (object.crc32 !== null) return { status: 'found', object, crc32: object.crc32 };
  const { store, patience, signal } = context;
  const readBack = await patience.withRetry(`read ${key}`, () => crc32OfObject(store, key, signal), {
    signal,
  });
  return readBack.status === 'failed' ? readBack : { status: 'found', object, crc32: readBack.crc32 };
}

function head(key: string, { store, patience, signal }: SendContext) {
  return patience.withRetry(`look at ${key}`, () => store.head(key, signal), { signal });
}

/** The last step, after the store's acknowledgement and never before it. */
async function record(
  { version, crc32, isRecent }: LocalState,
  key: string,
  object: ObjectVersion,
  { journal }: SendContext,
): Promise<void> {
  const { sizeBytes, mtimeNs, ctimeNs, ino } = version;
  await journal.append({ key, file: { sizeBytes, mtimeNs, ctimeNs, ino }, crc32, object, isRecent });
}

/**
 * Whether what was stored is still the file. One that only grew is: the rest goes in the next pass, or else a log that never
 * rests would never be done. One that was rewritten, or replaced by another file of its name, is not.
 */
async function isStillCurrent({ file, version }: LocalState, { io }: SendContext): Promise<boolean> {
  const now = await file.stat();
  if (!isSameVersion(now, version) && now.sizeBytes <= version.sizeBytes) return false;
  try {
    return (await io.fileSystem.lstat(file.path)).ino === now.ino;
  } catch {
    return true; // deleted, or out of reach, after it was stored: the next pass will say so
  }
}

function toMs(ns: bigint): number {
  return Number(ns / 1_000_000n);
}
