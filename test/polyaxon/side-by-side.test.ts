/**
 * The same calls through Polyaxon's own tracking library and through ours: the run directories are equal but for the differences
 * that are listed, each with its reason, in docs/polyaxon.md.
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

describeWithPeers(['polyaxon'], 'the same calls, written by Python and by us', () => {
  let refused: { theirs: readonly unknown[]; ours: readonly unknown[] };
  let differences: Difference[];

  beforeAll(async () => {
    const calls = createCalls();
    const [theirs, ours] = await Promise.all([logTheirs(calls), logAll(calls)]);
    refused = { theirs: theirs.refused, ours: ours.refused };
    differences = compareDirectories(theirs.directory, ours.directory);
  }, 120_000);

  it('are all taken', () => {
    expect(refused).toEqual({ theirs: [], ours: [] });
  });

  it('differ only where a difference is listed', () => {
    const unlisted = differences.filter(({ subject }) =>
      PATTERNS.every((pattern) => !isAbout(pattern, subject)),
    );

    expect(unlisted).toEqual([]);
  });

  it('differ everywhere where a difference is listed', () => {
    const gone = PATTERNS.filter((pattern) => !differences.some(({ subject }) => isAbout(pattern, subject)));

    expect(gone).toEqual([]);
  });

  it('differ as docs/polyaxon.md says', () => {
    const [, table] = /^(\| Where \|.*?\n)$/ms.exec(readFileSync(DOCS, 'utf8')) ?? [];

    expect(table).toBe(toMarkdown(LISTED_DIFFERENCES));
  });
});
