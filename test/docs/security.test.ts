import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isThere } from '../support/test-titles.js';

const COLUMNS = 2;

const text = readFileSync(join(import.meta.dirname, '../../docs/security.md'), 'utf8');
const rows = text.split('\n| Claim | Tests |\n| --- | --- |\n').slice(1);
const claims = rows.flatMap((table) =>
  table
    .slice(0, table.search(/\n(?!\|)/))
    .split('\n')
    .map((line) => line.split('|').slice(1, -1)),
);

describe('docs/security.md', () => {
  it('has claims about each group that polytrack does not trust', () => {
    const groups = [...text.matchAll(/^\| \[.*\]\(#(.*)\) \|/gm)].map(([, anchor]) => anchor);
    const sections = [...text.matchAll(/^## (.*)\n[^#]*\n\| Claim \| Tests \|/gm)].map(([, title = '']) =>
      title.toLowerCase().replaceAll(' ', '-'),
    );

    expect(sections).toEqual(groups);
    expect(groups).toHaveLength(5);
  });

  it('names a test for each claim, which exists', () => {
    const missing = claims.flatMap(([claim = '', tests = '', ...more]) =>
      more.length > 0 || tests.trim() === ''
        ? [claim]
        : tests
            .trim()
            .split('<br>')
            .filter((test) => !isThere(test)),
    );

    expect(missing).toEqual([]);
    expect(claims.length).toBeGreaterThan(20);
    expect(claims.filter((cells) => cells.length !== COLUMNS)).toEqual([]);
  });
});
