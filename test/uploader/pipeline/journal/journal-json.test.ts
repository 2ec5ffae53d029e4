import { describe, expect, it } from 'vitest';
import type { JournalEntry, JournalRecord } from '../../../../uploader/pipeline/journal/journal-entry.js';
import { fromJson, type Json, toJournalJson } from '../../../../uploader/pipeline/journal/journal-json.js';

const RUN = '0'.repeat(32);
const FILE = { sizeBytes: 3, mtimeNs: 1_700_000_000_123_456_789n, ctimeNs: 1n, ino: 2n ** 63n };
const COMMON = { key: `${RUN}/a`, file: FILE, crc32: 0x0badbeef };
const ENTRY: JournalEntry = { ...COMMON, object: { etag: 'e', sizeBytes: 4 }, isRecent: true, generation: 2 };
const PLAIN: JournalEntry = { ...COMMON, object: { etag: '', sizeBytes: 0 }, isRecent: false };
const ORIGIN = { host: 'h', hostname: 'n', directory: '/r', ino: '7', birthNs: '1', createdAt: '2026' };

const RECORDS: readonly JournalRecord[] = [
  { kind: 'header', version: 1, rootKey: 'root' },
  { kind: 'header', version: 1, rootKey: 'root', hostId: 'h', isSnapshot: true },
  { kind: 'snapshot-end' },
  { kind: 'done', entry: ENTRY, tx: 't' },
  { kind: 'done', entry: PLAIN },
  {
    kind: 'intent',
    intent: {
      ...{ tx: 't', strategy: 'mpu', base: { etag: 'b', sizeBytes: 1 }, targetBytes: 9 },
      entry: { ...COMMON, isRecent: true, generation: 1 },
    },
  },
  {
    kind: 'intent',
    intent: { tx: 't', strategy: 'put', base: null, targetBytes: 0, entry: { ...COMMON, isRecent: false } },
  },
  { kind: 'mpu', tx: 't', uploadId: 'u' },
  { kind: 'part', tx: 't', part: { number: 1, sizeBytes: 5, crc32: 0x0badbeef, etag: 'p' } },
  { kind: 'drop', tx: 't' },
  { kind: 'segment', segment: { key: `${RUN}/a`, generation: 0, start: 0, end: 1, crc32: 7 } },
  { kind: 'owner', owner: { runUuid: RUN, origin: ORIGIN, etag: 'v' } },
  {
    kind: 'owner',
    owner: { runUuid: RUN, origin: { ...ORIGIN, birthNs: null, createdAt: null }, etag: null },
  },
  { kind: 'conflict', conflict: { runUuid: RUN, found: 'f', hint: 'h' } },
  { kind: 'crashed', key: `${RUN}/a` },
  { kind: 'swept' },
];

/** Keys that may be missing, or whose value is then ignored. */
const OPTIONAL: Readonly<Record<string, readonly string[]>> = {
  header: ['hostId', 'isSnapshot'],
  done: ['recent', 'gen', 'tx'],
  intent: ['recent', 'gen', 'baseEtag'],
  owner: ['etag', 'birthNs', 'createdAt'],
};
/** No key takes any of these values, apart from those of `IGNORED`. */
const WRONG: readonly unknown[] = [true, {}, -1, 1.5];
const IGNORED: Readonly<Record<string, readonly string[]>> = {
  header: ['hostId', 'isSnapshot', 'version'],
  done: ['recent', 'tx'],
  intent: ['recent'],
};

const toJson = (record: JournalRecord): Json => JSON.parse(JSON.stringify(toJournalJson(record))) as Json;
const NAMED = RECORDS.map((record, index): [string, JournalRecord] => [`${record.kind} (${index})`, record]);

describe('fromJson', () => {
  it.each(NAMED)('returns what toJournalJson was given: %s', (_, record) => {
    expect(fromJson(toJson(record))).toEqual(record);
  });

  it.each(NAMED)(
    'rejects a record without one of its values, or with one of another type: %s',
    (_, record) => {
      const json = toJson(record);
      const { kind } = record;
      for (const key of Object.keys(json).filter((each) => each !== 'kind')) {
        const { [key]: removed, ...rest } = json;
        expect(removed).toBeDefined();
        if (!OPTIONAL[kind]?.includes(key)) expect(fromJson(rest), `without ${key}`).toBeNull();
        if (IGNORED[kind]?.includes(key)) continue;
        for (const wrong of WRONG)
          expect(fromJson({ ...json, [key]: wrong }), `${key}: ${JSON.stringify(wrong)}`).toBeNull();
      }
    },
  );

  it.each([
    ['done', { key: '/a' }],
    ['done', { key: `${RUN}/../a` }],
    ['done', { key: RUN }],
    ['done', { crc: '0BADBEEF' }],
    ['done', { crc: 'badbeef' }],
    ['done', { ino: '-' }],
    ['done', { mtimeNs: '1.5' }],
    ['intent', { strategy: 'copy' }],
    ['part', { n: 0 }],
    ['segment', { end: 0 }],
  ])('rejects a record of the kind %s with %j', (kind, change) => {
    const record = RECORDS.find((each) => each.kind === kind)!;

    expect(fromJson({ ...toJson(record), ...change })).toBeNull();
  });

  it('returns that a kind of a later version is unknown, and rejects a record without a kind', () => {
    expect(fromJson({ kind: 'later', a: 1 })).toEqual({ kind: 'unknown' });
    expect(fromJson({ kind: 5 })).toBeNull();
    expect(fromJson({})).toBeNull();
  });
});
