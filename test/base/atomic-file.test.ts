import fs, { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createFileSync } from '../../src/base/atomic-file.js';
import { createTempDir } from '../support/temp-dir.js';

function fail(code: string): never {
  throw Object.assign(new Error(code), { code });
}

describe('createFileSync', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });

  /** Replaces the hard links of the file system. */
  function mockLink(link: (from: string, to: string) => void): void {
    vi.spyOn(fs, 'linkSync').mockImplementation(link as typeof fs.linkSync);
    syncBuiltinESMExports();
  }

  it('creates a file once', () => {
    const path = join(createTempDir(), 'file');

    expect(createFileSync(path, 'first', { fsync: false })).toBe(true);
    expect(createFileSync(path, 'second', { fsync: false })).toBe(false);
    expect(readFileSync(path, 'utf8')).toBe('first');
    expect(readdirSync(join(path, '..'))).toEqual(['file']);
  });

  it('creates a file on NFS when the answer to the link is lost, so that its repetition fails', () => {
    const path = join(createTempDir(), 'file');
    const { linkSync } = fs;
    mockLink((from, to) => {
      linkSync(from, to);
      fail('EEXIST');
    });

    expect(createFileSync(path, 'text', { fsync: false })).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('text');
    expect(readdirSync(join(path, '..'))).toEqual(['file']);
  });

  it.each([true, false])('creates a file once without hard links (exists: %s)', (exists) => {
    const path = join(createTempDir(), 'file');
    if (exists) writeFileSync(path, 'other');
    mockLink(() => fail('EPERM'));

    expect(createFileSync(path, 'text', { fsync: false })).toBe(!exists);
    expect(readFileSync(path, 'utf8')).toBe(exists ? 'other' : 'text');
    expect(readdirSync(join(path, '..'))).toEqual(['file']);
  });
});
