import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeJournalLine, LineScanner } from '../../../../uploader/pipeline/journal/journal-codec.js';
import type { JournalEntry, JournalRecord } from '../../../../uploader/pipeline/journal/journal-entry.js';
import { fromJson, toJournalJson } from '../../../../uploader/pipeline/journal/journal-json.js';

const RUN = '0'.repeat(32);
const HEADER: JournalRecord = { kind: 'header', version: 1, rootKey: 'root' };

function entry(name: string, changes: Partial<JournalEntry> = {}): JournalEntry {
  const file = { sizeBytes: 3, mtimeNs: 1_700_000_000_123_456_789n, ctimeNs: 1n, ino: 2n ** 63n };
  const object = { etag: 'é"\n', sizeBytes: 3 };
  return { key: `${RUN}/${name}`, file, crc32: 0xdeadbeef, object, isRecent: false, ...changes };
}

function encode(records: readonly JournalRecord[]): Buffer {
  return Buffer.concat(records.map((record, seq) => encodeJournalLine(seq, record)));
}

/** Reads a journal up to its first invalid line. `entries`: the last entry of each key. */
function replayJournal(bytes: Buffer) {
  const entries = new Map<string, JournalEntry>();
  const scanner = new LineScanner((record) => {
    if (record.kind === 'done') entries.set(record.entry.key, record.entry);
  });
  scanner.push(bytes);
  return { ...scanner.result(), entries };
}

const entries = [entry('a'), entry('b', { isRecent: true }), entry('a', { crc32: 7 })];
const journal = encode([HEADER, ...entries.map((value) => ({ kind: 'done', entry: value }) as const)]);
/** Offsets of the line ends: after the header and after each entry. */
const ends = [...journal].flatMap((byte, index) => (byte === 0x0a ? [index + 1] : []));

describe('encodeJournalLine', () => {
  // The checksum comes from Python’s zlib.
  it('frames a record as crc, length, sequence number and JSON', () => {
    expect(encodeJournalLine(0, HEADER).toString()).toBe(
      'c019c348 46 0 {"kind":"header","version":1,"rootKey":"root"}\n',
    );
  });
});

describe('owners and conflicts of runs', () => {
  it('are returned unchanged, and rejected when a field is missing', () => {
    const origin = {
      host: 'h',
      hostname: 'gpu-3',
      directory: '/runs/é',
      ino: '7',
      birthNs: null,
      createdAt: null,
    };
    const records: JournalRecord[] = [
      { kind: 'owner', owner: { runUuid: RUN, origin: { ...origin, birthNs: '1' }, etag: 'v1' } },
      { kind: 'owner', owner: { runUuid: RUN, origin, etag: null } },
      { kind: 'conflict', conflict: { runUuid: RUN, found: 'elsewhere', hint: 'Move it.' } },
    ];

    expect(records.map((record) => fromJson(JSON.parse(JSON.stringify(toJournalJson(record)))))).toEqual(
      records,
    );
    for (const record of records)
      for (const name of ['runUuid', 'ino', 'hint'].filter((each) => each in toJournalJson(record)))
        expect(fromJson({ ...toJournalJson(record), [name]: undefined })).toBeNull();
  });
});

describe('replayJournal', () => {
  it('returns the last entry of each key with all fields unchanged', () => {
    const replay = replayJournal(journal);

    expect(replay).toMatchObject({ damage: 'none', lineCount: 4, goodBytes: journal.length, header: HEADER });
    expect([...replay.entries.values()]).toEqual([entries[2], entries[1]]);
  });

  it('returns no entries for no bytes', () => {
    expect(replayJournal(Buffer.alloc(0))).toMatchObject({ damage: 'none', lineCount: 0, header: null });
  });

  it('keeps all complete lines of a file truncated at any byte', () => {
    for (let cut = 0; cut <= journal.length; cut += 1) {
      const whole = ends.filter((end) => end <= cut).length;

      const replay = replayJournal(journal.subarray(0, cut));

      expect(replay.lineCount).toBe(whole);
      expect(replay.damage).toBe(cut === 0 || ends.includes(cut) ? 'none' : 'torn');
      expect(replay.entries.get(`${RUN}/a`)?.crc32).toBe(
        [undefined, undefined, 0xdeadbeef, 0xdeadbeef, 7][whole],
      );
    }
  });

  it('keeps all lines before a damaged one, for each flipped bit', () => {
    for (let index = 0; index < journal.length * 8; index += 1) {
      const damaged = Buffer.from(journal);
      damaged[index >> 3] = damaged[index >> 3]! ^ (1 << (index & 7));
      const goodLines = ends.filter((end) => end <= index >> 3).length;

      const replay = replayJournal(damaged);

      expect(replay.lineCount).toBe(goodLines);
      expect(replay.damage).not.toBe('none');
    }
  });

  it('never throws or invents a key for arbitrary bytes', () => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string().map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(anyBytes, fc.nat(journal.length), (noise, at) => {
        const replay = replayJournal(Buffer.concat([journal.subarray(0, at), noise, journal.subarray(at)]));

        for (const key of replay.entries.keys()) expect([`${RUN}/a`, `${RUN}/b`]).toContain(key);
      }),
    );
  });

  it.each([
    ['a line out of sequence', [HEADER, entries[0], entries[1]], [0, 2, 1]],
    ['a second header', [HEADER, HEADER], [0, 1]],
    ['an entry instead of the header', [entries[0]], [0]],
  ])('stops at %s', (_, values, seqs) => {
    const lines = values.map((value, index) =>
      encodeJournalLine(seqs[index]!, 'kind' in value! ? value : { kind: 'done', entry: value! }),
    );

    const replay = replayJournal(Buffer.concat(lines));

    expect(replay.damage).toBe('corrupt');
    expect(replay.entries.size).toBe(0);
  });

  it.each(['../x', '/x', '.plx/x', 'a%00'])('rejects the path %j even with a valid checksum', (path) => {
    const replay = replayJournal(encode([HEADER, { kind: 'done', entry: entry(path) }]));

    expect(replay).toMatchObject({ damage: 'corrupt', lineCount: 1 });
  });

  it('F80: ends at bytes without a line break, and keeps none of them', () => {
    const scanner = new LineScanner(() => undefined);
    scanner.push(journal);
    for (let megabytes = 0; megabytes < 40; megabytes += 1) scanner.push(Buffer.alloc(1024 * 1024));

    expect(scanner.result()).toMatchObject({ goodBytes: journal.length, damage: 'corrupt' });
  });
});
