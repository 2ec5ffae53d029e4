import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const repository = join(import.meta.dirname, '../..');

function codesIn(path: string, pattern: RegExp): string[] {
  return [...new Set(readFileSync(join(repository, path), 'utf8').match(pattern))].sort();
}

it('docs/uploader.md lists every code that the client of Polyaxon has, and no other', () => {
  const listed = codesIn('docs/uploader.md', /(?<=`)ERR_API_[A-Z_]+(?=`)/g);

  expect(listed).toEqual(codesIn('uploader/polyaxon-api/api-error.ts', /(?<=')ERR_API_[A-Z_]+(?=')/g));
});
