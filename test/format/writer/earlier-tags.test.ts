import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ScannedEvent } from '../../../src/format/wire/scan-event.js';
import { EarlierTags } from '../../../src/format/writer/earlier-tags.js';

const NOTHING = { step: 0, fileVersion: undefined, isSessionStart: false, values: undefined };

const anyEvent: fc.Arbitrary<ScannedEvent> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('brain.Event:2', 'brain.Event:1')
      .map((fileVersion) => ({ ...NOTHING, fileVersion })),
  },
  { weight: 1, arbitrary: fc.nat(20).map((step) => ({ ...NOTHING, step, isSessionStart: true })) },
  {
    weight: 8,
    arbitrary: fc
      .record({
        step: fc.nat(20),
        tags: fc.array(fc.constantFrom('a', 'b'), { maxLength: 2 }),
        hasData: fc.boolean(),
      })
      .map(({ step, tags, hasData }) => ({
        ...NOTHING,
        step,
        values: tags.map((tag) => ({ tag, plugin: undefined, hasData, isRetraction: false })),
      })),
  },
);

/** The points that TensorBoard's Python reader shows, as lists of steps. */
function readAsPython(events: readonly ScannedEvent[]): Map<string, number[]> {
  const points = new Map<string, number[]>();
  const removeFrom = (tag: string, from: number) =>
    points.set(
      tag,
      (points.get(tag) ?? []).filter((step) => step < from),
    );
  let version = 0;
  let hasStarted = false;
  let lastStep = -1;
  for (const { step, fileVersion, isSessionStart, values } of events) {
    if (fileVersion !== undefined) version = Number(fileVersion.at(-1));
    if (version === 2) {
      if (isSessionStart && hasStarted) for (const tag of points.keys()) removeFrom(tag, Number(step));
      hasStarted ||= isSessionStart;
    } else if (values !== undefined && step < lastStep) {
      for (const { tag } of values) removeFrom(tag, Number(step));
    }
    if (values === undefined) continue;
    lastStep = Number(step);
    for (const { tag, hasData } of values) {
      if (hasData) points.set(tag, [...(points.get(tag) ?? []), Number(step)]);
    }
  }
  return points;
}

describe('EarlierTags', () => {
  it('knows the lowest step that the Python reader shows, and no highest step below that of a point', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 40 }), fc.nat(20), (events, fromStep) => {
        const earlier = new EarlierTags(fromStep);
        for (const event of events) earlier.add(event);

        for (const [tag, steps] of readAsPython(events)) {
          const { lowest, highest, last, supersededFrom } = earlier.tags.get(tag) ?? {};
          const kept = steps.filter((step) => step < fromStep);
          const superseded = steps.filter((step) => step >= fromStep);
          expect(lowest).toBe(steps.length === 0 ? undefined : Math.min(...steps));
          if (steps.length > 0) expect(Number(highest)).toBeGreaterThanOrEqual(Math.max(...steps));
          if (kept.length > 0) expect(Number(last)).toBeGreaterThanOrEqual(Math.max(...kept));
          if (last !== undefined) expect(Number(last)).toBeLessThan(fromStep);
          if (superseded.length > 0)
            expect(Number(supersededFrom)).toBeLessThanOrEqual(Math.min(...superseded));
          if (supersededFrom !== undefined) expect(Number(supersededFrom)).toBeGreaterThanOrEqual(fromStep);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('has no last step that was removed, also when it is the step of the removal', () => {
    const values = (...tags: string[]) =>
      tags.map((tag) => ({ tag, plugin: 'scalars', hasData: true, isRetraction: false }));
    const earlier = new EarlierTags(undefined);
    earlier.add({ ...NOTHING, step: 1, values: values('a') });
    earlier.add({ ...NOTHING, step: 3, values: values('a') });
    earlier.add({ ...NOTHING, step: 5, values: values('b') });
    // Without data, so that it removes points and adds none.
    earlier.add({ ...NOTHING, step: 3, values: values('a').map((each) => ({ ...each, hasData: false })) });

    expect(earlier.tags.get('a')).toMatchObject({ lowest: 1, highest: 2, last: 2 });
  });

  it('is exact for steps beyond 2^53', () => {
    const earlier = new EarlierTags(2n ** 62n);
    for (const step of [2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n]) {
      earlier.add({
        ...NOTHING,
        step,
        values: [{ tag: 'a', plugin: 'scalars', hasData: true, isRetraction: false }],
      });
    }

    expect(earlier.tags.get('a')).toEqual({
      plugin: 'scalars',
      lowest: 2n ** 53n + 1n,
      highest: 2n ** 63n - 1n,
      last: 2n ** 53n + 1n,
      supersededFrom: 2n ** 62n,
    });
  });

  it('keeps the first plugin that a value of the tag names', () => {
    const earlier = new EarlierTags(undefined);
    for (const plugin of [undefined, 'text', 'scalars', undefined])
      earlier.add({ ...NOTHING, values: [{ tag: 'a', plugin, hasData: true, isRetraction: false }] });
    earlier.add({
      ...NOTHING,
      values: [{ tag: 'b', plugin: undefined, hasData: true, isRetraction: false }],
    });

    expect([...earlier.tags].map(([tag, { plugin }]) => [tag, plugin])).toEqual([
      ['a', 'text'],
      ['b', ''],
    ]);
  });
});
