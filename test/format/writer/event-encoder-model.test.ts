/** The encoder against a model that encodes each event on its own, with the general encoder: random calls give the same bytes, answers and notices. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RecordQueue } from '../../../src/format/record/record-queue.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import {
  DataType,
  type Event,
  SessionStatus,
  type SummaryMetadata,
  type SummaryValue,
} from '../../../src/format/wire/messages.js';
import type { EarlierTag } from '../../../src/format/writer/earlier-tags.js';
import { EventEncoder, type FileStart, type ScalarTag } from '../../../src/format/writer/event-encoder.js';
import {
  createLaterSummary,
  createRetractions,
  type Retraction,
} from '../../../src/format/writer/retraction.js';
import type { Step } from '../../../src/format/writer/step.js';
import { createMetadata } from '../../../src/summary/plugin-data.js';
import { decodeRecords } from '../../support/decode-records.js';

const GRAPH = '__run_graph__';

interface ModelTag {
  plugin: string;
  next: Step;
  hasValue: boolean;
  isScalar: boolean;
  metadata: SummaryMetadata | undefined;
  describedIn: number;
  values: number[];
  earlier: (Pick<EarlierTag, 'highest' | 'supersededFrom'> & { isSingle: boolean }) | undefined;
  readonly noticed: Set<string>;
}

class Model {
  readonly tags = new Map<string, ModelTag>();
  readonly events: Event[] = [];
  readonly notices: string[] = [];
  #file = 0;

  startFile(wallTime: number, writer: string, { sessionStarts, retractions }: FileStart): void {
    this.#file += 1;
    this.#version(2, wallTime, writer);
    if (retractions !== undefined) this.#version(1, wallTime);
    for (const step of sessionStarts)
      this.events.push({ wallTime, step, what: { kind: 'sessionLog', status: SessionStatus.START } });
    if (retractions === undefined) return;
    this.events.push(...createRetractions(retractions, wallTime));
    this.#version(2, wallTime);
  }

  continueAfter(tags: ReadonlyMap<string, EarlierTag>, retractions: readonly Retraction[]): void {
    for (const [tag, { plugin, lowest, highest, last, supersededFrom }] of tags) {
      const state = this.#add(tag, plugin);
      if (last !== undefined) state.next = BigInt(last) + 1n;
      state.earlier = retractions.some((each) => each.tag === tag)
        ? { highest: last, supersededFrom: undefined, isSingle: lowest === last }
        : { highest, supersededFrom, isSingle: lowest === highest };
    }
  }

  skipStep(tag: string, step: Step): void {
    (this.tags.get(tag) ?? this.#add(tag, '')).next = BigInt(step) + 1n;
  }

  makeProvisional(tag: string): void {
    const state = this.tags.get(tag);
    const last = state?.hasValue ? BigInt(state.next) - 1n : state?.earlier?.highest;
    if (state === undefined || last === undefined) return;
    const supersededFrom = state.earlier?.supersededFrom ?? last;
    Object.assign(state, {
      earlier: { highest: last, supersededFrom, isSingle: true },
      next: last,
      hasValue: false,
    });
  }

  scalar(
    tag: string,
    value: number,
    given: Step | undefined,
    wallTime: number,
    metadata?: SummaryMetadata,
  ): void {
    const step = given ?? this.nextStep(tag);
    const state = this.#toScalar(tag, metadata);
    this.#replace([tag], step, wallTime, () => {
      this.#note(tag, state, value, step);
      this.#summary([this.#describe(tag, state, value)], step, wallTime);
    });
  }

  scalars(
    tags: readonly string[],
    values: readonly number[],
    given: Step | undefined,
    wallTime: number,
  ): void {
    for (let start = 0; start < tags.length; ) {
      const step = given ?? this.nextStep(tags[start]!);
      let end = start + 1;
      while (end < tags.length && BigInt(given ?? this.nextStep(tags[end]!)) === BigInt(step)) end += 1;
      const group = tags.slice(start, end);
      const from = start;
      this.#replace(group, step, wallTime, () => {
        const written = group.map((tag, index) => {
          const state = this.#toScalar(tag, undefined);
          this.#note(tag, state, values[from + index]!, step);
          return this.#describe(tag, state, values[from + index]!);
        });
        this.#summary(written, step, wallTime);
      });
      start = end;
    }
  }

  summary(values: readonly SummaryValue[], step: Step, wallTime: number): void {
    this.#replace(
      values.map(({ tag }) => tag),
      step,
      wallTime,
      () => {
        const written = values.map((value): SummaryValue => {
          const plugin = value.metadata?.pluginName ?? '';
          const state = this.tags.get(value.tag) ?? this.#add(value.tag, plugin);
          this.#checkPlugin(value.tag, state, plugin);
          if (state.metadata === undefined) state.metadata = value.metadata;
          else if (value.metadata !== undefined) this.#checkMetadata(value.tag, state, value.metadata);
          this.#advance(value.tag, state, step);
          const isDescribed = state.describedIn === this.#file && value.value !== undefined;
          state.describedIn = this.#file;
          return isDescribed ? { tag: value.tag, value: value.value } : value;
        });
        this.#summary(written, step, wallTime);
      },
    );
  }

  graph(event: Event): void {
    if (!this.tags.has(GRAPH)) this.#add(GRAPH, 'graphs');
    this.#replace([GRAPH], event.step, event.wallTime, () => this.events.push(event));
  }

  nextStep(tag: string): Step {
    return this.tags.get(tag)?.next ?? 0;
  }

  #add(tag: string, plugin: string): ModelTag {
    const state: ModelTag = {
      ...{ plugin, next: 0, hasValue: false, isScalar: false, metadata: undefined, describedIn: -1 },
      ...{ values: [], earlier: undefined, noticed: new Set<string>() },
    };
    this.tags.set(tag, state);
    return state;
  }

  #toScalar(tag: string, metadata: SummaryMetadata | undefined): ModelTag {
    const state = this.tags.get(tag) ?? this.#add(tag, 'scalars');
    if (!state.isScalar) {
      this.#checkPlugin(tag, state, 'scalars');
      Object.assign(state, { metadata, isScalar: true });
    } else if (metadata !== undefined) this.#checkMetadata(tag, state, metadata);
    return state;
  }

  #describe(tag: string, state: ModelTag, value: number): SummaryValue {
    const isDescribed = state.describedIn === this.#file;
    state.describedIn = this.#file;
    const isExact = Object.is(Math.fround(value), value);
    const tensor = {
      ...{ dtype: DataType.FLOAT, shape: [], floatVal: Float32Array.of(value) },
      ...(isExact ? {} : { doubleVal: Float64Array.of(value) }),
    };
    const metadata = isDescribed ? {} : { metadata: state.metadata ?? createMetadata('scalars') };
    return { tag, value: { kind: 'tensor', tensor }, ...metadata };
  }

  #note(tag: string, state: ModelTag, value: number, step: Step): void {
    this.#advance(tag, state, step);
    state.values.push(value);
  }

  #advance(tag: string, state: ModelTag, step: Step): void {
    if (state.hasValue && step < state.next)
      this.#notice(
        state,
        'stepNotIncreasing',
        `${tag}: step ${step} after step ${BigInt(state.next) - 1n}; TensorBoard drops the earlier points from step ${step}`,
      );
    state.hasValue = true;
    state.next = BigInt(step) + 1n;
  }

  #checkPlugin(tag: string, state: ModelTag, plugin: string): void {
    if (state.plugin === '') state.plugin = plugin;
    if (plugin === '' || state.plugin === plugin) return;
    this.#notice(
      state,
      'tagReused',
      `${tag}: logged as ${plugin} after ${state.plugin}; TensorBoard still shows the tag as ${state.plugin}`,
    );
  }

  #checkMetadata(tag: string, state: ModelTag, metadata: SummaryMetadata): void {
    const toText = (each: SummaryMetadata | undefined): string =>
      JSON.stringify([
        each?.displayName,
        each?.description,
        each?.content && Buffer.from(each.content).toString('hex'),
      ]);
    if (toText(metadata) === toText(state.metadata)) return;
    this.#notice(
      state,
      'metadataIgnored',
      `${tag}: display name, description or plugin data changed after the first value; TensorBoard keeps the first ones`,
    );
  }

  #notice(state: ModelTag, kind: string, detail: string): void {
    if (!state.noticed.has(kind)) this.notices.push(`${kind} ${detail}`);
    state.noticed.add(kind);
  }

  /** Removes what the values replace, before and after `write`. */
  #replace(tags: readonly string[], step: Step, wallTime: number, write: () => void): void {
    let isReplacing = false;
    const retractions = [...new Set(tags)].flatMap((tag): Retraction[] => {
      const state = this.tags.get(tag);
      const { earlier } = state ?? {};
      if (state === undefined || earlier === undefined) return [];
      state.earlier = undefined;
      const { highest, supersededFrom } = earlier;
      const isAfter = highest === undefined || highest < step;
      if (supersededFrom === undefined && isAfter) return [];
      isReplacing = true;
      const isEarlier = supersededFrom !== undefined && supersededFrom < step;
      if (!isEarlier && /^(hparams|custom_scalars|graphs|graph_.*)$/.test(state.plugin)) return [];
      const leavesNoImages = state.plugin === 'images';
      return [{ tag, fromStep: isEarlier ? supersededFrom : step, leavesNoImages }];
    });
    if (isReplacing) {
      this.#version(1, wallTime);
      this.events.push(...createRetractions(retractions, wallTime), createLaterSummary(step, wallTime));
    }
    write();
    if (isReplacing) this.#version(2, wallTime);
  }

  #summary(values: readonly SummaryValue[], step: Step, wallTime: number): void {
    this.events.push({ wallTime, step, what: { kind: 'summary', values } });
  }

  #version(version: 1 | 2, wallTime: number, writer?: string): void {
    const named = writer === undefined ? {} : { writer };
    this.events.push({
      wallTime,
      step: 0,
      what: { kind: 'fileVersion', fileVersion: `brain.Event:${version}`, ...named },
    });
  }
}

type Call =
  | {
      readonly kind: 'scalar';
      readonly tag: string;
      readonly value: number;
      readonly step?: Step;
      readonly metadata?: SummaryMetadata;
    }
  | {
      readonly kind: 'scalars';
      readonly tags: readonly string[];
      readonly values: readonly number[];
      readonly step?: Step;
    }
  | { readonly kind: 'summary'; readonly values: readonly SummaryValue[]; readonly step: Step }
  | { readonly kind: 'graph'; readonly step: Step }
  | { readonly kind: 'skip'; readonly tag: string; readonly step: Step }
  | { readonly kind: 'provisional'; readonly tag: string }
  | { readonly kind: 'file'; readonly starts: readonly Step[] };

const TAGS = ['loss', 'accuracy', 'a longer name of a tag', 'é', 'image', 'hparams', GRAPH];
const tag = fc.constantFrom(...TAGS);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 6 }) },
  { weight: 1, arbitrary: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }) },
);
const maybeStep = fc.option(step, { nil: undefined });
const value = fc.oneof(fc.constantFrom(0.5, 0.1, -0, Number.NaN, Number.POSITIVE_INFINITY), fc.double());
const plugin = fc.constantFrom('scalars', 'images', 'hparams', 'text');
const metadata = fc
  .record({
    plugin,
    displayName: fc.constantFrom(undefined, 'name'),
    description: fc.constantFrom(undefined, 'text'),
    content: fc.constantFrom(undefined, 'ab', 'ac'),
  })
  .map(
    ({ plugin: pluginName, displayName, description, content }): SummaryMetadata => ({
      ...createMetadata(pluginName),
      ...(displayName === undefined ? {} : { displayName }),
      ...(description === undefined ? {} : { description }),
      ...(content === undefined ? {} : { content: Buffer.from(content) }),
    }),
  );
const summaryValue = fc
  .record({
    tag,
    metadata: fc.option(metadata, { nil: undefined }),
    text: fc.option(fc.constantFrom('x', 'y'), { nil: undefined }),
  })
  .map(
    ({ tag: name, metadata: given, text }): SummaryValue => ({
      tag: name,
      ...(given === undefined ? {} : { metadata: given }),
      ...(text === undefined
        ? {}
        : {
            value: {
              kind: 'tensor',
              tensor: { dtype: DataType.STRING, shape: [], stringVal: [Buffer.from(text)] },
            },
          }),
    }),
  );

const call: fc.Arbitrary<Call> = fc.oneof(
  fc.record({
    kind: fc.constant('scalar' as const),
    tag,
    value,
    step: maybeStep,
    metadata: fc.option(metadata, { nil: undefined, freq: 2 }),
  }),
  fc
    .uniqueArray(fc.tuple(tag, value), { minLength: 1, maxLength: 5, selector: ([name]) => name })
    .chain((pairs) =>
      fc.record({
        kind: fc.constant('scalars' as const),
        tags: fc.constant(pairs.map(([name]) => name)),
        values: fc.constant(pairs.map(([, each]) => each)),
        step: maybeStep,
      }),
    ),
  fc.record({
    kind: fc.constant('summary' as const),
    values: fc.array(summaryValue, { minLength: 1, maxLength: 3 }),
    step,
  }),
  fc.record({ kind: fc.constant('graph' as const), step }),
  fc.record({ kind: fc.constant('skip' as const), tag, step }),
  fc.record({ kind: fc.constant('provisional' as const), tag }),
  fc.record({ kind: fc.constant('file' as const), starts: fc.array(step, { maxLength: 2 }) }),
) as fc.Arbitrary<Call>;

const small = fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined });
const earlierTag: fc.Arbitrary<EarlierTag> = fc.record({
  plugin: fc.constantFrom('scalars', 'images', 'hparams', ''),
  lowest: small,
  highest: small,
  last: small,
  supersededFrom: small,
});
const start = fc.record({
  tags: fc.dictionary(tag, earlierTag, { maxKeys: 4 }),
  retracted: fc.uniqueArray(tag, { maxLength: 2 }),
  isResumed: fc.boolean(),
});

it('encodes what the general encoder does for each event alone, and answers as a model of the tags', () => {
  fc.assert(
    fc.property(start, fc.array(call, { maxLength: 14 }), ({ tags, retracted, isResumed }, calls) => {
      const queue = new RecordQueue();
      const notices: string[] = [];
      const encoder = new EventEncoder(queue, ({ kind, tag: name, detail }) => {
        expect(detail.startsWith(`${name}: `)).toBe(true);
        notices.push(`${kind} ${detail}`);
      });
      const model = new Model();
      // The same objects for a tag, as a program keeps them.
      const known = new Map(TAGS.map((name): [string, ScalarTag] => [name, { tag: name, state: undefined }]));
      const earlier = new Map(isResumed ? Object.entries(tags) : []);
      const retractions = retracted
        .filter((name) => earlier.has(name))
        .map((name) => ({ tag: name, fromStep: 1 }));
      const first: FileStart = { sessionStarts: [0], ...(isResumed ? { retractions } : {}) };
      if (isResumed) encoder.continueAfter(earlier, retractions);
      if (isResumed) model.continueAfter(earlier, retractions);
      let bytes = encoder.startFile(1, 'writer', first);
      model.startFile(1, 'writer', first);

      for (const [index, each] of calls.entries()) {
        const wallTime = 2 + (index >> 1);
        if (each.kind === 'scalar') {
          const to = index % 2 === 0 ? each.tag : known.get(each.tag)!;
          bytes += encoder.scalar(to, each.value, each.step, wallTime, each.metadata);
          model.scalar(each.tag, each.value, each.step, wallTime, each.metadata);
        } else if (each.kind === 'scalars') {
          const targets = each.tags.map((name) => known.get(name)!);
          bytes += encoder.scalars(targets, each.values, each.step, wallTime);
          model.scalars(each.tags, each.values, each.step, wallTime);
        } else if (each.kind === 'summary') {
          bytes += encoder.summary(each.values, each.step, wallTime);
          model.summary(each.values, each.step, wallTime);
        } else if (each.kind === 'graph') {
          const event: Event = {
            wallTime,
            step: each.step,
            what: { kind: 'graphDef', graphDef: Buffer.from('graph') },
          };
          bytes += encoder.graph(event);
          model.graph(event);
        } else if (each.kind === 'skip') {
          encoder.skipStep(each.tag, each.step);
          model.skipStep(each.tag, each.step);
        } else if (each.kind === 'provisional') {
          encoder.makeProvisional(each.tag);
          model.makeProvisional(each.tag);
        } else {
          bytes += encoder.startFile(wallTime, 'next', { sessionStarts: each.starts });
          model.startFile(wallTime, 'next', { sessionStarts: each.starts });
        }
      }

      const toHex = (data: Uint8Array): string => Buffer.from(data).toString('hex');
      expect(decodeRecords(queue.waiting).records.map(toHex)).toEqual(
        model.events.map((event) => toHex(joinPieces(encodeEvent(event)))),
      );
      expect(queue.waiting.length).toBe(bytes);
      expect(notices).toEqual(model.notices);
      for (const name of TAGS) {
        const state = model.tags.get(name);
        expect(encoder.knows(name)).toBe(state !== undefined);
        expect(encoder.pluginOf(name)).toBe(state?.plugin ?? '');
        expect(BigInt(encoder.nextStep(name))).toBe(BigInt(state?.next ?? 0));
        expect(encoder.lastScalar(name)).toBe(
          state?.isScalar ? (state.values.at(-1) ?? Number.NaN) : undefined,
        );
        const { earlier: points } = state ?? {};
        expect(encoder.hasCurve(name)).toBe(
          points === undefined ? (state?.hasValue ?? false) : !points.isSingle,
        );
      }
      const ranges = [...model.tags].flatMap(([name, { isScalar, values }]) => {
        const numbers = values.filter((each) => !Number.isNaN(each));
        const last = values.at(-1) ?? Number.NaN;
        return isScalar
          ? [{ tag: name, last, lowest: Math.min(...numbers), highest: Math.max(...numbers) }]
          : [];
      });
      const toText = (each: object): string =>
        JSON.stringify(each, (_, number) => (typeof number === 'number' ? String(number) : number));
      expect([...encoder.scalarRanges()].map(toText)).toEqual(ranges.map(toText));
    }),
    { numRuns: 600 },
  );
});
