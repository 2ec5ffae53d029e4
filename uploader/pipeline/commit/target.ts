/**
 * Finds how much of an open file to send now, its checksum, and how much of the stored object can be kept.
 *
 * The size is fixed when the file is opened. Bytes added later are sent by the next commit, so a busy file never delays one.
 */

import type { FileStat } from '../../base/io/file-system.js';
import { isSameVersion } from '../../base/io/file-version.js';
import type { Extent } from '../../store/base/store.js';
import type { FileId } from '../inventory/file-table.js';
import { RECORD_TIMEOUT_MS } from '../plan/trigger.js';
import type { LocalFile } from '../source/local-file.js';
import { type GrowthState, HEAD_BYTES, type ReadThrough, readThrough } from '../source/read-through.js';
import { RecordScanner } from '../source/record-scanner.js';
import type { CommitContext } from './commit-context.js';

export interface Target extends Extent {
  /** Number of bytes of the object that match the beginning of the file; 0 when nothing can be kept. */
  readonly keptBytes: number;
  /** Null when the bytes do not end with a whole record. */
  readonly growth: GrowthState | null;
  /** True when all kept bytes were compared, not just their first and last ones. */
  readonly isProven: boolean;
}

/** The stored part of the file: its first `sizeBytes` bytes, if they still have this checksum. */
export type KnownTarget = Extent;

export interface LocalState {
  readonly id: FileId;
  readonly file: LocalFile;
  /** Attributes from before the first byte was read, so that any later change is noticed. */
  readonly version: FileStat;
}

/** Reads as much of the file as needed to find the target; null when the file has become shorter meanwhile. */
export async function findTarget(
  local: LocalState,
  known: KnownTarget | null,
  context: CommitContext,
  options: { readonly isSampleEnough: boolean; readonly signal?: AbortSignal | undefined },
): Promise<Target | null> {
  const { isSampleEnough, signal } = options;
  const { id, file, version } = local;
  const growth = context.inventory.growth.get(id);
  const isEvent = context.inventory.classOf(id) === 'event';
  const { quiet, acceptsDamage } = strictnessFor(local, context);
  const canSample =
    isSampleEnough &&
    known !== null &&
    growth !== undefined &&
    growth.headBytes > 0 &&
    (!isEvent || growth.recordEnd === known.sizeBytes);
  // Sample only while the uploader keeps running: once the file stops growing, a full comparison finds what the sample missed.
  const isSampled =
    canSample &&
    !acceptsDamage &&
    context.isWatching &&
    context.isLive(context.inventory.runOf(id)) &&
    (await isPrefixIntact(file, known, growth, context, signal));

  const from = isSampled ? known : { sizeBytes: 0, crc32: 0 };
  const scanner = isEvent ? new RecordScanner(from.sizeBytes, { acceptsDamage }) : null;
  const read = await readThrough(
    file,
    { from: from.sizeBytes, to: version.sizeBytes, crc32: from.crc32 },
    {
      pool: context.pool,
      signal,
      records: scanner === null ? undefined : { scanner, from: from.sizeBytes },
      growth: isSampled ? growth : undefined,
      mark: known?.sizeBytes,
    },
  );
  if (read === null) return null;
  noteDamage(local, read, context);
  const isKept = known !== null && (isSampled || read.crc32AtMark === known.crc32);
  const keptBytes = isKept ? known.sizeBytes : 0;
  const isWhole = read.end === version.sizeBytes || !isEvent;
  // A file that has changed while it was read is not quiet.
  const isQuiet = quiet >= RECORD_TIMEOUT_MS && (isWhole || isSameVersion(await file.stat(), version));
  const sendsAll = isWhole || isQuiet;
  return {
    sizeBytes: sendsAll ? version.sizeBytes : Math.max(read.end, keptBytes),
    crc32: sendsAll ? read.crc32OfAll : read.end >= keptBytes ? read.crc32 : (known?.crc32 ?? 0),
    keptBytes,
    growth: isWhole || !sendsAll ? read.growth : null,
    isProven: !isSampled,
  };
}

/** Returns the CRC-32 of the bytes `[start, end)`; null when the file has become shorter. */
export async function crc32OfRange(
  file: LocalFile,
  range: { readonly start: number; readonly end: number },
  context: CommitContext,
  signal?: AbortSignal,
): Promise<number | null> {
  const stretch = { from: range.start, to: range.end, crc32: 0 };
  const read = await readThrough(file, stretch, { pool: context.pool, signal });
  return read === null ? null : read.crc32OfAll;
}

/** Returns true when the head and the last extent of the stored bytes still have their checksums. */
async function isPrefixIntact(
  file: LocalFile,
  known: KnownTarget,
  growth: GrowthState,
  context: CommitContext,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { pool } = context;
  const headBytes = Math.min(growth.headBytes, HEAD_BYTES);
  const head = await readThrough(file, { from: 0, to: headBytes, crc32: 0 }, { pool, signal });
  if (head?.crc32OfAll !== growth.headCrc32) return false;
  const stretch = { from: growth.extentStart, to: known.sizeBytes, crc32: growth.extentStartCrc32 };
  const extent = await readThrough(file, stretch, { pool, signal });
  return extent?.crc32OfAll === known.crc32;
}

function strictnessFor(
  { id, version }: LocalState,
  context: CommitContext,
): { quiet: number; acceptsDamage: boolean } {
  const quiet = context.isLive(context.inventory.runOf(id))
    ? context.quietMs(id, version)
    : Number.POSITIVE_INFINITY;
  const damage = context.damage.get(id);
  const seenForMs = damage === undefined ? 0 : context.io.clock.monotonicMs() - damage.sinceMs;
  return { quiet, acceptsDamage: quiet >= RECORD_TIMEOUT_MS || seenForMs >= RECORD_TIMEOUT_MS };
}

/** F7, F8: a network file system may not have fetched a page yet, so damage counts only once it persists. */
function noteDamage({ id }: LocalState, { damageStart }: ReadThrough, context: CommitContext): void {
  const { damage, io, inventory, onEvent } = context;
  const noted = damage.get(id);
  if (damageStart === null) damage.delete(id);
  else if (noted?.offset !== damageStart) {
    damage.set(id, { offset: damageStart, sinceMs: io.clock.monotonicMs() });
    const message = `${inventory.keyOf(id)}: no valid record at byte ${damageStart}; if this persists, the bytes are stored unchanged`;
    onEvent({ kind: 'notice', code: 'NOTICE_EVENT_FILE_DAMAGED', message });
  }
}
