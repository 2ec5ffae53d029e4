/**
 * The same calls of Polyaxon's tracking library and of polytrack: the run directories are equal except for the differences that
 * docs/polyaxon.md lists with reasons.
 */

import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.js';
import { compareDirectories, type Difference } from './compare-directories.js';
import { isAbout, LISTED_DIFFERENCES, toMarkdown, toPatterns } from './listed-differences.js';
import { createCalls, logAll } from './log-all.js';
import { logTheirs } from './log-theirs.js';

const DOCS = new URL('../../docs/polyaxon.md', import.meta.url);

const PATTERNS = LISTED_DIFFERENCES.flatMap(toPatterns);

describeWithPeers(['polyaxon'], 'Python and polytrack, after the same calls', () => {
  let refused: { theirs: readonly unknown[]; ours: readonly unknown[] };
  let differences: Difference[];

  beforeAll(async () => {
    const calls = createCalls();
    const [theirs, ours] = await Promise.all([logTheirs(calls), logAll(calls)]);
    refused = { theirs: theirs.refused, ours: ours.refused };
    differences = compareDirectories(theirs.directory, ours.directory);
  });

  it('accept all calls', () => {
    expect(refused).toEqual({ theirs: [], ours: [] });
  });

  it('have only listed differences', () => {
    const unlisted = differences.filter(({ subject }) =>
      PATTERNS.every((pattern) => !isAbout(pattern, subject)),
    );

    expect(unlisted).toEqual([]);
  });

  it('have every listed difference', () => {
    const gone = PATTERNS.filter((pattern) => !differences.some(({ subject }) => isAbout(pattern, subject)));

    expect(gone).toEqual([]);
  });

  it('have the differences of docs/polyaxon.md', () => {
    const [, table] = /^(\| Where \|.*?\n)$/ms.exec(readFileSync(DOCS, 'utf8')) ?? [];

    expect(table).toBe(toMarkdown(LISTED_DIFFERENCES));
  });
});
