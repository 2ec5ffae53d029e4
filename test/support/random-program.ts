/** Writes what a random program logs: all kinds of values, in the forms of several writers, with restarts and rotated files. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeRecord } from '../../src/format/record/record-codec.js';
import { encodeEvent, joinPieces } from '../../src/format/wire/encode-event.js';
import {
  DataType,
  type Event,
  type SummaryMetadata,
  type SummaryValue,
} from '../../src/format/wire/messages.js';

type Random = () => number;
/** The values of one tag of one kind, by step. */
type Writer = (random: Random, isFirst: boolean) => SummaryValue[];

const encoder = new TextEncoder();
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const WAV = Buffer.from('UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQIAAAAAAA==', 'base64');

function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)]!;
}

/** Metadata in the first value, and now and then in later ones. */
function metadataOf(
  random: Random,
  isFirst: boolean,
  pluginName: string,
  dataClass: SummaryMetadata['dataClass'],
  content?: Uint8Array,
): { metadata?: SummaryMetadata } {
  if (!isFirst && random() < 0.5) return {};
  const isNamed = random() < 0.3;
  return {
    metadata: {
      pluginName,
      dataClass,
      ...(content === undefined ? {} : { content }),
      ...(isNamed ? { displayName: `Name of ${pluginName}`, description: 'a **description**' } : {}),
    },
  };
}

function strings(...texts: (string | Uint8Array)[]) {
  const stringVal = texts.map((text) => (typeof text === 'string' ? encoder.encode(text) : text));
  return { kind: 'tensor' as const, tensor: { dtype: DataType.STRING, shape: [texts.length], stringVal } };
}

function number(random: Random): number {
  return Math.fround(
    pick(random, [random(), random() * 1e6, -random(), 0, Number.NaN, Number.POSITIVE_INFINITY]),
  );
}

function histogram(random: Random) {
  const rows = Math.floor(random() * 6);
  const doubleVal = Float64Array.from({ length: rows * 3 }, (_, i) =>
    i % 3 === 2 ? Math.floor(random() * 9) : i,
  );
  return { kind: 'tensor' as const, tensor: { dtype: DataType.DOUBLE, shape: [rows, 3], doubleVal } };
}

const WAV_CONTENT = Uint8Array.of(0x10, 11);

function writerOf(random: Random, tag: string): Writer {
  const classOf = (dataClass: SummaryMetadata['dataClass']) => (random() < 0.3 ? 0 : dataClass);
  const one = (
    create: (random: Random) => SummaryValue['value'],
    plugin: string,
    of: 1 | 2 | 3,
    content?: Uint8Array,
  ): Writer => {
    const dataClass = classOf(of);
    return (each, isFirst) => {
      const value = create(each);
      return [{ tag, ...metadataOf(each, isFirst, plugin, dataClass, content), ...(value && { value }) }];
    };
  };
  const legacy = (create: (random: Random) => NonNullable<SummaryValue['value']>): Writer => {
    const named =
      random() < 0.3 ? { metadata: { pluginName: '', dataClass: 0, displayName: 'legacy' } as const } : {};
    return (each) => [{ tag, ...named, value: create(each) }];
  };
  return pick<() => Writer>(random, [
    () => legacy((each) => ({ kind: 'simpleValue', simpleValue: number(each) })),
    () =>
      one(
        (each) => ({
          kind: 'tensor',
          tensor: { dtype: DataType.FLOAT, shape: [], floatVal: Float32Array.of(number(each)) },
        }),
        'scalars',
        1,
      ),
    () => one(histogram, 'histograms', 2),
    () =>
      legacy((each) => {
        const bucket = Float64Array.from({ length: 5 }, () => Math.floor(each() * 3));
        const bucketLimit = Float64Array.of(-2, -1, 0, 1, Number.MAX_VALUE);
        return {
          kind: 'histogram',
          histogram: { min: -1.5, max: 1.5, num: 5, sum: 1, sumSquares: 2, bucketLimit, bucket },
        };
      }),
    () =>
      one(
        (each) => strings('1', '1', ...Array.from({ length: 1 + Math.floor(each() * 3) }, () => PNG)),
        'images',
        3,
      ),
    () => legacy(() => ({ kind: 'image', image: { width: 1, height: 1, colorspace: 4, encoded: PNG } })),
    () => one(() => strings(WAV, WAV), 'audio', 3, WAV_CONTENT),
    () =>
      legacy(() => ({
        kind: 'audio',
        audio: { sampleRateHz: 8000, channels: 1, lengthFrames: 1, encoded: WAV, contentType: 'audio/wav' },
      })),
    () => one((each) => strings(`# Title ${Math.floor(each() * 9)}`, 'some *text* é'), 'text', 2),
    () =>
      one(
        (each) => ({
          kind: 'tensor',
          tensor: {
            dtype: DataType.FLOAT,
            shape: [6, 4],
            floatVal: Float32Array.from({ length: 24 }, () => 1 + each()),
          },
        }),
        'pr_curves',
        2,
        Uint8Array.of(0x10, 4),
      ),
    () => one(() => undefined, 'hparams', 2, HPARAMS_START),
    () => one(() => strings(encoder.encode('')), 'my_plugin', 3),
  ])();
}

/** A session with the hyperparameter lr = 0.5. */
const HPARAMS_START = Buffer.from('1a1a0a0f0a026c72120911000000000000e03f29000000000000f83f', 'hex');

const TAGS = ['loss', 'train/loss', 'a b', 'Größe', '訓練/損失', 'x?y&z=1', 'deep/er/tag', '100 %'];
const HPARAMS_TAG = '_hparams_/session_start_info';

/** Writes one to three event files. The same for the same seed. */
export async function writeRandomProgram(directory: string, seed: number): Promise<void> {
  const random = createRandom(seed);
  mkdirSync(directory, { recursive: true });
  const writers = TAGS.filter(() => random() < 0.6).map((tag) => ({ tag, write: writerOf(random, tag) }));
  writers.push({ tag: HPARAMS_TAG, write: writerOf(random, HPARAMS_TAG) });
  const seen = new Set<string>();
  const files = 1 + Math.floor(random() * 3);
  let wallTime = 1_700_000_000 + seed;
  let step = 0;
  for (let file = 0; file < files; file++) {
    const events: Event[] = [];
    const add = (event: Omit<Event, 'wallTime'>): void => {
      wallTime += 0.25;
      events.push({ wallTime, ...event });
    };
    add({ step: 0, what: { kind: 'fileVersion', fileVersion: 'brain.Event:2' } });
    // A file without it continues the one before.
    const isRestart = file > 0 && random() < 0.5;
    if (isRestart) step = Math.floor(step * random());
    if (file === 0 || isRestart)
      add({ step: file === 0 ? 0 : step, what: { kind: 'sessionLog', status: 1 } });
    const count = Math.floor(random() * 30);
    for (let i = 0; i < count; i++) {
      const values = writers
        .filter(() => random() < 0.7)
        .flatMap(({ tag, write }) => {
          const isFirst = !seen.has(`${file} ${tag}`);
          seen.add(`${file} ${tag}`);
          return write(random, isFirst);
        });
      if (values.length > 0) add({ step, what: { kind: 'summary', values } });
      step += Math.floor(random() * 3);
    }
    const bytes = events.map((event) => encodeRecord(joinPieces(encodeEvent(event))));
    const name = `events.out.tfevents.${String(1_700_000_000 + file)}.host.1.${file}`;
    writeFileSync(join(directory, name), Buffer.concat(bytes));
  }
}

/** Pseudo-random numbers in [0, 1): mulberry32. */
function createRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
