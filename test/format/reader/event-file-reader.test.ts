import { appendFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventFileReader, type ReadEvent } from '../../../src/format/index.js';
import { encodeRecord } from '../../../src/format/record/record-codec.js';
import { SummaryWriter } from '../../../src/index.js';
import { FIXTURES } from '../../support/expected-runs.js';
import { collect, readFileEvents } from '../../support/read-file.js';
import { createTempDir } from '../../support/temp-dir.js';

/** Writes a small file with several plugins. */
async function writeSample(): Promise<Buffer> {
  const writer = new SummaryWriter(createTempDir());
  writer.addScalar('loss', 0.5, 1);
  writer.addText('note', ['a', 'b'], 1);
  writer.addHistogram('weights', [1, 2, 3], 1, { buckets: 3 });
  writer.addImage('pixel', { pixels: [1, 0, 0], height: 1, width: 1 }, 1);
  writer.addScalar('loss', 0.25, 2);
  await writer.close();
  return readFileSync(writer.currentFile!);
}

const path = () => join(createTempDir(), 'events.out.tfevents.1.host');
const toPlain = (events: readonly ReadEvent[]) => events.map(({ event, offset }) => ({ event, offset }));

describe('EventFileReader', () => {
  it.each([
    ['a file of polytrack', writeSample],
    [
      'a file of TensorFlow',
      async () =>
        readFileSync(join(FIXTURES, 'tensorflow/text/events.out.tfevents.1700000000.fixture.4242.0.v2')),
    ],
  ])(
    'returns fewer events, but never a wrong one, from %s that is truncated at any byte',
    async (_title, make) => {
      const bytes = await make();
      const file = path();
      writeFileSync(file, bytes);
      const all = toPlain(await readFileEvents(file));

      for (let size = bytes.length - 1; size >= 0; size--) {
        truncateSync(file, size);
        await using reader = new EventFileReader(file);
        const events = await collect(reader);

        const whole = events.at(-1);
        expect(toPlain(events)).toEqual(all.slice(0, events.length));
        expect(reader.offset).toBe(whole === undefined ? 0 : whole.offset + whole.sizeBytes);
        expect(reader.tailBytes).toBe(size - reader.offset);
        expect(all[events.length]!.offset).toBe(reader.offset);
      }
    },
  );

  it('continues where it stopped, however the file grows', async () => {
    const bytes = await writeSample();
    const file = path();
    writeFileSync(file, bytes);
    const all = toPlain(await readFileEvents(file));

    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 8 }), async (cuts) => {
        writeFileSync(file, '');
        await using reader = new EventFileReader(file);
        const events: ReadEvent[] = [];
        let end = 0;
        for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
          appendFileSync(file, bytes.subarray(end, cut));
          end = cut;
          events.push(...(await collect(reader)));
        }

        expect(toPlain(events)).toEqual(all);
        expect(reader.tailBytes).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('continues after an early stop and after close', async () => {
    const file = path();
    writeFileSync(file, await writeSample());
    await using reader = new EventFileReader(file);

    const offsets: number[] = [];
    for await (const { offset } of reader.read()) {
      offsets.push(offset);
      if (offsets.length === 2) break;
    }
    await reader.close();
    for (const { offset } of await collect(reader)) offsets.push(offset);

    expect(offsets).toEqual((await readFileEvents(file)).map(({ offset }) => offset));
    expect(await readFileEvents(file, { offset: offsets[3] })).toHaveLength(offsets.length - 3);
  });

  it('never returns a wrong event when any byte is changed, and finds all others', async () => {
    const bytes = await writeSample();
    const file = path();
    writeFileSync(file, bytes);
    const all = toPlain(await readFileEvents(file));

    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x40;
      writeFileSync(file, damaged);
      await using reader = new EventFileReader(file, { onDamage: 'skip' });
      const events = toPlain(await collect(reader));

      const hit = all.findLastIndex(({ offset }) => offset <= at);
      expect(events).toEqual(all.filter((_, i) => i !== hit));
      const end = all[hit + 1]?.offset ?? bytes.length;
      expect(reader.damage).toMatchObject([{ offset: all[hit]!.offset, sizeBytes: end - all[hit]!.offset }]);
      await expect(readFileEvents(file)).rejects.toMatchObject({ code: 'ERR_RECORD_CORRUPT' });
    }
  });

  it('skips garbage, zeros and records that are not events, and reports their position', async () => {
    const bytes = await writeSample();
    const file = path();
    const noEvent = encodeRecord(Uint8Array.of(0xff, 0xff));
    const zeros = Buffer.alloc(3_000_000);
    writeFileSync(file, Buffer.concat([bytes, zeros, bytes, Buffer.from('garbage'), bytes, noEvent, bytes]));
    await using reader = new EventFileReader(file, { onDamage: 'skip' });

    const events = await collect(reader);

    expect(events).toHaveLength(4 * (events.length / 4));
    expect(events.map(({ data }) => Buffer.from(data).toString('hex')).slice(0, 7)).toEqual(
      events.map(({ data }) => Buffer.from(data).toString('hex')).slice(-7),
    );
    const size = bytes.length;
    expect(reader.damage).toEqual([
      { offset: size, sizeBytes: zeros.length, part: 'length' },
      { offset: 2 * size + zeros.length, sizeBytes: 7, part: 'length' },
      { offset: 3 * size + zeros.length + 7, sizeBytes: noEvent.length, part: 'event' },
    ]);
    await expect(readFileEvents(file, { offset: 3 * size + zeros.length + 7 })).rejects.toMatchObject({
      code: 'ERR_EVENT_INVALID',
    });
  });

  it('counts damage up to the end of the file, and continues when a record follows', async () => {
    const bytes = await writeSample();
    const file = path();
    writeFileSync(file, Buffer.concat([bytes, Buffer.from('half of something')]));
    await using reader = new EventFileReader(file, { onDamage: 'skip' });
    const before = await collect(reader);
    expect(reader.damage).toEqual([{ offset: bytes.length, sizeBytes: 17, part: 'length' }]);

    appendFileSync(file, bytes);

    expect(await collect(reader)).toHaveLength(before.length);
    expect(reader.damage).toEqual([{ offset: bytes.length, sizeBytes: 17, part: 'length' }]);
    expect(reader.tailBytes).toBe(0);
  });

  it('does not continue in a file that was truncated or replaced', async () => {
    const bytes = await writeSample();
    const file = path();
    writeFileSync(file, bytes);
    await using cut = new EventFileReader(file);
    await using replaced = new EventFileReader(file);
    await collect(cut);
    await collect(replaced);

    truncateSync(file, 10);
    await expect(collect(cut)).rejects.toMatchObject({ code: 'ERR_EVENT_FILE_CHANGED' });
    writeFileSync(`${file}.new`, Buffer.concat([bytes, bytes]));
    renameSync(`${file}.new`, file);
    await expect(collect(replaced)).rejects.toMatchObject({ code: 'ERR_EVENT_FILE_CHANGED' });
  });

  it('reads a record larger than a chunk', async () => {
    const writer = new SummaryWriter(createTempDir());
    writer.addText('long', 'x'.repeat(5_000_000), 0);
    writer.addScalar('loss', 1, 0);
    await writer.close();

    expect(await readFileEvents(writer.currentFile!)).toHaveLength(4);
  });
});
