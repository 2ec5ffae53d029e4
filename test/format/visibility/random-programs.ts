/**
 * Random programs that write the event files of one run: several lives, restarts, crashes, several writers in one directory, several kinds on one
 * tag, steps out of order, NaN, rotation, files of other writers. A seed always gives the same program.
 *
 * Every event has its own wall time, so that a viewer's answer identifies the event.
 */

import { mkdirSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Diagnostics } from '../../../src/base/diagnostics.js';
import { EventFileWriter } from '../../../src/format/index.js';
import { encodeRecord } from '../../../src/format/record/record-codec.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import {
  type DataClass,
  DataType,
  type Event,
  type SummaryMetadata,
  type SummaryValue,
  type TensorProto,
} from '../../../src/format/wire/messages.js';
import { encodeUtf8 } from '../../../src/format/wire/proto-bytes.js';
import { createLayoutValue } from '../../../src/summary/custom-scalars.js';
import { createSessionEndValue, createSessionStartValue } from '../../../src/summary/hparams.js';
import { createMeshValues } from '../../../src/summary/mesh.js';
import { encodePng } from '../../../src/summary/png.js';

/** Pseudo-random numbers: xorshift32, after a scramble of the seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 0x9e3779b1) | 1;
    for (let i = 0; i < 8; i++) this.below(2);
  }

  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % limit;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

const PNG = encodePng({ height: 1, width: 1, channels: 3, pixels: new Uint8Array(3) });
const WAV = Uint8Array.from([...encodeUtf8('RIFF'), 36, 0, 0, 0, ...encodeUtf8('WAVEfmt ')]);

/** The kinds of series. Each has its form of the tensor, and for TensorFlow 1 the other form. */
const KINDS = ['scalars', 'images', 'audio', 'histograms', 'text', 'pr_curves', 'mesh'] as const;
type Kind = (typeof KINDS)[number];
const CLASSES: Readonly<Record<Kind, DataClass>> = {
  scalars: 1,
  images: 3,
  audio: 3,
  histograms: 2,
  text: 2,
  pr_curves: 2,
  mesh: 2,
};

function floats(shape: number[], dtype: DataType = DataType.FLOAT): TensorProto {
  const count = shape.reduce((product, size) => product * size, 1);
  if (dtype === DataType.DOUBLE) return { dtype, shape, doubleVal: new Float64Array(count).fill(0.5) };
  return { dtype, shape, floatVal: new Float32Array(count).fill(0.5) };
}

function strings(shape: number[], ...items: Uint8Array[]): TensorProto {
  return { dtype: DataType.STRING, shape, stringVal: items };
}

/** Seconds since the Unix epoch. */
export const FIRST_WALL_TIME = 1_700_000_000;

/** The text in a graph, a layout or hyperparameters that identifies the event. */
export function toMark(wallTime: number): string {
  // Damage may have changed the last bits.
  return `t${Math.floor((wallTime - FIRST_WALL_TIME) * 64)}`;
}

/** One program: the state that its lives share. */
class Program {
  readonly random: Random;
  readonly directory: string;
  readonly #tags: { readonly tag: string; readonly kind: Kind }[];
  /** How many percent of the values are of another kind than their tag. */
  readonly #mixing: number;
  readonly #oddness: number;
  #clock = 0;

  constructor(seed: number, directory: string) {
    this.random = new Random(seed);
    this.directory = directory;
    const { random } = this;
    const names = ['a', 'b', '训练/损失', 'c d', 'e/f'].slice(0, 1 + random.below(5));
    const isMixed = random.chance(40);
    const pickKind = (): Kind => (random.chance(20) ? 'images' : random.pick(KINDS));
    this.#tags = names.map((tag) => ({ tag, kind: random.chance(45) ? 'scalars' : pickKind() }));
    this.#mixing = isMixed ? 5 + random.below(30) : 0;
    this.#oddness = random.chance(30) ? 15 : 0;
  }

  /** Seconds that no other event of the program has; exact in binary. */
  wallTime(): number {
    this.#clock++;
    return FIRST_WALL_TIME + (this.#clock - 1) / 64;
  }

  get #nextWallTime(): number {
    return FIRST_WALL_TIME + this.#clock / 64;
  }

  /** Values of one event. */
  values(isFirst: (tag: string) => boolean): SummaryValue[] {
    const { random } = this;
    const count = random.chance(80) ? 1 : 2 + random.below(2);
    return Array.from({ length: count }, () => {
      // The last tags are rare, so that a restart may remove all their points.
      const index = Math.min(random.below(this.#tags.length), random.below(this.#tags.length));
      const { tag, kind } = this.#tags[index]!;
      const isOther = random.chance(this.#mixing);
      return this.value(tag, isOther ? random.pick(KINDS) : kind, isFirst(tag) || isOther);
    });
  }

  value(tag: string, kind: Kind, isLabelled: boolean): SummaryValue {
    const { random } = this;
    if (random.chance(this.#oddness)) return this.#oddValue(tag, kind);
    const metadata = isLabelled || random.chance(30) ? { metadata: this.#metadata(tag, kind) } : {};
    return { tag, ...metadata, value: this.#content(tag, kind) };
  }

  #metadata(tag: string, kind: Kind): SummaryMetadata {
    const { random } = this;
    const labels = random.chance(20) ? { displayName: `name ${random.below(3)}`, description: 'text' } : {};
    const dataClass = random.chance(70) ? CLASSES[kind] : 0;
    return { pluginName: kind, dataClass, ...this.#contentOf(tag, kind), ...labels };
  }

  #contentOf(tag: string, kind: Kind): { content?: Uint8Array } {
    if (kind === 'audio') return { content: Uint8Array.of(0x10, 11) };
    if (kind !== 'mesh') return {};
    const [value] = createMeshValues(tag, { vertices: [[0, 0, 0]] });
    return { content: value!.metadata!.content! };
  }

  #content(tag: string, kind: Kind): NonNullable<SummaryValue['value']> {
    const { random } = this;
    const isLegacy = random.chance(15);
    switch (kind) {
      case 'scalars': {
        const value = random.chance(5) ? Number.NaN : random.below(1000) / 8;
        if (isLegacy) return { kind: 'simpleValue', simpleValue: value };
        return { kind: 'tensor', tensor: { ...floats([]), floatVal: Float32Array.of(value) } };
      }
      case 'images': {
        if (isLegacy) return { kind: 'image', image: { height: 1, width: 1, colorspace: 3, encoded: PNG } };
        const images = Array.from({ length: 1 + random.below(2) }, () => PNG);
        const one = encodeUtf8('1');
        return { kind: 'tensor', tensor: strings([2 + images.length], one, one, ...images) };
      }
      case 'audio': {
        if (!isLegacy) return { kind: 'tensor', tensor: strings([1], WAV) };
        const audio = { sampleRateHz: 8000, channels: 1, lengthFrames: 1, contentType: 'audio/wav' };
        return { kind: 'audio', audio: { ...audio, encoded: WAV } };
      }
      case 'histograms': {
        if (!isLegacy) return { kind: 'tensor', tensor: floats([random.below(3), 3], DataType.DOUBLE) };
        const numbers = { min: 0, max: 2, num: 3, sum: 3, sumSquares: 5 };
        const bucketLimit = Float64Array.of(1, 2);
        return { kind: 'histogram', histogram: { ...numbers, bucketLimit, bucket: Float64Array.of(1, 2) } };
      }
      case 'text': {
        const shape = random.pick([[], [2], [1, 2]]);
        const items = Array.from({ length: shape.length === 0 ? 1 : 2 }, () => encodeUtf8(`${tag} text`));
        return { kind: 'tensor', tensor: strings(shape, ...items) };
      }
      case 'pr_curves':
        return { kind: 'tensor', tensor: floats([6, 3]) };
      case 'mesh':
        return { kind: 'tensor', tensor: floats([1, 1 + random.below(2), 3]) };
    }
  }

  /** Values that a viewer may not read. */
  #oddValue(tag: string, kind: Kind): SummaryValue {
    const { random } = this;
    const metadata = this.#metadata(tag, kind);
    const wrap = (tensor: TensorProto): SummaryValue => ({
      tag,
      metadata,
      value: { kind: 'tensor', tensor },
    });
    switch (random.below(7)) {
      case 0:
        return { tag, metadata };
      case 1:
        return { tag, value: { kind: 'tensor', tensor: floats([]) } };
      case 2:
        return wrap(floats([], DataType.DOUBLE));
      case 3:
        return wrap(floats([1]));
      case 4:
        return wrap(floats([0]));
      case 5:
        return {
          tag,
          metadata: { pluginName: random.pick(['mine', '']), dataClass: random.pick([0, 1, 2, 3]) },
        };
      default:
        return wrap(strings([1], encodeUtf8('odd')));
    }
  }

  /** Events that are not values of series: graphs, hyperparameters, layouts. Each holds the wall time that the next event has. */
  special(): Event['what'] {
    const { random } = this;
    const mark = toMark(this.#nextWallTime);
    const toSummary = (value: SummaryValue): Event['what'] => ({ kind: 'summary', values: [value] });
    switch (random.below(4)) {
      case 0:
        // A `GraphDef` with one node, whose name tells which graph is shown.
        return { kind: 'graphDef', graphDef: toGraph(mark) };
      case 1:
        return toSummary(createLayoutValue([{ title: `${basename(this.directory)}:${mark}`, charts: [] }]));
      case 2:
        return toSummary(createSessionStartValue({ mark }, 1));
      default:
        return toSummary(createSessionEndValue(random.pick(['success', 'failure']), 2));
    }
  }
}

function toGraph(name: string): Uint8Array {
  const text = encodeUtf8(name);
  const op = encodeUtf8('NoOp');
  const node = [0x0a, text.length, ...text, 0x12, op.length, ...op];
  return Uint8Array.from([0x0a, node.length, ...node]);
}

/** Writes the program of a seed below `directory`. */
export async function writeRandomProgram(seed: number, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const program = new Program(seed, directory);
  if (program.random.chance(8)) writeLongSeries(program);
  else if (program.random.chance(45)) await writeWithProduct(program);
  else writeRaw(program);
}

/** Lives of the tracking library, each after a crash of the one before, and sometimes two writers at once. */
async function writeWithProduct(program: Program): Promise<void> {
  const { random, directory } = program;
  const lives = 1 + random.below(4);
  let next = 0;
  for (let life = 0; life < lives; life++) {
    const rotation = random.chance(20) ? { maxFileBytes: 500 } : {};
    const from = Math.max(0, next - random.below(12));
    const resume =
      life === 0 || random.chance(15) ? {} : { resume: random.chance(80) ? { fromStep: from } : true };
    const options = { ...rotation, diagnostics: new Diagnostics({ onWarning: () => {} }) };
    const writers = [new EventFileWriter(directory, { ...options, ...resume })];
    if (random.chance(15)) writers.push(new EventFileWriter(directory, options));
    let step = life === 0 ? 0 : from;
    for (let i = 1 + random.below(25); i > 0; i--) {
      const writer = random.pick(writers);
      if (random.chance(6)) {
        const what = program.special();
        writer.writeEvent({ wallTime: program.wallTime(), step: random.below(3), what });
        continue;
      }
      const values = program.values((tag) => !writer.knows(tag));
      writer.writeSummary(values, step, program.wallTime());
      step = random.chance(12) ? Math.max(0, step - random.below(6)) : step + random.below(3);
    }
    next = step;
    for (const writer of writers) await writer.close();
    if (random.chance(30)) tearTail(directory, 1 + random.below(120));
  }
}

function tearTail(directory: string, bytes: number): void {
  const path = join(directory, readdirSync(directory).sort().at(-1)!);
  truncateSync(path, Math.max(0, statSync(path).size - bytes));
}

/** Files as other writers leave them, and as no writer should. */
function writeRaw(program: Program): void {
  const { random, directory } = program;
  const files = 1 + random.below(4);
  const version = random.chance(85) ? 'brain.Event:2' : random.pick(['brain.Event:1', '']);
  const hasSessions = random.chance(60);
  let step = random.chance(10) ? -3 : 0;
  for (let file = 0; file < files; file++) {
    const events: Event[] = [];
    // The content of a special event names its wall time, so that it is always finite.
    const add = (what: Event['what'], at: number | bigint, isSpecial = false): void => {
      const wallTime =
        !isSpecial && random.chance(1)
          ? random.pick([Number.NaN, Number.POSITIVE_INFINITY])
          : program.wallTime();
      events.push({ wallTime, step: at, what });
    };
    if (version !== '') add({ kind: 'fileVersion', fileVersion: version }, 0);
    if (file > 0 && random.chance(60)) step = Math.max(0, step - random.below(10));
    if (hasSessions && random.chance(80))
      add({ kind: 'sessionLog', status: 1 }, random.chance(60) ? step : random.below(3));
    const known = new Set<string>();
    const isFirst = (tag: string): boolean => !known.has(tag) && Boolean(known.add(tag));
    for (let i = random.below(30); i > 0; i--) {
      if (random.chance(4)) add({ kind: 'sessionLog', status: random.pick([1, 2, 3]) }, step);
      if (random.chance(5)) add(program.special(), random.below(3), true);
      else add({ kind: 'summary', values: program.values(isFirst) }, toStep(random, step));
      step = random.chance(15) ? step - random.below(8) : step + random.below(3);
    }
    const name = `events.out.tfevents.${1_700_000_000 + random.below(5)}.host.${file}`;
    const suffix = random.chance(3) ? '.profile-empty' : '';
    writeFileSync(join(directory, name + suffix), damage(random, events.map(toRecord)));
  }
}

function toStep(random: Random, step: number): number | bigint {
  return random.chance(2) ? 2n ** 60n + BigInt(step) : step;
}

export function toRecord(event: Event): Uint8Array {
  return encodeRecord(joinPieces(encodeEvent(event)));
}

/** The bytes of a file, rarely with damage in it. */
function damage(random: Random, records: readonly Uint8Array[]): Uint8Array {
  const parts = [...records];
  const at = random.below(Math.max(1, parts.length));
  const record = parts[at];
  if (record !== undefined && random.chance(12)) {
    const changed = Uint8Array.from(record);
    switch (random.below(4)) {
      case 0:
        changed[9]! ^= 1;
        break;
      case 1:
        changed[changed.length - 2]! ^= 1;
        break;
      case 2:
        // The wall time, so that the record still holds an event.
        changed[13]! ^= 1;
        break;
      default:
        parts[at] = record.subarray(0, Math.max(1, record.length - 3));
    }
    if (parts[at] === record) parts[at] = changed;
  }
  return Buffer.concat(parts);
}

/** Series that are longer than what the viewers keep. */
function writeLongSeries(program: Program): void {
  const { random, directory } = program;
  const kind = random.chance(40) ? 'scalars' : random.pick(KINDS);
  const events: Event[] = [
    { wallTime: program.wallTime(), step: 0, what: { kind: 'fileVersion', fileVersion: 'brain.Event:2' } },
  ];
  const count = kind === 'scalars' ? 900 + random.below(900) : 20 + random.below(150);
  for (let life = 0; life < 1 + random.below(3); life++) {
    const from = life === 0 ? 0 : random.below(count);
    events.push({ wallTime: program.wallTime(), step: from, what: { kind: 'sessionLog', status: 1 } });
    for (let step = from; step < count; step++) {
      const value = program.value('long', kind, step === from);
      events.push({ wallTime: program.wallTime(), step, what: { kind: 'summary', values: [value] } });
    }
  }
  writeFileSync(join(directory, 'events.out.tfevents.1700000000.host'), Buffer.concat(events.map(toRecord)));
}
