import { describe, expect, it } from 'vitest';
import { toSessionHParams } from '../../src/summary/session-hparams.js';

describe('toSessionHParams', () => {
  it('keeps numbers, booleans and texts', () => {
    const { hparams } = toSessionHParams({ lr: 0.1, amp: false, name: 'adam', empty: '' });

    expect(hparams).toEqual({ lr: 0.1, amp: false, name: 'adam', empty: '' });
  });

  it('makes one hyperparameter of each value of an object, and a text of an array', () => {
    const inputs = { opt: { name: 'adam', schedule: { warmup: 5 } }, layers: [64, { units: 32 }], none: {} };

    const { hparams } = toSessionHParams(inputs);

    expect(hparams).toEqual({
      'opt.name': 'adam',
      'opt.schedule.warmup': 5,
      layers: '[64,{"units":32}]',
      none: '{}',
    });
  });

  it('leaves out null, so that the column of the other runs remains one of numbers', () => {
    expect(toSessionHParams({ clip: null, opt: { decay: null, lr: 1 } }).hparams).toEqual({ 'opt.lr': 1 });
  });

  it('shows the names that the program gave, and the key for an empty one', () => {
    const names = new Map([
      ['model__lr', 'model/lr'],
      ['unnamed-f9acb6a8', '学习率'],
      ['unnamed-0', ''],
    ]);

    const { hparams } = toSessionHParams(
      { model__lr: 1, 'unnamed-f9acb6a8': 2, 'unnamed-0': 3, seed: 4 },
      (key) => names.get(key) ?? key,
    );

    expect(hparams).toEqual({ 'model/lr': 1, 学习率: 2, 'unnamed-0': 3, seed: 4 });
  });

  it('keeps both of two inputs with the same name', () => {
    const { hparams } = toSessionHParams({ 'a-b': 1, a: { b: 2 } }, (key) => (key === 'a-b' ? 'a.b' : key));

    expect(hparams).toEqual({ 'a.b': 1, 'a.b (2)': 2 });
  });

  it('keeps the key __proto__', () => {
    const { hparams } = toSessionHParams(JSON.parse('{"__proto__": 1}'));

    expect(Object.entries(hparams)).toEqual([['__proto__', 1]]);
  });

  it('cuts a text at 1,000 characters, not within a surrogate pair', () => {
    const { hparams } = toSessionHParams({ short: 'x'.repeat(1000), long: `${'x'.repeat(999)}😀` });

    expect(hparams).toEqual({ short: 'x'.repeat(1000), long: `${'x'.repeat(999)}\u{fffd}…` });
  });

  it('has at most 1,000 hyperparameters, and counts the others', () => {
    const layers = Object.fromEntries(Array.from({ length: 1203 }, (_, i) => [`layer${i}`, i]));

    const { hparams, omitted } = toSessionHParams({ lr: 1, layers });

    expect([Object.keys(hparams).length, omitted]).toEqual([1000, 204]);
  });
});
