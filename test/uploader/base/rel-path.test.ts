import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RelPathError } from '../../../uploader/base/errors.js';
import {
  isSafeKey,
  parseRelPath,
  tooLongReason,
  toPathBytes,
  toRelPath,
} from '../../../uploader/base/rel-path.js';

const bytes = (...values: number[]): Buffer => Buffer.from(values);
const names = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));

/** Names that a POSIX file system allows. */
const anyName = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .map((array) => Buffer.from(array))
  .filter(
    (name) => !name.includes(0) && !name.includes(0x2f) && !['.', '..'].includes(name.toString('latin1')),
  );
/** Edge cases: names of characters that need special handling. */
const anyAwkwardName = fc
  .array(
    fc.constantFrom('%', '%41', 'C:', ' ', '\n', '\u0085', 'é', 'e\u0301', '\ufffe', '\ufeff', '😀', 'x'),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((parts) => Buffer.from(parts.join('')));
const anyPath = fc
  .array(fc.oneof(anyName, anyAwkwardName), { minLength: 1, maxLength: 4 })
  .filter(([first]) => first?.toString('latin1') !== '.plx');

describe('toRelPath', () => {
  it.each([
    ['keeps plain text', names('outputs', 'model v2.bin'), 'outputs/model v2.bin'],
    ['keeps letters of all scripts', names('日本', 'naïve.txt'), '日本/naïve.txt'],
    ['encodes the percent sign', names('50%.txt'), '50%25.txt'],
    ['encodes control characters', names('a\nb\u007f\u0085'), 'a%0Ab%7F%C2%85'],
    ['encodes bytes that are not UTF-8', [bytes(0x61, 0xff, 0x62, 0xc3)], 'a%FFb%C3'],
    ['encodes an overlong form and a surrogate', [bytes(0xc0, 0xaf, 0xed, 0xa0, 0x80)], '%C0%AF%ED%A0%80'],
    ['encodes characters that XML does not allow', names('\ufffe\uffff'), '%EF%BF%BE%EF%BF%BF'],
    ['encodes the colon of a drive letter', names('C:', 'D:'), 'C%3A/D:'],
  ])('%s', (_, given, expected) => {
    expect(toRelPath(given)).toBe(expected);
  });

  it('distinguishes composed and decomposed forms of a name', () => {
    expect(toRelPath(names('é'))).not.toBe(toRelPath(names('e\u0301')));
  });

  it('encodes any names reversibly, in a form that parseRelPath accepts', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        const relPath = toRelPath(path);

        const joined = Buffer.concat(
          path.flatMap((name, index) => (index === 0 ? [name] : [bytes(0x2f), name])),
        );
        expect(toPathBytes(relPath).equals(joined)).toBe(true);
        expect(parseRelPath(relPath)).toBe(relPath);
        expect(relPath).not.toMatch(/\p{Cc}/u);
      }),
      { numRuns: 10_000 },
    );
  });
});

describe('parseRelPath', () => {
  it.each([
    ['', 'empty'],
    ['/etc/passwd', 'absolute'],
    ['../x', '".."'],
    ['a/../../x', '".."'],
    ['a/./b', '"."'],
    ['a//b', 'empty name'],
    ['a/', 'empty name'],
    ['.plx/lease.json', 'reserved'],
    ['C:/x', 'canonical'],
    ['a%00b', 'NUL'],
    ['a%2Fb', '"/"'],
    ['a\u0000b', 'NUL'],
    ['%2E%2E/x', 'canonical'],
    ['%41', 'canonical'],
    ['50%', 'canonical'],
    ['a%0a', 'canonical'],
    ['a\nb', 'canonical'],
    ['a\ud800', 'canonical'],
  ])('rejects %j', (text, reason) => {
    expect(() => parseRelPath(text)).toThrow(RelPathError);
    expect(() => parseRelPath(text)).toThrow(reason);
  });

  it('never accepts a path that leaves its directory', () => {
    const anyText = fc.array(fc.constantFrom('..', '.', '/', 'a', '%2E', '%2F', '%00', '\\', 'C:', '.plx'), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(anyText, (parts) => {
        const text = parts.join('');
        let parsed: string;
        try {
          parsed = parseRelPath(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RelPathError);
          return;
        }
        const decoded = toPathBytes(parseRelPath(parsed)).toString('latin1');
        expect(decoded.split('/')).not.toContain('..');
        expect(decoded.startsWith('/')).toBe(false);
      }),
    );
  });
});

describe('tooLongReason', () => {
  it('accepts a key of 1,024 bytes in names of 255', () => {
    const key = [...Array.from({ length: 4 }, () => 'x'.repeat(255)), ''].join('/').slice(0, 1023);

    expect(tooLongReason(key)).toBeNull();
  });

  it('counts bytes, not characters', () => {
    expect(tooLongReason('é'.repeat(128))).toContain('256 bytes');
    expect(tooLongReason(Array.from({ length: 9 }, () => 'é'.repeat(60)).join('/'))).toContain(
      'at most 1024',
    );
  });
});

describe('isSafeKey', () => {
  it.each(['..', 'a/../b', 'a//b', '', '/a', 'a/', 'a\u0000'])('rejects %j', (key) => {
    expect(isSafeKey(key)).toBe(false);
  });

  it('accepts the reserved directory of the uploader', () => {
    expect(isSafeKey('0123/.plx/lease.json')).toBe(true);
  });
});
