/**
 * Writes repaired copies of event files, which keep all whole records and drop the damaged bytes between them.
 *
 * The originals are never changed. A copy is written to a temporary file and renamed, so that it is complete or absent.
 */

import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PARTIAL_SUFFIX } from '../../../src/base/atomic-file.js';
import { CodedError } from '../../../src/base/errors.js';
import type { ReadEvent } from '../../../src/format/reader/event-file-reader.js';
import { listEventFiles } from '../../../src/format/reader/list-event-files.js';
import { encodeRecord } from '../../../src/format/record/record-codec.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import { findTargetProblem } from '../../base/io/target-directory.js';
import { scanFile } from './scan-file.js';

/** Thrown when the target directory for repaired copies cannot be used. */
class RepairTargetError extends CodedError {
  readonly code = 'ERR_REPAIR_TARGET';
  readonly hint = 'Pass a new directory to --repair, outside the directory that is repaired.';
  constructor(
    readonly path: string,
    detail: string,
  ) {
    super(`${path}: ${detail}`);
  }
}

export interface RepairedFile {
  readonly from: string;
  readonly to: string;
  /** Records that were copied. */
  readonly records: number;
  /** Bytes that were dropped: damage, and a partial record at the end. */
  readonly leftOutBytes: number;
  /** Events whose wall time was not finite and was replaced by that of the previous event. */
  readonly changedWallTimes: number;
}

/**
 * Copies the whole records of every event file at or below `path` into `target`, under the same relative names.
 *
 * Throws `RepairTargetError` when `target` is not empty or is inside `path`, and errors of the file system.
 */
export async function repairFiles(
  path: string,
  target: string,
  signal?: AbortSignal,
): Promise<RepairedFile[]> {
  const runs = await listEventFiles(path);
  await checkTarget(path, target);
  const repaired: RepairedFile[] = [];
  for (const { run, directory, files } of runs) {
    const folder = join(target, run);
    await mkdir(folder, { recursive: true });
    for (const name of files)
      repaired.push(await repairFile(join(directory, name), join(folder, name), signal));
  }
  return repaired;
}

async function checkTarget(path: string, target: string): Promise<void> {
  const problem = await findTargetProblem(path, target);
  if (problem !== null) throw new RepairTargetError(target, problem);
}

async function repairFile(from: string, to: string, signal: AbortSignal | undefined): Promise<RepairedFile> {
  const partial = `${to}${PARTIAL_SUFFIX}`;
  const file = await open(partial, 'wx', 0o644);
  try {
    const result = await copyRecords(from, (bytes) => file.writeFile(bytes), signal);
    await file.sync();
    await file.close();
    await rename(partial, to);
    return { from, to, ...result };
  } catch (error) {
    await file.close();
    await rm(partial, { force: true });
    throw error;
  }
}

async function copyRecords(
  from: string,
  write: (bytes: Uint8Array) => Promise<void>,
  signal: AbortSignal | undefined,
) {
  let records = 0;
  let changedWallTimes = 0;
  let wallTime = 0;
  const onRecord = async ({ event, data }: ReadEvent): Promise<void> => {
    const isDated = Number.isFinite(event.wallTime);
    if (isDated) wallTime = event.wallTime;
    else changedWallTimes++;
    if (records === 0 && event.what.kind !== 'fileVersion') await write(encodeFileVersion(wallTime));
    await write(encodeRecord(isDated ? data : joinPieces(encodeEvent({ ...event, wallTime }))));
    records++;
  };
  const { damage, tailBytes } = await scanFile(from, onRecord, signal);
  const leftOutBytes = damage.reduce((sum, range) => sum + range.sizeBytes, tailBytes);
  return { records, leftOutBytes, changedWallTimes };
}

/** Without a file version, TensorBoard's Python reader discards points by step. */
function encodeFileVersion(wallTime: number): Uint8Array {
  const what = { kind: 'fileVersion', fileVersion: 'brain.Event:2' } as const;
  return encodeRecord(joinPieces(encodeEvent({ wallTime, step: 0, what })));
}
