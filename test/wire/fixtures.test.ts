/** Files of other writers decode to the values that they were made from. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodeRecords } from '../../src/record/record-codec.js';
import { decodeEvent } from '../../src/wire/decode-event.js';
import { describeEvent, withoutRedundancy } from '../support/describe-event.js';

interface ExpectedRun {
  readonly files: readonly { readonly path: string; readonly events?: readonly Record<string, unknown>[] }[];
}

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));
const writers = ['tensorboardx', 'tensorflow', 'pytorch'].filter((writer) =>
  existsSync(join(fixtures, writer)),
);
const files = writers.flatMap((writer) =>
  readdirSync(join(fixtures, writer))
    .filter((name) => name.endsWith('.expected.json'))
    .flatMap((name) => {
      const run = basename(name, '.expected.json');
      const expected = JSON.parse(readFileSync(join(fixtures, writer, name), 'utf8')) as ExpectedRun;
      return expected.files
        .filter((file) => file.events !== undefined)
        .map((file) => ({ path: join(writer, run, file.path), events: file.events ?? [] }));
    }),
);

describe('event files of other writers', () => {
  it.each(files)('$path', ({ path, events }) => {
    const bytes = readFileSync(join(fixtures, path));

    const { records, end } = decodeRecords(bytes);

    expect(end).toBe(bytes.length);
    expect(records.map((data) => describeEvent(decodeEvent(data)))).toMatchObject(
      withoutRedundancy(events) as object[],
    );
  });
});
