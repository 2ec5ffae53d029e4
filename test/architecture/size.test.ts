/** Checks the sizes of files: a long one gives its reason, and a short one that a single neighbour imports is a part of that neighbour. */

import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sources } from './sources.js';

const LONG = 400;
const SHORT = 25;

/** Short files that stay separate. This list may only shrink. */
const SEPARATE: Readonly<Record<string, string>> = {
  'uploader/store/base/prefix-set.ts': 'is to be a part of the commit engine',
};

const importers = new Map<string, Set<string>>();
for (const [file, text] of sources)
  for (const [, specifier = ''] of text.matchAll(/(?:\bfrom|\bimport\()\s*'(\.[^']+)'/g)) {
    const target = normalize(join(dirname(file), specifier.replace(/\.js$/, '.ts'))).replaceAll('\\', '/');
    importers.set(target, (importers.get(target) ?? new Set()).add(file));
  }

function linesOf(text: string): number {
  return text.split('\n').length - 1;
}

/** The comment at the top of a file, or of its first declaration if the file has none. */
function headerOf(text: string): string {
  return /\/\*\*.*?\*\//s.exec(text)?.[0] ?? '';
}

describe('a file', () => {
  it(`of more than ${LONG} lines says in its header why`, () => {
    const long = [...sources].filter(([, text]) => linesOf(text) > LONG);

    expect(long.length).toBeGreaterThan(0);
    expect(long.filter(([, text]) => !/Long because/.test(headerOf(text))).map(([file]) => file)).toEqual([]);
  });

  it('does not say why it is long when it is not', () => {
    const said = [...sources].filter(([, text]) => /Long because/.test(text) && linesOf(text) <= LONG * 0.75);

    expect(said.map(([file]) => file)).toEqual([]);
  });

  it(`of fewer than ${SHORT} lines is not imported by one neighbour alone`, () => {
    const short = [...sources].filter(([file, text]) => {
      const users = [...(importers.get(file) ?? [])];
      return linesOf(text) < SHORT && users.length === 1 && dirname(users[0]!) === dirname(file);
    });

    expect(short.map(([file]) => file)).toEqual(Object.keys(SEPARATE));
  });
});
