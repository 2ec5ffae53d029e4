/** The runs of third-party writers in `fixtures/`, with the expected content of each file. */

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

type Json = Record<string, unknown>;

export interface ExpectedFile {
  /** Path below `fixtures/`. */
  readonly path: string;
  readonly events: readonly Json[];
}

export const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));
export const WRITERS = ['tensorboardx', 'tensorflow', 'pytorch'] as const;

/** All event files of third-party writers, with their events from `expected.json`. */
export function listExpectedFiles(): ExpectedFile[] {
  return WRITERS.flatMap((writer) =>
    readdirSync(join(FIXTURES, writer))
      .filter((name) => name.endsWith('.expected.json'))
      .flatMap((name) => {
        const run = basename(name, '.expected.json');
        const expected = JSON.parse(readFileSync(join(FIXTURES, writer, name), 'utf8')) as {
          files: { path: string; events?: Json[] }[];
        };
        return expected.files.flatMap(({ path, events }) =>
          events === undefined ? [] : [{ path: join(writer, run, path), events }],
        );
      }),
  );
}
