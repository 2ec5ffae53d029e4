import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBoundedJson } from '../../src/base/bounded-json.js';

describe('parseBoundedJson', () => {
  it('parses whatever JSON.parse does', () => {
    const padding = ' '.repeat(3000);
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = padding + JSON.stringify(value);

        expect(parseBoundedJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('counts no brackets in strings', () => {
    const value = ['['.repeat(5000), '\\"{'.repeat(5000)];

    expect(parseBoundedJson(JSON.stringify(value))).toEqual(value);
  });

  it.each(['[', '{"a":', '[{"a":'])(
    'F85: rejects %s nested too deeply, instead of overflowing the stack later',
    (open) => {
      expect(() => parseBoundedJson(open.repeat(20_000))).toThrow(
        new SyntaxError('the JSON is nested more than 1000 levels deep'),
      );
    },
  );
});
