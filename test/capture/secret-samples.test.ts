import { describe, expect, it } from 'vitest';
import { createMasker } from '../../src/capture/secrets.js';
import { HARMLESS, NAMED, PLACES, RandomText, TOKENS } from './secret-samples.js';

const masker = createMasker({});
const SEEDS = [1, 2, 3, 4, 5];

/** Whether the text keeps eight or more characters of the secret. */
function leaks(masked: string, secret: string): boolean {
  return Array.from({ length: Math.max(1, secret.length - 7) }, (_, i) => secret.slice(i, i + 8)).some(
    (part) => masked.includes(part),
  );
}

describe('F86: made-up secrets', () => {
  it.each(Object.entries(TOKENS))('F86: a token of %s is masked anywhere', (_, makers) => {
    const found = SEEDS.flatMap((seed) => makers.map((make) => make(new RandomText(seed))))
      .flatMap((token) =>
        [token, `using ${token} now`, `https://h/?x=${token}&y`, `"${token}"`, `x=${token},`].map(
          (text) => [token, masker.maskText(text)] as const,
        ),
      )
      .filter(([token, masked]) => leaks(masked, token));

    expect(found).toEqual([]);
  });

  it.each(PLACES)('F86: a password is masked in: %s', (place) => {
    const found = SEEDS.flatMap((seed) => {
      const random = new RandomText(seed);
      return [random.letters(14), `Tr0ub${random.any(10)}`, random.any(24), `${random.letters(9)}!`];
    })
      .map((secret) => [secret, masker.maskText(place.replace(/%(?!%)/, () => secret))] as const)
      .filter(([secret, masked]) => leaks(masked, secret));

    expect(found).toEqual([]);
  });

  it.each(NAMED)('F86: a value is masked beside the name of its service: %s', (place, make) => {
    const secret = make(new RandomText(7));

    expect(masker.maskText(place.replace('%', secret))).not.toContain(secret);
  });

  it.each(HARMLESS)('F86: a harmless text stays unchanged: %s', (text) => {
    expect(masker.maskText(text)).toBe(text);
  });

  it('F86: base64 of an image stays unchanged, also in lines', () => {
    const image = new RandomText(11).base64(200_000);
    const lines = image.replace(/.{76}/g, '$&\n');

    expect(masker.maskText(image) === image).toBe(true);
    expect(masker.maskText(lines) === lines).toBe(true);
  });
});
