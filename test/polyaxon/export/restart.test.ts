/** Files, summaries and notices do not depend on how a run is divided into takes and processes. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../../src/base/json-value.js';
import type { Event, SummaryValue } from '../../../src/format/wire/messages.js';
import { artifactsOf, Exporter, type ExporterState } from '../../../src/polyaxon/export/exporter.js';
import { ExportedFiles } from '../../support/exported-files.js';
import { readFixtureFile } from '../../support/polyaxon-fixture.js';
import {
  audioValue,
  foreignValue,
  histogramValue,
  imagesValue,
  polyaxonValue,
  prCurveValue,
  scalarValue,
  textValue,
  toEvent,
} from '../../support/summary-events.js';

interface Pushed {
  readonly event: Event;
  readonly logDirectory: string;
}

const PNG = readFixtureFile('assets/image/alpha_0.png');
const WAV = readFixtureFile('assets/audio/tone_0.wav');
/** A low limit, which series of the tests exceed. */
const EXACT_VALUES = 3;

const tag = fc.constantFrom('a', 'a b', 'a-b', 'b/c', 'b__c', '日本', 'x'.repeat(300));
const number = fc.double();
const numbers = fc.array(number, { minLength: 1, maxLength: 3 });
const images = fc.array(fc.constantFrom(PNG, Uint8Array.of(7)), { maxLength: 2 });
const text = fc.string({ unit: 'binary', maxLength: 6 });
const body = fc.oneof(
  fc.record({
    kind: fc.constant('curve' as const),
    value: fc.record({ kind: fc.constant('roc'), x: numbers, y: numbers }) as fc.Arbitrary<JsonValue>,
  }),
  fc.record({ kind: fc.constant('html' as const), value: text as fc.Arbitrary<JsonValue> }),
  fc.record({ kind: fc.constantFrom('file' as const, 'image' as const), value: fc.constant({ kind: 'x' }) }),
);

const value: fc.Arbitrary<SummaryValue> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(tag, number).map(([name, x]) => scalarValue(name, x)) },
  fc.tuple(tag, number).map(([name, x]) => ({
    tag: name,
    value: { kind: 'simpleValue' as const, simpleValue: Math.fround(x) },
  })),
  fc.tuple(tag, images).map(([name, list]) => imagesValue(name, ...list)),
  tag.map((name) => audioValue(name, WAV)),
  fc.tuple(tag, text).map(([name, content]) => textValue(name, [content])),
  fc.tuple(tag, number, number).map(([name, left, count]) => histogramValue(name, [[left, left + 1, count]])),
  fc.tuple(tag, number).map(([name, x]) => prCurveValue(name, [x], [x])),
  tag.map((name) => foreignValue('mesh', name)),
  fc
    .tuple(tag, body, fc.boolean())
    .map(([name, { kind, value: content }, hasAsset]) =>
      polyaxonValue(
        { kind, name, value: content, ...(hasAsset ? { asset: { extension: 'bin' } } : {}) },
        hasAsset ? Uint8Array.of(1, 2, 3) : undefined,
      ),
    ),
);

/** Values without metadata, as writers omit it after the first value of a tag. The tag may be unknown and the value invalid. */
const anyValue = fc
  .tuple(value, fc.boolean())
  .map(([full, isBare]) =>
    isBare && full.value !== undefined ? { tag: full.tag, value: full.value } : full,
  );

const step = fc.oneof(
  fc.integer({ min: -2, max: 5 }),
  fc.constantFrom(2n ** 53n + 1n, 2n ** 62n, -(2n ** 63n)),
);
const wallTime = fc.oneof(
  fc.double({ min: 1.6e9, max: 1.8e9, noNaN: true }),
  fc.constantFrom(0, Number.NaN, 1e300, -5.25, 1_700_000_000),
);
const pushed: fc.Arbitrary<Pushed> = fc
  .tuple(step, wallTime, fc.array(anyValue, { minLength: 1, maxLength: 2 }), fc.constantFrom('', 'w', 'w/x'))
  .map(([when, time, values, logDirectory]) => ({ event: toEvent(when, time, ...values), logDirectory }));
const run = fc.array(pushed, { maxLength: 25 });

function outcome(exporter: Exporter, files: ExportedFiles) {
  files.take(exporter);
  return {
    files: files.toObject(),
    inputs: files.inputs,
    notices: files.notices,
    artifacts: exporter.artifacts(),
    lastValues: exporter.lastValues(),
    counts: exporter.counts,
    state: throughJson(exporter.state),
  };
}

function throughJson<T>(state: T): T {
  return JSON.parse(JSON.stringify(state)) as T;
}

function projectWhole(events: readonly Pushed[]) {
  const exporter = new Exporter({ exactValues: EXACT_VALUES });
  for (const { event, logDirectory } of events) exporter.push(event, logDirectory);
  return outcome(exporter, new ExportedFiles());
}

describe('Exporter', () => {
  it('continues from its state with the same bytes and summaries at any point', () => {
    fc.assert(
      fc.property(run, fc.nat(25), fc.nat(25), (events, first, second) => {
        const files = new ExportedFiles();
        const cuts = [first, second].sort((a, b) => a - b);
        let state: ExporterState | undefined;
        for (const part of [
          events.slice(0, cuts[0]),
          events.slice(cuts[0], cuts[1]),
          events.slice(cuts[1]),
        ]) {
          const exporter = new Exporter({ exactValues: EXACT_VALUES, state });
          for (const { event, logDirectory } of part) exporter.push(event, logDirectory);
          files.take(exporter);
          state = throughJson(exporter.state);
        }

        const last = new Exporter({ exactValues: EXACT_VALUES, state });
        const whole = projectWhole(events);
        expect(outcome(last, files)).toEqual(whole);
        expect(artifactsOf(whole.state)).toEqual(whole.artifacts);
      }),
      { numRuns: 1000 },
    );
  });

  it('writes the same bytes for any number of takes', () => {
    fc.assert(
      fc.property(run, fc.array(fc.boolean(), { maxLength: 25 }), (events, takes) => {
        const exporter = new Exporter({ exactValues: EXACT_VALUES });
        const files = new ExportedFiles();
        for (const [i, { event, logDirectory }] of events.entries()) {
          exporter.push(event, logDirectory);
          if (takes[i] === true) files.take(exporter);
        }

        expect(outcome(exporter, files)).toEqual(projectWhole(events));
      }),
      { numRuns: 500 },
    );
  });

  it('accounts for every value, and gives each series a unique name', () => {
    fc.assert(
      fc.property(run, (events) => {
        const { counts, artifacts } = projectWhole(events);
        const sum = (numbers: Readonly<Record<string, number>>): number =>
          Object.values(numbers).reduce((total, count) => total + count, 0);

        const { values, exported, inputs, previews, unexported, invalid } = counts;
        expect(sum(exported) + inputs + previews + sum(unexported) + sum(invalid)).toBe(values);
        expect(new Set(artifacts.map(({ name }) => name)).size).toBe(artifacts.length);
      }),
      { numRuns: 300 },
    );
  });
});
