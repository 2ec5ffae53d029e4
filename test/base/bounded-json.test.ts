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

  it.each([
    ['{\n  "url": "https://host",\n  "token": secret0a1b2c3d4e5f\n}', "Unexpected token 's' in line 3"],
    ['{ "token": secret }', "Unexpected token 's' in line 1"],
    ['secret', "Unexpected token 's' in line 1"],
    ['{ "token": ', 'Unexpected end of JSON input'],
  ])('repeats no text around an error: %j', (text, message) => {
    expect(() => parseBoundedJson(text)).toThrow(new SyntaxError(message));
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
