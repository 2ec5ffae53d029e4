/** What the public API accepts, the official protobuf classes read: 10,000 random values in each run. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Run } from '../../src/index.js';
import { encodeEvent, joinPieces } from '../../src/wire/encode-event.js';
import { describeWithPeers } from '../support/peers.js';
import { runPython } from '../support/python.js';
import { readEvents } from '../support/read-run.js';
import { createTempDir } from '../support/temp-dir.js';

const CASES = 10_000;
/** New in each run; a failure names it, and SEED=… runs it again. */
const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

/** Loads a directory with TensorBoard's event file loader and prints each event as the official classes write it. */
const LOADER = `
import os, sys
from tensorboard.backend.event_processing import event_file_loader
for name in sorted(os.listdir(sys.argv[1])):
    loader = event_file_loader.LegacyEventFileLoader(os.path.join(sys.argv[1], name))
    for event in loader.Load():
        print(event.SerializeToString(deterministic=True).hex())
`;

const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((text) => text.trim() !== '');
const label = fc.option(fc.string({ unit: 'binary', maxLength: 30 }), { nil: undefined });
const options = fc.record({
  step: fc.oneof(
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.constant(undefined),
  ),
  wallTime: fc.option(fc.double({ min: 0, max: 99_999_999_999, noNaN: true }), { nil: undefined }),
  displayName: label,
  description: label,
});
const pixels = fc
  .record({
    height: fc.integer({ min: 1, max: 6 }),
    width: fc.integer({ min: 1, max: 6 }),
    channels: fc.constantFrom(1, 2, 3, 4),
  })
  .chain(({ height, width, channels }) => {
    const size = height * width * channels;
    const values = fc.oneof(
      fc.uint8Array({ minLength: size, maxLength: size }),
      fc.float32Array({ minLength: size, maxLength: size }),
    );
    return values.map((data) => ({ pixels: data, height, width, channels: channels as 1 | 2 | 3 | 4 }));
  });
const samples = fc.oneof(fc.int16Array({ maxLength: 50 }), fc.float32Array({ maxLength: 50 }));
const buckets = fc
  .array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 9 })
  .chain((edges) =>
    fc
      .array(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), {
        minLength: edges.length - 1,
        maxLength: edges.length - 1,
      })
      .map((counts) => ({ edges: [...edges].sort((a, b) => a - b), counts })),
  );

type Call = (run: Run) => void;
const anyCall: fc.Arbitrary<Call> = fc.oneof(
  fc.tuple(name, fc.double(), options).map(
    ([n, v, o]): Call =>
      (run) =>
        run.logMetric(n, v, o),
  ),
  fc.tuple(name, pixels, options).map(
    ([n, v, o]): Call =>
      (run) =>
        run.logImage(n, v, o),
  ),
  fc.tuple(name, samples, options).map(
    ([n, v, o]): Call =>
      (run) =>
        run.logAudio(n, { samples: v, sampleRateHz: 8000 }, o),
  ),
  fc.tuple(name, fc.float64Array({ maxLength: 50 }), options).map(
    ([n, v, o]): Call =>
      (run) =>
        run.logHistogram(n, v, o),
  ),
  fc.tuple(name, buckets, options).map(
    ([n, v, o]): Call =>
      (run) =>
        run.logHistogram(n, v, o),
  ),
  fc.tuple(name, fc.string({ unit: 'binary' }), options).map(
    ([n, v, o]): Call =>
      (run) =>
        run.logText(n, v, o),
  ),
);

describeWithPeers(['python'], 'the official protobuf classes', () => {
  it(`read ${CASES} random values back to the same bytes, without a warning`, async () => {
    const run = new Run({ root: createTempDir(), onWarning: () => undefined });
    for (const call of fc.sample(anyCall, { numRuns: CASES, seed: SEED })) call(run);
    await run.end();

    const { stdout, stderr } = await runPython(LOADER, [run.getTensorboardPath()]);

    expect(stderr).toBe('');
    const ours = readEvents(run.getTensorboardPath()).map((event) =>
      Buffer.from(joinPieces(encodeEvent(event))).toString('hex'),
    );
    const theirs = stdout.trim().split('\n');
    expect(theirs).toHaveLength(CASES + 2);
    expect(
      theirs.filter((hex, index) => hex !== ours[index]),
      `SEED=${SEED}`,
    ).toEqual([]);
  }, 120_000);
});
