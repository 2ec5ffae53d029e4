/** Lists real stores. */

import { truncateSync } from 'node:fs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeIo } from '../../../../uploader/base/io/io.js';
import { listFiles, listRuns, sync } from '../../../../uploader/index.js';
import { openStore } from '../../../../uploader/store/open-store.js';
import { runCli } from '../../../support/cli.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { commit } from '../../store/base/contract.js';
import { makeRun, OTHER_RUN, RUN } from '../../support/run-tree.js';
import { openTestStore, STORE_KINDS, toConfig } from '../../support/stores.js';

beforeEach(() => vi.unstubAllEnvs());

describe.each(STORE_KINDS)('ls of %s', (kind) => {
  it('lists runs, oldest first, and the files of a run', async () => {
    const store = await openTestStore(kind);
    for (const [name, value] of Object.entries(store.env)) vi.stubEnv(name, value);
    const root = createTempDir();
    const record = { uuid: RUN, name: 'first', project: 'p', status: 'succeeded' };
    makeRun(root, {
      'run.plx.json': JSON.stringify({ ...record, finished_at: '2026-01-02T03:04:05.000000+00:00' }),
      'outputs/a': 'aa',
      'outputs/deep/b': 'bbb',
    });
    makeRun(root, { 'run.plx.json': 'not JSON' }, OTHER_RUN);
    const config = toConfig(root, store);
    expect(await listRuns(config)).toEqual([]);
    await sync(config);

    const runs = await listRuns(config);

    expect(runs).toMatchObject([
      { runUuid: RUN, name: 'first', project: 'p', status: 'succeeded', files: 4, hasManifest: true },
      { runUuid: OTHER_RUN, name: null, status: null, files: 2, ageMs: null, hasManifest: false },
    ]);
    expect(runs[0]?.ageMs).toBeGreaterThan(0);
    const files = await listFiles(config, RUN);
    expect(files.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([
      ['lineages.plx.json', 2],
      ['outputs/a', 2],
      ['outputs/deep/b', 3],
      ['run.plx.json', expect.any(Number)],
    ]);
    expect(files.every(({ sha256, verifiedAt }) => sha256 !== null && verifiedAt !== null)).toBe(true);
    expect((await listFiles(config, RUN, 'outputs/deep')).map(({ path }) => path)).toEqual([
      'outputs/deep/b',
    ]);
    expect(await listFiles(config, 'f'.repeat(32))).toEqual([]);

    for (const content of ['the first', 'second']) {
      makeRun(root, { 'outputs/t.log': content });
      await sync(config);
    }
    const listed = await listFiles(config, RUN, 'outputs/t.log', { withPreviousVersions: true });
    expect(listed.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([
      ['outputs/t.log', 6],
      ['.plx/gen/outputs/t.log/0', 9],
    ]);

    const name = `${RUN}/.plx/deleted/outputs/gone/0123456789abcdef`;
    await commit(await openStore(store.url, { ...nodeIo, s3: {} }), name, Buffer.from('copy'));
    const removed = await listFiles(config, RUN, 'outputs/gone', { withPreviousVersions: true });
    expect(removed.map(({ path }) => path)).toEqual(['.plx/deleted/outputs/gone/0123456789abcdef']);
  });
});

describe('ls of a store with a huge run file', () => {
  it('F80: reads none of it, says so, and lists the other runs', async () => {
    const store = await openTestStore('file');
    const root = createTempDir();
    makeRun(root, { 'run.plx.json': JSON.stringify({ uuid: RUN, name: 'first' }) });
    makeRun(root, { 'run.plx.json': JSON.stringify({ uuid: OTHER_RUN, name: 'huge' }) }, OTHER_RUN);
    const config = toConfig(root, store);
    await sync(config);
    truncateSync(store.file(`${OTHER_RUN}/run.plx.json`), 2 ** 40);

    const runs = await listRuns(config);
    const { stdout, stderr, code } = await runCli('ls', store.url);

    expect(runs.map(({ name, problem }) => [name, problem?.code])).toEqual([
      ['first', undefined],
      [null, 'ERR_OBJECT_TOO_LARGE'],
    ]);
    expect(stdout).toContain('first');
    expect(stderr).toContain(`ERR_OBJECT_TOO_LARGE: ${OTHER_RUN}/run.plx.json`);
    expect(code).toBe(1);
  });
});
