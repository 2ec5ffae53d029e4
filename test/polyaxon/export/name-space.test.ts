import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NameSpace, type SeriesKey } from '../../../src/polyaxon/export/name-space.js';

const MAX_LENGTH = 200;

function keyOf(kind: string, rawName: string, logDirectory = ''): SeriesKey {
  return { kind, logDirectory, rawName };
}

function chooseAll(names: NameSpace, keys: readonly SeriesKey[]) {
  return keys.map((key) => {
    const { name, change } = names.choose(key, MAX_LENGTH);
    return [name, change?.code];
  });
}

describe('NameSpace', () => {
  it('appends a hash for the same kind, and the kind for other kinds', () => {
    const keys = [
      keyOf('metric', 'a b'),
      keyOf('metric', 'a-b'),
      keyOf('metric', 'a.b'),
      keyOf('image', 'a b'),
      keyOf('image', 'a-b'),
      keyOf('image', 'a-b-image'),
      keyOf('text', '★'),
      keyOf('text', '☆/★'),
      keyOf('metric', '训练/损失'),
      keyOf('metric', '训练\\损失'),
      keyOf('metric', 'loss', 'worker-1'),
      keyOf('metric', 'worker-1/loss'),
    ];

    expect(chooseAll(new NameSpace(), keys)).toEqual([
      ['a-b', undefined],
      ['a-b-d443', 'WARN_NAME_TAKEN'],
      ['a-b-2e73', 'WARN_NAME_TAKEN'],
      ['a-b-image', 'WARN_NAME_TAKEN'],
      ['a-b-image-d443', 'WARN_NAME_TAKEN'],
      ['a-b-image-7609', 'WARN_NAME_TAKEN'],
      ['unnamed-26c57b08', 'WARN_NAME_GENERATED'],
      ['unnamed-de65bdc7', 'WARN_NAME_GENERATED'],
      ['训练__损失', undefined],
      ['训练__损失-8796', 'WARN_NAME_TAKEN'],
      ['worker-1__loss', undefined],
      ['worker-1__loss-eb18', 'WARN_NAME_TAKEN'],
    ]);
  });

  it('does not use reserved names', () => {
    const names = new NameSpace((name) => name === 'cpu');

    expect(chooseAll(names, [keyOf('metric', 'cpu'), keyOf('metric', 'cpus')])).toEqual([
      ['cpu-metric', 'WARN_NAME_TAKEN'],
      ['cpus', undefined],
    ]);
  });

  it('cuts long names, and keeps names with the same start distinct', () => {
    const long = 'x'.repeat(300);

    const chosen = chooseAll(new NameSpace(), [
      keyOf('metric', `${long}a`),
      keyOf('metric', `${long}b`),
      keyOf('metric', 'x'.repeat(MAX_LENGTH)),
      keyOf('image', 'x'.repeat(MAX_LENGTH)),
    ]);

    const texts = chosen.map(([name]) => name!);
    expect(new Set(texts).size).toBe(4);
    expect(texts.map((name) => name.length)).toEqual([MAX_LENGTH, MAX_LENGTH, MAX_LENGTH, MAX_LENGTH]);
    expect(texts[3]).toMatch(/^x+-[0-9a-f]{8}-image$/);
    expect(chosen.map(([, code]) => code)).toEqual([
      'WARN_NAME_CUT',
      'WARN_NAME_CUT',
      undefined,
      'WARN_NAME_TAKEN',
    ]);
  });

  it('never returns a name twice, and returns the same names after a restart', () => {
    const key = fc.record({
      kind: fc.constantFrom('metric', 'image', 'text'),
      logDirectory: fc.constantFrom('', 'w', 'w/x'),
      rawName: fc.oneof(
        fc.stringMatching(/^[ab ./-]{0,4}$/),
        fc.string({ unit: 'binary', maxLength: 8 }),
        fc.constantFrom(
          'a-b-image',
          'a-b-text',
          'w__a',
          'é',
          '损失',
          '损/失',
          'x'.repeat(250),
          '损'.repeat(90),
        ),
      ),
    });
    const keys = fc.uniqueArray(key, { selector: (value) => JSON.stringify(value), maxLength: 40 });
    fc.assert(
      fc.property(keys, fc.nat(40), (list, cut) => {
        const whole = chooseAll(new NameSpace(), list);
        const before = chooseAll(new NameSpace(), list.slice(0, cut));
        const restored = new NameSpace();
        for (const [i, [name]] of before.entries()) restored.restore(name!, list[i]!.kind);

        expect([...before, ...chooseAll(restored, list.slice(cut))]).toEqual(whole);
        expect(new Set(whole.map(([name]) => name)).size).toBe(list.length);
        for (const [name] of whole) {
          expect(name).toMatch(/^[\p{L}\p{M}\p{N}_-]+$/u);
          expect(Buffer.byteLength(name!)).toBeLessThanOrEqual(MAX_LENGTH);
        }
      }),
      { numRuns: 500 },
    );
  });
});
