import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FileSystem } from '../../../../uploader/base/io/file-system.js';
import { type Io, nodeIo } from '../../../../uploader/base/io/io.js';
import { examineDirectory, toDirectoryFindings } from '../../../../uploader/operations/doctor/directories.js';
import { examine } from '../../../../uploader/operations/doctor/doctor.js';
import { checkNode, checkPackages, isInRange } from '../../../../uploader/operations/doctor/programs.js';
import { createTempDir } from '../../../support/temp-dir.js';

const NFS = 0x6969;

function withDisk(changes: Partial<FileSystem>, wallTime = nodeIo.clock.wallTime): Io {
  return {
    ...nodeIo,
    fileSystem: { ...nodeIo.fileSystem, ...changes },
    clock: { ...nodeIo.clock, wallTime },
  };
}

describe('isInRange', () => {
  it.each([
    ['20.19.0', '>=20.19', true],
    ['20.18.3', '>=20.19', false],
    ['26.0.0-nightly', '>=20.19', true],
    ['3.1173.0', '^3.1000.0', true],
    ['3.999.0', '^3.1000.0', false],
    ['4.0.0', '^3.1000.0', false],
    ['0.17.4', '^0.17.0', true],
    ['0.18.0', '^0.17.0', false],
    ['1.0.0', '*', true],
  ])('%s in %s: %s', (version, range, expected) => {
    expect(isInRange(version, range)).toBe(expected);
  });
});

describe('checkNode', () => {
  it('finds a version that is too old', () => {
    expect(checkNode()).toMatchObject([{ level: 'ok', found: process.versions.node }]);
    expect(checkNode('18.20.4')).toMatchObject([{ level: 'problem', found: '18.20.4, expected >=20.19' }]);
  });
});

describe('checkPackages', () => {
  it('says how to install a missing package, and warns of another major version', () => {
    const versions: Record<string, string> = { 'apache-arrow': '14.0.0' };
    const findings = checkPackages((name) => versions[name]);

    expect(findings.map(({ name }) => name).sort()).toEqual([
      'Arrow',
      'Azure',
      'GCS',
      'MCP',
      'Parquet',
      'S3',
    ]);
    expect(findings.find(({ name }) => name === 'S3')).toMatchObject({
      level: 'ok',
      found: 'not installed; for s3:// stores: npm install @aws-sdk/client-s3@3.1000.0',
    });
    expect(findings.find(({ name }) => name === 'Arrow')).toMatchObject({ level: 'warning' });
  });
});

describe('a directory', () => {
  it('is writable, and stays empty', async () => {
    const directory = createTempDir();
    const facts = await examineDirectory(nodeIo, directory);

    expect(facts.failure).toBe(null);
    expect(toDirectoryFindings('root', directory, facts, { isLocal: false })[0]).toMatchObject({
      level: 'ok',
    });
    expect(readdirSync(directory)).toEqual([]);
  });

  it('cannot be written', async () => {
    const directory = createTempDir();
    const refuse = async (): Promise<never> => {
      throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS', syscall: 'open' });
    };
    const facts = await examineDirectory(withDisk({ openForWriting: refuse }), directory);

    expect(toDirectoryFindings('root', directory, facts, { isLocal: false })).toMatchObject([
      { level: 'problem', found: `${directory}: cannot be written: EROFS: read-only file system` },
    ]);
  });

  it.each([
    [0, 'problem'],
    [500e6, 'warning'],
  ])('has %d bytes left: %s', async (freeBytes, level) => {
    const directory = createTempDir();
    const facts = await examineDirectory(withDisk({ freeBytes: async () => freeBytes }), directory);

    expect(toDirectoryFindings('root', directory, facts, { isLocal: false })[1]).toMatchObject({
      name: 'disk',
      level,
    });
  });

  it('is on a network file system, which does not suit the state directory', async () => {
    const directory = createTempDir();
    const facts = await examineDirectory(withDisk({ fileSystemType: async () => NFS }), directory);

    expect(toDirectoryFindings('root', directory, facts, { isLocal: false })).toMatchObject([
      { level: 'ok', found: expect.stringContaining('on a network file system (NFS)') },
    ]);
    expect(toDirectoryFindings('state', directory, facts, { isLocal: true })).toMatchObject([
      { level: 'warning', advice: 'Pass a local directory with --state-dir.' },
    ]);
  });

  it.each([
    [-120, 'after'],
    [120, 'before'],
  ])('has another clock: %d s', async (seconds, word) => {
    const directory = createTempDir();
    const io = withDisk({}, () => nodeIo.clock.wallTime() + seconds);
    const [, clock] = toDirectoryFindings('root', directory, await examineDirectory(io, directory), {
      isLocal: false,
    });

    expect(clock).toMatchObject({
      level: 'warning',
      found: `new files in ${directory} are dated 120 s ${word} this host's time`,
    });
  });
});

describe('examine', () => {
  const environment = { HOME: '/nonexistent', PATH: process.env.PATH };
  const signal = new AbortController().signal;

  it('reports a directory that cannot be read, and continues', async () => {
    const root = createTempDir();
    mkdirSync(join(root, 'runs'));
    const io = withDisk({
      fileSystemType: async () => {
        throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', syscall: 'statfs' });
      },
    });
    const findings = await examine(root, { flags: {}, environment, io, signal });

    expect(findings.filter(({ name }) => ['root', 'runs', 'store'].includes(name))).toMatchObject([
      { name: 'root', level: 'problem', found: 'EACCES: permission denied' },
      { name: 'store', level: 'ok' },
    ]);
  });

  it('stops when it is interrupted', async () => {
    const aborted = AbortSignal.abort();

    await expect(examine('.', { flags: {}, environment, io: nodeIo, signal: aborted })).rejects.toThrow(
      'abort',
    );
  });
});
