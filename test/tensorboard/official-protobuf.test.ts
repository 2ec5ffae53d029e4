/** The official protobuf classes read everything that the public API accepts: 10,000 random values in each run. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeValue } from '../../src/format/index.js';
import { encodeEvent, joinPieces } from '../../src/format/wire/encode-event.js';
import { GraphBuilder, SummaryWriter } from '../../src/index.js';
import { describeWithPeers } from '../support/peers.js';
import { runPython } from '../support/python.js';
import { readFileEvents } from '../support/read-file.js';
import { createTempDir } from '../support/temp-dir.js';

const CASES = 10_000;
/** Differs in each run. A failure prints it, and SEED=… repeats the run. */
const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

/** Loads a directory with TensorBoard's event file loader, and prints each event as serialised by the official classes. */
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

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const text = fc.string({ unit: 'binary' });
const filled = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const table = fc
  .integer({ min: 1, max: 4 })
  .chain((columns) =>
    fc.array(fc.array(text, { minLength: columns, maxLength: columns }), { minLength: 1, maxLength: 4 }),
  );
const probability = fc.double({ min: 0, max: 1, noNaN: true });
const predictions = fc
  .array(fc.tuple(fc.boolean(), probability, fc.double({ min: 0, max: 1e6, noNaN: true })), { maxLength: 30 })
  .chain((rows) =>
    fc.integer({ min: 2, max: 40 }).map((thresholds) => ({
      labels: rows.map(([label]) => label),
      predictions: rows.map(([, prediction]) => prediction),
      options: { weights: rows.map(([, , weight]) => weight), thresholds },
    })),
  );
const coordinate = fc.float({ noNaN: true, noDefaultInfinity: true });
const mesh = fc
  .array(fc.tuple(coordinate, coordinate, coordinate), { minLength: 1, maxLength: 6 })
  .chain((vertices) => {
    const index = fc.nat(vertices.length - 1);
    const byte = fc.nat(255);
    return fc.record(
      {
        vertices: fc.constant(vertices),
        faces: fc.array(fc.tuple(index, index, index), { minLength: 1, maxLength: 4 }),
        colors: fc.array(fc.tuple(byte, byte, byte), {
          minLength: vertices.length,
          maxLength: vertices.length,
        }),
        config: fc.dictionary(filled, fc.jsonValue() as fc.Arbitrary<unknown>),
      },
      { requiredKeys: ['vertices'] },
    );
  });
const hparams = fc.dictionary(filled, fc.oneof(fc.double(), text, fc.boolean()));
const layout = fc.array(
  fc.record({
    title: filled,
    closed: fc.boolean(),
    charts: fc.array(
      fc.oneof(
        fc.record({
          title: filled,
          multiline: fc.array(fc.stringMatching(/^[a-z/.*]+$/).filter(isPattern), { maxLength: 3 }),
        }),
        fc.record({
          title: filled,
          margin: fc.array(fc.record({ value: filled, lower: filled, upper: filled }), { maxLength: 3 }),
        }),
      ),
      { maxLength: 3 },
    ),
  }),
  { maxLength: 3 },
);

function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern).source !== '';
  } catch {
    return false;
  }
}

const frames = fc
  .array(fc.uint8Array({ minLength: 12, maxLength: 12 }), { minLength: 1, maxLength: 3 })
  .map((list) => list.map((data) => ({ pixels: data, height: 2, width: 2 })));
/** Whole numbers beyond 2^53 are rejected: they must be bigints or marked as floats. */
const isExact = (value: number) => !Number.isInteger(value) || Number.isSafeInteger(value);
const attribute = fc.oneof(
  text,
  fc.boolean(),
  fc.maxSafeInteger(),
  finite.filter(isExact),
  finite.map((float) => ({ float })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const graph = fc.array(fc.dictionary(filled, attribute), { minLength: 1, maxLength: 4 }).map((nodes) => {
  const builder = new GraphBuilder();
  for (const [i, attributes] of nodes.entries()) {
    builder.node({
      name: `scope/node${i}`,
      op: 'Op',
      inputs: i === 0 ? [] : [`scope/node${i - 1}`],
      attributes,
    });
  }
  return builder;
});

type Call = (writer: SummaryWriter) => void;

/** Builds a call of a method with a name, a value, a step and options. */
function call<T>(
  value: fc.Arbitrary<T>,
  log: (writer: SummaryWriter, name: string, value: T, step: Step, options: Options) => void,
) {
  return fc.tuple(name, value, options).map(
    ([tag, logged, { step, ...rest }]): Call =>
      (writer) =>
        log(writer, tag, logged, step, rest),
  );
}

type Step = number | bigint | undefined;
type Options = Parameters<SummaryWriter['addScalar']>[3];

const anyCall: fc.Arbitrary<Call> = fc.oneof(
  call(fc.double(), (writer, ...args) => writer.addScalar(...args)),
  call(fc.dictionary(filled, fc.double(), { minKeys: 1, maxKeys: 3 }), (writer, tag, values, step, rest) =>
    writer.addScalars(`main ${tag.slice(0, 20)}`, values, step, { wallTime: rest?.wallTime }),
  ),
  call(pixels, (writer, ...args) => writer.addImage(...args)),
  call(fc.array(pixels, { minLength: 1, maxLength: 3 }), (writer, ...args) => writer.addImages(...args)),
  call(frames, (writer, ...args) => writer.addVideo(...args)),
  call(pixels, (writer, tag, image, step, rest) =>
    writer.addImageWithBoxes(tag, image, [[0, 0, 3, 2]], step, { ...rest, labels: ['x'] }),
  ),
  call(samples, (writer, tag, clip, step, rest) =>
    writer.addAudio(tag, { samples: clip, sampleRateHz: 8000 }, step, rest),
  ),
  call(fc.float64Array({ maxLength: 50 }), (writer, ...args) => writer.addHistogram(...args)),
  call(buckets, (writer, ...args) => writer.addHistogramRaw(...args)),
  call(fc.oneof(text, fc.array(text, { maxLength: 4 }), table), (writer, ...args) => writer.addText(...args)),
  call(predictions, (writer, tag, curve, step, rest) =>
    writer.addPrCurve(tag, curve.labels, curve.predictions, step, { ...rest, ...curve.options }),
  ),
  call(mesh, (writer, ...args) => writer.addMesh(...args)),
  call(layout, (writer, _tag, categories) => writer.addCustomScalars(categories)),
  call(graph, (writer, _tag, built, step, rest) =>
    writer.addGraph(built, step, { wallTime: rest?.wallTime }),
  ),
);

/** Hyperparameters can be logged once per writer, so each session has its own writer. */
const SESSIONS = 100;

describeWithPeers(['python'], 'the official protobuf classes', () => {
  it(`read ${CASES} random values and write the same bytes, like our reader`, async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory, { onWarning: () => undefined });
    for (const log of fc.sample(anyCall, { numRuns: CASES, seed: SEED })) log(writer);
    await writer.close();
    for (const [i, values] of fc.sample(hparams, { numRuns: SESSIONS, seed: SEED }).entries()) {
      const session = new SummaryWriter(directory, { onWarning: () => undefined, fileNameSuffix: `.${i}` });
      session.addHparams(values, { accuracy: i });
      await session.close();
    }

    const { stdout, stderr } = await runPython(LOADER, [directory]);

    expect(stderr).toBe('');
    const ours: string[] = [];
    for (const file of readdirSync(directory).sort()) {
      for (const { event } of await readFileEvents(join(directory, file))) {
        ours.push(Buffer.from(joinPieces(encodeEvent(event))).toString('hex'));
        // The test reuses tags for several plugins, so each value is read with its own metadata.
        if (event.what.kind === 'summary')
          for (const value of event.what.values) if (value.metadata) decodeValue(value);
      }
    }
    const theirs = stdout.trim().split('\n');
    expect(theirs.length).toBeGreaterThanOrEqual(CASES + SESSIONS);
    expect(
      theirs.filter((hex, index) => hex !== ours[index]),
      `SEED=${SEED}`,
    ).toEqual([]);
  });
});
