import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventFileReader } from '../../../../src/format/reader/event-file-reader.js';
import type { Event } from '../../../../src/format/wire/messages.js';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { parseRelPath } from '../../../../uploader/base/rel-path.js';
import { type FilePosition, START } from '../../../../uploader/pipeline/export/file-position.js';
import { type Followed, followFile } from '../../../../uploader/pipeline/export/follow-file.js';
import { type LocalFile, openLocalFile } from '../../../../uploader/pipeline/source/local-file.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { someRecords } from '../../support/event-records.js';

interface Options {
  readonly acceptsDamage?: boolean;
  readonly pieceBytes?: number;
}

async function follow(
  path: string,
  from: FilePosition,
  events: Event[],
  { acceptsDamage = true, pieceBytes }: Options = {},
): Promise<Followed> {
  const place = { directory: Buffer.from(join(path, '..')), path: parseRelPath('events') };
  const file = await openLocalFile(nodeFileSystem, place, place.path, { allowHardLinks: true });
  try {
    const { sizeBytes } = await file.stat();
    const onEvent = (event: Event) => void events.push(event);
    return await followFile(file, from, {
      sizeBytes,
      acceptsDamage: () => acceptsDamage,
      onEvent,
      pieceBytes,
    });
  } finally {
    await file.close();
  }
}

/** Reads until nothing more is available. The position is converted to JSON and back each time. */
async function followAll(path: string, from: FilePosition, events: Event[], options?: Options) {
  let position = from;
  for (let hasMore = true; hasMore; ) {
    const followed = await follow(path, position, events, options);
    if (followed.status === 'rewritten') throw new Error('rewritten');
    position = JSON.parse(JSON.stringify(followed.position)) as FilePosition;
    hasMore = followed.hasMore;
  }
  return position;
}

async function readAll(path: string): Promise<Event[]> {
  const events: Event[] = [];
  await using reader = new EventFileReader(path, { onDamage: 'skip' });
  for await (const { event } of reader.read()) events.push(event);
  return events;
}

describe('followFile', () => {
  it('returns the same events as the reader for any pieces, growth and damage', async () => {
    const path = join(createTempDir(), 'events');
    const records = Buffer.concat(someRecords(12));
    const damage = fc.oneof(
      fc.record({ at: fc.nat(records.length - 1), xor: fc.integer({ min: 1, max: 255 }) }),
      fc.constant(null),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(records.length), { maxLength: 4 }),
        fc.integer({ min: 16, max: 3000 }),
        fc.array(damage, { maxLength: 3 }),
        async (cuts, pieceBytes, damages) => {
          const bytes = Buffer.from(records);
          for (const each of damages) if (each !== null) bytes[each.at]! ^= each.xor;
          writeFileSync(path, '');
          const events: Event[] = [];
          let position = START;
          let from = 0;
          for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
            appendFileSync(path, bytes.subarray(from, cut));
            from = cut;
            position = await followAll(path, position, events, { pieceBytes });
          }

          expect(events).toEqual(await readAll(path));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('stops before damage until it is accepted', async () => {
    const path = join(createTempDir(), 'events');
    const [first, second, third] = someRecords(3);
    const bad = Buffer.from(second!);
    bad[20]! ^= 1;
    writeFileSync(path, Buffer.concat([first!, bad, third!]));
    const events: Event[] = [];

    const waiting = await follow(path, START, events, { acceptsDamage: false });
    expect(waiting).toMatchObject({ damageStart: first!.length, hasMore: false });
    expect(events).toHaveLength(1);

    writeFileSync(path, Buffer.concat([first!, second!, third!]));
    if (waiting.status === 'read') await followAll(path, waiting.position, events, { acceptsDamage: false });
    expect(events).toEqual(await readAll(path));
  });

  it.each([
    ['is shorter', (path: string) => truncateSync(path, 100)],
    ['begins with other bytes', (path: string) => writeFileSync(path, Buffer.concat(someRecords(5, 7)))],
    [
      'has other bytes before the position',
      (path: string) => {
        const records = someRecords(5);
        records[3] = someRecords(1, 3 + 12)[0]!;
        const bytes = Buffer.concat(records);
        writeFileSync(path, bytes.subarray(0, Buffer.concat(someRecords(4)).length));
      },
    ],
  ])('reports "rewritten" for a file that %s', async (_what, change) => {
    const path = join(createTempDir(), 'events');
    writeFileSync(path, Buffer.concat(someRecords(4)));
    const position = await followAll(path, START, []);
    change(path);

    expect(await follow(path, position, [])).toEqual({ status: 'rewritten' });
  });

  it('reads a record that is larger than a piece once all of it is written', async () => {
    const path = join(createTempDir(), 'events');
    const [record] = someRecords(1, 1);
    const events: Event[] = [];
    writeFileSync(path, record!.subarray(0, -1));
    const position = await followAll(path, START, events, { pieceBytes: 16 });
    expect(events).toEqual([]);
    appendFileSync(path, record!.subarray(-1));
    await followAll(path, position, events, { pieceBytes: 16 });

    expect(events).toEqual(await readAll(path));
  });

  it('reports "rewritten" for a file that becomes shorter before any of its reads', async () => {
    const path = join(createTempDir(), 'events');
    const place = { directory: Buffer.from(join(path, '..')), path: parseRelPath('events') };
    const statuses: Followed['status'][] = [];
    // It reads a piece, the whole record, and the first and last bytes before its end.
    for (let shortenAt = 0; shortenAt <= 4; shortenAt += 1) {
      writeFileSync(path, Buffer.concat(someRecords(2)));
      const file = await openLocalFile(nodeFileSystem, place, place.path, { allowHardLinks: true });
      let reads = 0;
      const shortening: LocalFile = {
        path: file.path,
        opened: file.opened,
        stat: () => file.stat(),
        read: (start, end) => file.read(start, end),
        readInto: async (buffer, start) => {
          if (buffer.length > 0 && reads++ === shortenAt) truncateSync(path, 10);
          return file.readInto(buffer, start);
        },
        close: () => file.close(),
      };
      const { sizeBytes } = file.opened;
      const options = { sizeBytes, acceptsDamage: () => true, onEvent: () => undefined, pieceBytes: 16 };
      statuses.push((await followFile(shortening, START, options)).status);
      await file.close();
    }

    expect(statuses).toEqual(['rewritten', 'rewritten', 'rewritten', 'rewritten', 'read']);
  });
});
