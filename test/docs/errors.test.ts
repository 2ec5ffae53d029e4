import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const repository = join(import.meta.dirname, '../..');

/** Returns the codes in the string literals of the tracking library. */
function codesInSource(): Set<string> {
  const files = readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' });
  const texts = files
    .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
    .map((name) => readFileSync(join(repository, 'src', name), 'utf8'));
  return new Set(texts.join('\n').match(/(?<=')(?:ERR|WARN)_[A-Z0-9_]+(?=')/g));
}

describe('docs/errors.md', () => {
  it('lists exactly the codes of the tracking library', () => {
    const listed = new Set(
      readFileSync(join(repository, 'docs/errors.md'), 'utf8').match(/(?<=`)(?:ERR|WARN)_[A-Z0-9_]+(?=`)/g),
    );

    expect([...listed].sort()).toEqual([...codesInSource()].sort());
  });
});
