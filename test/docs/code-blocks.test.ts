/** Checks that users can copy each program of the documentation into a file and run it with the oldest Node.js that polytrack supports. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';

const repository = join(import.meta.dirname, '../..');
const documents = [
  'README.md',
  'deploy/README.md',
  ...readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** The programs of a document, each with its language. */
function programsOf(document: string): { readonly language: string; readonly code: string }[] {
  const text = readFileSync(join(repository, document), 'utf8');
  return [...text.matchAll(/^```(ts|js|typescript|javascript|mjs)\n([\s\S]*?)^```/gm)].map(
    ([, language = '', code = '']) => ({ language, code }),
  );
}

describe.each(documents.filter((document) => programsOf(document).length > 0))('%s', (document) => {
  it.each(programsOf(document).map(({ code }) => code))(
    'has a program without types or new syntax: %#',
    (code) => {
      const check = () => transformSync(code, { loader: 'js', format: 'esm', logLevel: 'silent' });

      expect(check).not.toThrow();
      // Node.js has it since version 24, and esbuild accepts it.
      expect(code).not.toMatch(/\busing\s+\w+\s*=/);
    },
  );
});
