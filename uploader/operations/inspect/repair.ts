/**
 * Repaired copies of event files: their whole records as they are, without what stands between them.
 *
 * The originals are only read. A copy is written beside its name and renamed, so that it is whole or absent.
 */

import { mkdir, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { PARTIAL_SUFFIX } from '../../../src/base/atomic-file.js';
import { CodedError } from '../../../src/base/errors.js';
import type { ReadEvent } from '../../../src/format/reader/event-file-reader.js';
import { listEventFiles } from '../../../src/format/reader/list-event-files.js';
import { encodeRecord } from '../../../src/format/record/record-codec.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import { scanFile } from './scan-file.js';

/** The directory for repaired copies cannot be used. */
export class RepairTargetError extends CodedError {
  readonly code = 'ERR_REPAIR_TARGET';
  readonly hint = 'Name a new directory, outside of the one that is repaired.';
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
  /** Bytes that were left out: damage, and half a record at the end. */
  readonly leftOutBytes: number;
  /** Events whose wall time was not finite, and is now that of the event before. */
  readonly changedWallTimes: number;
}

/**
 * Copies every event file at or below `path` into `target`, with the same relative names.
 *
 * Throws `RepairTargetError` when `target` holds something or lies inside `path`, and what the file system says.
 */
export async function repairFiles(path: string, target: string): Promise<RepairedFile[]> {
  const runs = await listEventFiles(path);
  await checkTarget(path, target);
  const repaired: RepairedFile[] = [];
  for (const { run, directory, files } of runs) {
    const folder = join(target, run);
    await mkdir(folder, { recursive: true });
    for (const name of files) repaired.push(await repairFile(join(directory, name), join(folder, name)));
  }
  return repaired;
}

async function checkTarget(path: string, target: string): Promise<void> {
  const existing = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (existing.length > 0) throw new RepairTargetError(target, 'the directory is not empty');
  const source = await realpath(path);
  // The nearest directory that is there: a link may lead from outside into the source.
  let parent = resolve(target);
  let real: string | undefined;
  while (real === undefined) {
    real = await realpath(parent).catch(() => undefined);
    if (real === undefined) parent = dirname(parent);
  }
  const inside = relative(source, join(real, relative(parent, resolve(target))));
  const isOutside = inside === '..' || inside.startsWith(`..${sep}`);
  if (!isOutside) throw new RepairTargetError(target, 'it lies inside of the directory that is repaired');
}

async function repairFile(from: string, to: string): Promise<RepairedFile> {
  const partial = `${join(dirname(to), basename(to))}${PARTIAL_SUFFIX}`;
  const file = await open(partial, 'wx', 0o644);
  try {
    const result = await copyRecords(from, async (bytes) => {
      await file.writeFile(bytes);
    });
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

async function copyRecords(from: string, write: (bytes: Uint8Array) => Promise<void>) {
  let records = 0;
  let changedWallTimes = 0;
  let wallTime = 0;
  const scan = scanFile(from);
  for (;;) {
    const next = await scan.next();
    if (next.done === true) {
      const { damage, tailBytes } = next.value;
      const leftOutBytes = damage.reduce((sum, range) => sum + range.sizeBytes, tailBytes);
      return { records, leftOutBytes, changedWallTimes };
    }
    const { event } = next.value;
    const isDated = Number.isFinite(event.wallTime);
    if (isDated) wallTime = event.wallTime;
    else changedWallTimes++;
    if (records === 0 && event.what.kind !== 'fileVersion') await write(encodeFileVersion(wallTime));
    await write(encodeRecord(isDated ? next.value.data : withWallTime(next.value, wallTime)));
    records++;
  }
}

/** TensorBoard's Python reader goes by steps in files that do not say their version. */
function encodeFileVersion(wallTime: number): Uint8Array {
  const what = { kind: 'fileVersion', fileVersion: 'brain.Event:2' } as const;
  return encodeRecord(joinPieces(encodeEvent({ wallTime, step: 0, what })));
}

function withWallTime({ event }: ReadEvent, wallTime: number): Uint8Array {
  return joinPieces(encodeEvent({ ...event, wallTime }));
}
