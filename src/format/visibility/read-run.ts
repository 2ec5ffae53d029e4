/**
 * Reads the event files of a run for its visibility, including what is damaged, where the viewers stop at different places.
 *
 * Points are numbered in the order of `visitRun`, so that a second visit finds the event of a point.
 */

import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptRecordError, InvalidEventError } from '../../base/errors.js';
import { EventFileReader, type ReadBatch } from '../reader/event-file-reader.js';
import { FRAMING_BYTES, findRecordHeader, HEADER_BYTES } from '../record/record-codec.js';
import { decodeEvent } from '../wire/decode-event.js';
import type { Event } from '../wire/messages.js';
import { RunVisibility, type ShownRun, type VisibilityOptions } from './run-visibility.js';
import type { DamagedPart } from './viewer.js';

/** What a visit meets, in the order of reading. */
interface RunVisitor {
  openFile(name: string): void;
  /** Complete records. Their bytes are valid during the call. */
  read(batch: ReadBatch): void;
  /** Damage, and the event in it if it can be decoded nevertheless. The records that follow come as usual. */
  meetDamage(part: DamagedPart, event: Event | undefined, place: RecordPlace): void;
}

/** Where a record is in its file; its size includes the framing. */
interface RecordPlace {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Visits the files of a directory, given in the order of reading. Throws errors of the file system, and the reason of an aborted signal. */
export async function visitRun(
  directory: string,
  files: readonly string[],
  visitor: RunVisitor,
  signal?: AbortSignal,
): Promise<void> {
  for (const name of files) {
    visitor.openFile(name);
    await visitFile(join(directory, name), visitor, signal);
  }
}

/** What viewers show of a run. `files` are the names of its event files in the order of reading, as from `listEventFiles`. */
export async function readVisibility(
  directory: string,
  files: readonly string[],
  options: VisibilityOptions = {},
  signal?: AbortSignal,
): Promise<ShownRun> {
  const visibility = new RunVisibility(options);
  await visitRun(
    directory,
    files,
    {
      openFile: (name) => visibility.openFile(name),
      read: (batch) => {
        if (batch.kind === 'scalars') visibility.addScalars(batch.scalars);
        else visibility.add(batch.event);
      },
      meetDamage: (part, event) => visibility.addDamage(part, event),
    },
    signal,
  );
  return visibility.finish();
}

async function visitFile(path: string, visitor: RunVisitor, signal: AbortSignal | undefined): Promise<void> {
  let offset: number | undefined = 0;
  while (offset !== undefined) {
    const met: Damage | undefined = await readUntilDamage(path, offset, visitor, signal);
    if (met === undefined) return;
    const { part, offset: damagedAt, sizeBytes } = met;
    visitor.meetDamage(part, met.event, { offset: damagedAt, sizeBytes });
    if (met.isMisframed)
      visitor.meetDamage('length', undefined, { offset: damagedAt + sizeBytes, sizeBytes: 0 });
    offset = met.next ?? (await findRecord(path, met.offset + 1, signal));
  }
}

interface Damage {
  readonly part: DamagedPart;
  readonly offset: number;
  /** 0 if it is not known. */
  readonly sizeBytes: number;
  readonly event: Event | undefined;
  /** Where the next record begins, if the length of the damaged one is known. */
  readonly next: number | undefined;
  /** Whether no record begins where this one ends, so that a reader that accepts its event stops there. */
  readonly isMisframed: boolean;
}

/** Reads complete records from `offset`. Returns the damage that follows them; undefined at the end of the file. */
async function readUntilDamage(
  path: string,
  offset: number,
  visitor: RunVisitor,
  signal: AbortSignal | undefined,
): Promise<Damage | undefined> {
  await using reader = new EventFileReader(path, { offset });
  try {
    for await (const batch of reader.readBatches()) {
      signal?.throwIfAborted();
      visitor.read(batch);
    }
  } catch (error) {
    if (error instanceof InvalidEventError) return readDamaged(path, reader.offset, 'event');
    if (error instanceof CorruptRecordError) return readDamaged(path, reader.offset, error.part);
    throw error;
  }
  if (reader.tailBytes === 0) return undefined;
  // A record without its end: the tail of a growing file, unless others follow.
  const next = await findRecord(path, reader.offset + 1, signal);
  const part = 'torn';
  return next === undefined
    ? undefined
    : { part, offset: reader.offset, sizeBytes: 0, event: undefined, next, isMisframed: false };
}

async function readDamaged(path: string, offset: number, part: 'length' | 'data' | 'event'): Promise<Damage> {
  const unknown = { part, offset, sizeBytes: 0, event: undefined, next: undefined, isMisframed: false };
  if (part === 'length') return unknown;
  await using file = await open(path, 'r');
  const header = await readBytes(file, offset, HEADER_BYTES);
  const dataBytes = new DataView(header.buffer).getUint32(0, true);
  const next = offset + dataBytes + FRAMING_BYTES;
  if (part === 'event') return { ...unknown, next };
  let event: Event;
  try {
    event = decodeEvent(await readBytes(file, offset + HEADER_BYTES, dataBytes));
  } catch {
    // The length may be that of a torn record, with others in it.
    return unknown;
  }
  const nextHeader = await readBytes(file, next, HEADER_BYTES);
  const isMisframed = nextHeader.length === HEADER_BYTES && findRecordHeader(nextHeader, 0) !== 0;
  return { ...unknown, sizeBytes: next - offset, event, next: isMisframed ? undefined : next, isMisframed };
}

/** Fewer bytes at the end of the file. */
async function readBytes(file: FileHandle, offset: number, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  let filled = 0;
  while (filled < sizeBytes) {
    const { bytesRead } = await file.read(bytes, filled, sizeBytes - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** The offset of the next complete record at or after `offset`; undefined if there is none. */
async function findRecord(
  path: string,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  await using reader = new EventFileReader(path, { offset, onDamage: 'skip' });
  for await (const { offset: found } of reader.read()) {
    signal?.throwIfAborted();
    return found;
  }
  return undefined;
}
