import { describe, expect, it } from 'vitest';
import { checkOptions, findSimilar, type OptionTable } from '../../src/base/options.js';

interface Options {
  readonly step?: number;
  readonly wallTime?: number;
  readonly isInput?: boolean;
  readonly onError?: () => void;
  readonly relPath?: string;
}
const TABLE: OptionTable<Options> = {
  step: 'any',
  wallTime: 'number',
  isInput: 'boolean',
  onError: 'function',
  relPath: 'string',
};

describe('checkOptions', () => {
  it('accepts no options, plain objects, and objects of a class or without a prototype', () => {
    class Mine {
      step = 1;
    }
    for (const options of [undefined, {}, { step: 1, wallTime: undefined }, new Mine(), Object.create(null)])
      expect(() => checkOptions<Options>('log', options, TABLE)).not.toThrow();
  });

  it.each<[unknown, string, string]>([
    [{ setp: 1 }, 'log has no option "setp"; did you mean "step"?', 'Rename it to step, or omit it.'],
    [
      { wall_time: 1 },
      'log has no option "wall_time"; did you mean "wallTime"?',
      'Rename it to wallTime, or omit it.',
    ],
    [{ rest: 1 }, 'log has no option "rest"', 'Use only step, wallTime, isInput, onError, relPath.'],
    [
      { constructor: 1 },
      'log has no option "constructor"',
      'Use only step, wallTime, isInput, onError, relPath.',
    ],
    [
      Object.create({ inherited: 1 }),
      'log has no option "inherited"',
      'Use only step, wallTime, isInput, onError, relPath.',
    ],
    [{ isInput: 'no' }, 'log: isInput is "no", expected a boolean', 'Omit isInput, or pass a boolean.'],
    [{ relPath: null }, 'log: relPath is null, expected a string', 'Omit relPath, or pass a string.'],
    [
      new Map(),
      'log: options is an object (Map), expected an object',
      'Pass an object with any of the options step, wallTime, isInput, onError, relPath.',
    ],
  ])('rejects %o', (options, message, hint) => {
    expect(() => checkOptions('log', options as Options, TABLE)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_INVALID', message, hint }),
    );
  });
});

describe('findSimilar', () => {
  const names = ['step', 'wallTime', 'name', 'uuid', 'trackLogs', 'resume', 'root'];

  it.each([
    ['setp', 'step'],
    ['Step', 'step'],
    ['globalStep', 'step'],
    ['wall-time', 'wallTime'],
    ['nmae', 'name'],
    ['tracklog', 'trackLogs'],
    ['resum', 'resume'],
    ['x', undefined],
    ['captureConsole', undefined],
    ['__proto__', undefined],
    ['', undefined],
  ])('%s → %s', (name, similar) => {
    expect(findSimilar(name, names)).toBe(similar);
  });
});
