import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findPackageManager, listPackages } from '../../src/capture/packages.js';
import { createTempDir } from '../support/temp-dir.js';

function createProject(contents: Record<string, unknown>): string {
  const root = createTempDir();
  for (const [path, content] of Object.entries(contents)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return root;
}

const INSTALLED = {
  lockfileVersion: 3,
  packages: {
    'node_modules/b': { version: '2.0.0' },
    'node_modules/@scope/a': { version: '1.0.0' },
    'node_modules/b/node_modules/c': { version: '0.1.0' },
    'node_modules/c': { version: '0.2.0' },
    'node_modules/d/node_modules/c': { version: '0.1.0' },
    'node_modules/alias': { name: 'real', version: '3.0.0' },
    'node_modules/local': { resolved: 'packages/local', link: true },
    'packages/local': { name: 'local', version: '9.0.0' },
  },
};

describe('listPackages', () => {
  it('lists the packages that npm has installed for this project', async () => {
    const packages = await listPackages(dirname(fileURLToPath(import.meta.url)));

    expect(packages).toContainEqual(['fast-check', expect.stringMatching(/^\d+\.\d+\.\d+$/)]);
    expect(packages).toEqual([...packages].sort());
  });

  it('reads the list of npm in node_modules, with every version once', async () => {
    const root = createProject({
      'node_modules/.package-lock.json': INSTALLED,
      'package-lock.json': { packages: { 'node_modules/x': { version: '1.0.0' } } },
      'src/train.js': '',
    });

    expect(await listPackages(join(root, 'src'))).toEqual([
      ['@scope/a', '1.0.0'],
      ['b', '2.0.0'],
      ['c', '0.1.0'],
      ['c', '0.2.0'],
      ['local', '9.0.0'],
      ['real', '3.0.0'],
    ]);
  });

  it('reads the lock file if nothing is installed, including the old version', async () => {
    const lock = { dependencies: { a: { version: '1.0.0', dependencies: { b: { version: '2.0.0' } } } } };

    expect(await listPackages(createProject({ 'package-lock.json': lock }))).toEqual([
      ['a', '1.0.0'],
      ['b', '2.0.0'],
    ]);
  });

  it('looks up the packages of package.json for other package managers', async () => {
    const root = createProject({
      'node_modules/.package-lock.json': INSTALLED,
      'work/yarn.lock': '',
      'work/node_modules/shared/package.json': { name: 'shared', version: '4.0.0' },
      'work/packages/app/package.json': {
        dependencies: { '@scope/own': '^1.0.0', shared: '*', missing: '1.0.0', '../../../evil': '1' },
        devDependencies: { tool: '*' },
      },
      'work/packages/app/node_modules/@scope/own/package.json': { name: '@scope/own', version: '1.2.3' },
      'work/packages/app/node_modules/tool/package.json': { name: 'tool', version: '0.0.1' },
    });

    expect(await listPackages(join(root, 'work/packages/app'))).toEqual([
      ['@scope/own', '1.2.3'],
      ['shared', '4.0.0'],
      ['tool', '0.0.1'],
    ]);
  });

  it('is empty without files, or if they cannot be read', async () => {
    expect(await listPackages(createTempDir())).toEqual([]);
    expect(await listPackages(createProject({ 'package.json': '{"dependencies":' }))).toEqual([]);
    expect(await listPackages(createProject({ 'package-lock.json': [1, null] }))).toEqual([]);
  });
});

describe('findPackageManager', () => {
  it('is the package manager that started the program', async () => {
    const environment = { npm_config_user_agent: 'pnpm/9.1.0 npm/? node/v20.19.0 linux x64' };

    expect(await findPackageManager(createTempDir(), environment)).toBe('pnpm/9.1.0');
  });

  it('is otherwise the one that the project names, or the one of its lock file', async () => {
    const named = createProject({ 'package.json': { packageManager: 'yarn@4.9.1+sha512.abc' }, 'a/x': '' });
    const locked = createProject({ 'pnpm-lock.yaml': '', 'a/x': '' });

    expect(await findPackageManager(join(named, 'a'), {})).toBe('yarn@4.9.1');
    expect(await findPackageManager(join(locked, 'a'), {})).toBe('pnpm');
  });
});
