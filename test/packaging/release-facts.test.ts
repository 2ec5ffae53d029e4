import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findProblems, hasAddress, withAddress } from '../../scripts/release-facts.mjs';

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');
const manifest = JSON.parse(read('package.json'));
const changelog = read('CHANGELOG.md');

describe('findProblems', () => {
  it('finds none in this repository', () => {
    expect(findProblems(manifest, changelog)).toEqual([]);
  });

  it('finds none for a tag once the section has a date', () => {
    const dated = changelog.replace(
      `## ${manifest.version} (unreleased)`,
      `## ${manifest.version} (2026-12-01)`,
    );

    expect(findProblems(manifest, dated, `v${manifest.version}`)).toEqual([]);
  });

  it('finds a tag of another version, a section without a date, and none at all', () => {
    const undated = `## ${manifest.version} (unreleased)\n`;

    expect(findProblems(manifest, undated, 'v9.9.9')).toEqual([
      `the tag is v9.9.9, the version ${manifest.version}`,
      expect.stringContaining('no date'),
    ]);
    expect(findProblems(manifest, '# Changelog\n')).toEqual([expect.stringContaining('no section')]);
  });

  it('finds fields that provenance needs and that are missing or differ', () => {
    expect(findProblems({ ...manifest, publishConfig: {} }, changelog)).toHaveLength(1);
    expect(findProblems({ ...manifest, repository: undefined }, changelog)).toHaveLength(1);
    expect(findProblems({ ...manifest, homepage: 'https://other.example' }, changelog)).toHaveLength(1);
  });
});

describe('withAddress', () => {
  it('replaces the placeholder, so that the package can be published', () => {
    const published = withAddress(manifest, 'https://git.test/owner/name');

    expect(hasAddress(manifest)).toBe(false);
    expect(hasAddress(published)).toBe(true);
    expect(findProblems(published, changelog)).toEqual([]);
    expect(published.repository.url).toBe('git+https://git.test/owner/name.git');
  });
});
