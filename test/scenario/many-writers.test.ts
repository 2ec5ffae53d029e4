/** Many writers that start in one directory at the same time never share or truncate a file. */

import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { decodeEvent } from '../../src/format/wire/decode-event.js';
import { spawnScript } from '../support/child-script.js';
import { decodeRecords } from '../support/decode-records.js';
import { createTempDir } from '../support/temp-dir.js';

const PROCESSES = 4;
const WRITERS_EACH = 250;

/** All processes have the same process id and clock: the worst case, as in containers that share a volume. */
const WRITERS = `
  Object.defineProperty(process, 'pid', { value: 1 });
  const diagnostics = new Diagnostics({ onWarning: () => {} });
  const clock = { wallTime: () => 1_700_000_000, monotonicMs: () => 0, sleep: async () => {} };
  const writers = Array.from({ length: ${WRITERS_EACH} }, () => new EventFileWriter(process.env.DIRECTORY, { clock, diagnostics }));
  for (const [index, writer] of writers.entries()) {
    writer.writeScalar(process.env.INDEX + '/' + index, 1, 0, 1);
  }
  await Promise.all(writers.map((writer) => writer.close()));
`;

it(`${PROCESSES * WRITERS_EACH} writers that start in the same second create as many complete files`, async () => {
  const directory = createTempDir();

  const children = Array.from({ length: PROCESSES }, (_, index) =>
    spawnScript(
      'Diagnostics, EventFileWriter',
      WRITERS,
      { DIRECTORY: directory, INDEX: String(index) },
      'polytrack/format',
    ),
  );
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));

  expect(codes).toEqual(children.map(() => 0));
  const files = readdirSync(directory);
  expect(files).toHaveLength(PROCESSES * WRITERS_EACH);
  const tags = files.map((name) => {
    const bytes = readFileSync(join(directory, name));
    const { records, end } = decodeRecords(bytes);
    expect(end).toBe(bytes.length);
    const kinds = records.map((data) => decodeEvent(data).what);
    expect(kinds.map((what) => what.kind).filter((kind) => kind !== 'sessionLog')).toEqual([
      'fileVersion',
      'summary',
    ]);
    const last = kinds.at(-1);
    return last?.kind === 'summary' ? last.values[0]?.tag : undefined;
  });
  expect(new Set(tags).size).toBe(PROCESSES * WRITERS_EACH);
});
