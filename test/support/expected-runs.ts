/** The runs of `fixtures/` by other writers, and what each of their files holds. */

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

/** Every event file of the other writers, with its events as `expected.json` tells them. */
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
