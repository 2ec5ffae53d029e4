import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const repository = join(import.meta.dirname, '../..');

function codesIn(path: string, pattern: RegExp): string[] {
  return [...new Set(readFileSync(join(repository, path), 'utf8').match(pattern))].sort();
}

it('docs/errors.md lists exactly the error codes of the Polyaxon client', () => {
  const listed = codesIn('docs/errors.md', /(?<=^### )ERR_API_[A-Z_]+$/gm);

  expect(listed).toEqual(codesIn('uploader/polyaxon-api/api-error.ts', /(?<=')ERR_API_[A-Z_]+(?=')/g));
});
