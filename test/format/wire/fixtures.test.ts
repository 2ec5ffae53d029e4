/** Files of third-party writers decode to the values that they were created from. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import { decodeRecords } from '../../support/decode-records.js';
import { describeEvent, withoutRedundancy } from '../../support/describe-event.js';
import { FIXTURES, listExpectedFiles } from '../../support/expected-runs.js';

describe('event files of third-party writers', () => {
  it.each(listExpectedFiles())('$path', ({ path, events }) => {
    const bytes = readFileSync(join(FIXTURES, path));

    const { records, end } = decodeRecords(bytes);

    expect(end).toBe(bytes.length);
    expect(records.map((data) => describeEvent(decodeEvent(data)))).toMatchObject(
      withoutRedundancy(events) as object[],
    );
  });
});
