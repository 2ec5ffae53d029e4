/** Converts journal records to JSON and back. Pure. Parsed JSON is validated like any untrusted input. */

import type { FileVersion } from '../../base/io/file-version.js';
import { parseRelPath } from '../../base/rel-path.js';
import { parseRunOrigin } from '../../run-directory/run-origin.js';
import type { ObjectVersion, StoredPart } from '../../store/base/store.js';
import type {
  Intent,
  JournalEntry,
  JournalHeader,
  JournalRecord,
  SegmentEntry,
  Strategy,
  UnknownRecord,
} from './journal-entry.js';

export type Json = Readonly<Record<string, unknown>>;

const STRATEGIES: readonly string[] = ['put', 'mpu', 'append', 'segment'] satisfies Strategy[];

export function toJournalJson(record: JournalRecord): Json {
  switch (record.kind) {
    case 'done': {
      const { etag, sizeBytes } = record.entry.object;
      const tx = record.tx === undefined ? {} : { tx: record.tx };
      return { kind: 'done', ...toEntryJson(record.entry), etag, storedSize: sizeBytes, ...tx };
    }
    case 'intent': {
      const { tx, strategy, base, entry, targetBytes } = record.intent;
      const baseJson = base === null ? {} : { baseEtag: base.etag, baseSize: base.sizeBytes };
      return { kind: 'intent', tx, strategy, targetBytes, ...baseJson, ...toEntryJson(entry) };
    }
    case 'part': {
      const { number, sizeBytes, crc32, etag } = record.part;
      return { kind: 'part', tx: record.tx, n: number, size: sizeBytes, crc: toHex(crc32), etag };
    }
    case 'segment': {
      const { crc32, ...rest } = record.segment;
      return { kind: 'segment', ...rest, crc: toHex(crc32) };
    }
    case 'owner': {
      const { runUuid, origin, etag } = record.owner;
      return { kind: 'owner', runUuid, etag, ...origin };
    }
    case 'conflict':
      return { kind: 'conflict', ...record.conflict };
    case 'header':
    case 'snapshot-end':
    case 'mpu':
    case 'drop':
    case 'crashed':
    case 'swept':
      return { ...record };
  }
}

/** Converts the JSON of a line to a record: `unknown` for a kind of a later version, null when it is malformed. */
export function fromJson(json: Json): JournalRecord | UnknownRecord | null {
  switch (json.kind) {
    case 'header':
      return readHeader(json);
    case 'snapshot-end':
      return { kind: 'snapshot-end' };
    case 'done':
      return readDone(json);
    case 'intent':
      return readIntent(json);
    case 'mpu':
      return isText(json.tx) && isText(json.uploadId)
        ? { kind: 'mpu', tx: json.tx, uploadId: json.uploadId }
        : null;
    case 'part':
      return readPart(json);
    case 'drop':
      return isText(json.tx) ? { kind: 'drop', tx: json.tx } : null;
    case 'segment':
      return readSegment(json);
    case 'owner':
      return readOwner(json);
    case 'conflict':
      return readConflict(json);
    case 'crashed':
      return isKey(json.key) ? { kind: 'crashed', key: json.key } : null;
    case 'swept':
      return { kind: 'swept' };
    default:
      return isText(json.kind) ? { kind: 'unknown' } : null;
  }
}

function toEntryJson({ key, file, crc32, isRecent, generation }: Omit<JournalEntry, 'object'>): Json {
  return {
    key,
    size: file.sizeBytes,
    mtimeNs: String(file.mtimeNs),
    ctimeNs: String(file.ctimeNs),
    ino: String(file.ino),
    crc: toHex(crc32),
    ...(isRecent ? { recent: true } : {}),
    ...(generation === undefined || generation === 0 ? {} : { gen: generation }),
  };
}

function readHeader({ version, rootKey, hostId, isSnapshot }: Json): JournalHeader | null {
  if (typeof version !== 'number' || !isText(rootKey)) return null;
  const host = isText(hostId) ? { hostId } : {};
  return { kind: 'header', version, rootKey, ...host, ...(isSnapshot === true ? { isSnapshot } : {}) };
}

function readDone(json: Json): JournalRecord | null {
  const entry = readEntry(json);
  const object = readObject(json.etag, json.storedSize);
  if (entry === null || object === null) return null;
  return { kind: 'done', entry: { ...entry, object }, ...(isText(json.tx) ? { tx: json.tx } : {}) };
}

function readIntent(json: Json): JournalRecord | null {
  const entry = readEntry(json);
  const { tx, strategy, targetBytes } = json;
  const base = json.baseEtag === undefined ? null : readObject(json.baseEtag, json.baseSize);
  if (json.baseEtag !== undefined && base === null) return null;
  if (entry === null || !isText(tx) || !isSize(targetBytes) || !isStrategy(strategy)) return null;
  const intent: Intent = { tx, strategy, base, entry, targetBytes };
  return { kind: 'intent', intent };
}

function readPart({ tx, n, size, crc, etag }: Json): JournalRecord | null {
  if (!isText(tx) || !isSize(n) || n < 1 || !isSize(size) || !isCrc(crc) || !isText(etag)) return null;
  const part: StoredPart = { number: n, sizeBytes: size, crc32: Number.parseInt(crc, 16), etag };
  return { kind: 'part', tx, part };
}

function readSegment({ key, generation, start, end, crc }: Json): JournalRecord | null {
  if (!isKey(key) || !isSize(generation) || !isSize(start) || !isSize(end) || end <= start || !isCrc(crc))
    return null;
  const segment: SegmentEntry = { key, generation, start, end, crc32: Number.parseInt(crc, 16) };
  return { kind: 'segment', segment };
}

function readOwner(json: Json): JournalRecord | null {
  const { runUuid, etag } = json;
  const origin = parseRunOrigin(json);
  if (origin === null || !isText(runUuid) || !isTextOrNull(etag)) return null;
  return { kind: 'owner', owner: { runUuid, origin, etag } };
}

function readConflict({ runUuid, found, hint }: Json): JournalRecord | null {
  if (!isText(runUuid) || !isText(found) || !isText(hint)) return null;
  return { kind: 'conflict', conflict: { runUuid, found, hint } };
}

function readEntry(json: Json): Omit<JournalEntry, 'object'> | null {
  const { key, crc, recent, gen } = json;
  const file = readVersion(json);
  if (file === null || !isKey(key) || !isCrc(crc) || (gen !== undefined && !isSize(gen))) return null;
  const entry = { key, file, crc32: Number.parseInt(crc, 16), isRecent: recent === true };
  return { ...entry, ...(gen === undefined ? {} : { generation: gen }) };
}

function readVersion({ size, mtimeNs, ctimeNs, ino }: Json): FileVersion | null {
  if (!isSize(size) || !isInteger(mtimeNs) || !isInteger(ctimeNs) || !isInteger(ino)) return null;
  return { sizeBytes: size, mtimeNs: BigInt(mtimeNs), ctimeNs: BigInt(ctimeNs), ino: BigInt(ino) };
}

function readObject(etag: unknown, sizeBytes: unknown): ObjectVersion | null {
  return typeof etag === 'string' && isSize(sizeBytes) ? { etag, sizeBytes } : null;
}

function isKey(key: unknown): key is string {
  if (typeof key !== 'string') return false;
  const slash = key.indexOf('/');
  try {
    parseRelPath(key.slice(slash + 1));
    return slash > 0;
  } catch {
    return false; // a `RelPathError`: the caller reports the line as corrupt
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || isText(value);
}

function isStrategy(value: unknown): value is Strategy {
  return typeof value === 'string' && STRATEGIES.includes(value);
}

function isCrc(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{8}$/.test(value);
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isInteger(value: unknown): value is string {
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value);
}

/** Returns a CRC-32 as 8 hex digits. */
export function toHex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
