/** The bitmap font of labels, as rows of text. */

import { describe, expect, it } from 'vitest';
import { createCanvas, drawText, textWidth, WHITE } from '../../src/summary/canvas.js';
import { findUndrawable } from '../../src/summary/font.js';

const BLACK = [0, 0, 0] as const;

/** Draws a text on a canvas with one row above and two below the capitals. */
function draw(text: string): string[] {
  const width = textWidth(text, 1) + 1;
  const canvas = createCanvas(10, width, BLACK);
  drawText(canvas, text, 0, 1, 1, WHITE);
  return Array.from({ length: 10 }, (_, y) =>
    Array.from({ length: width }, (_, x) => (canvas.pixels[(y * width + x) * 3] === 255 ? '#' : '.')).join(
      '',
    ),
  );
}

describe('drawText', () => {
  it('draws letters with accents and descenders on the line of ASCII letters', () => {
    expect(draw('EÉщ')).toEqual([
      '.........#........',
      '#####.#####.......',
      '#.....#...........',
      '#.....#.....#.#.#.',
      '####..####..#.#.#.',
      '#.....#.....#.#.#.',
      '#.....#.....#.#.#.',
      '#####.#####.#####.',
      '................#.',
      '................#.',
    ]);
  });

  it('draws a letter and a combining accent as one character', () => {
    expect(draw('e\u0301x')).toEqual(draw('éx'));
  });

  it('draws characters that the font lacks as a rectangle, and letters with unknown accents without them', () => {
    expect(draw('猫').slice(1, 8)).toEqual([
      '#####.',
      '#...#.',
      '#...#.',
      '#...#.',
      '#...#.',
      '#...#.',
      '#####.',
    ]);
    expect(draw('ạ')).toEqual(draw('a'));
  });

  it.each([
    'äöüßéèêëàâçñåøæőűąćęłńóśźżčďěňřšťůýžđğışİ',
    'αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ',
    'бвгджзийклмнптуфцчшщъыьэюяёїєґўђљњћџ',
  ])('gives each letter of an alphabet a different glyph: %s', (letters) => {
    expect(findUndrawable(letters)).toEqual([]);
    expect(new Set([...letters].map((letter) => draw(letter).join('\n'))).size).toBe(letters.length);
  });
});

describe('findUndrawable', () => {
  it('returns each character without a glyph', () => {
    expect(findUndrawable('Katze é: 猫猫, Việt\n')).toEqual(['猫', 'ệ', '\n']);
  });
});
