/** An operator's day with the built command: sync, verify, clean, pull, and TensorBoard over what came back. */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { CleanReport, ListedRun, PullReport, VerifyReport } from '../../uploader/index.js';
import { spawnScript } from '../support/child-script.js';
import { runCli } from '../support/cli.js';
import { describeWithPeers } from '../support/peers.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';
import { openTestStore, readFiles, type StoreKind, type TestStore } from '../uploader/support/stores.js';

const TRACK = `
  const run = new Run({
    ...{ root: process.env.ROOT, name: 'operated', formats: ['tensorboard'] },
    ...{ trackCode: false, trackEnv: false, trackLogs: false, collectResources: false },
  });
  for (let step = 0; step < 200; step++) run.logMetric('loss', 1 / (step + 1), { step });
  run.logText('note', 'hello');
  await run.end();
`;

interface Place {
  readonly root: string;
  readonly uuid: string;
  readonly run: string;
  readonly store: TestStore;
  polytrack(...args: readonly string[]): ReturnType<typeof runCli>;
}

/** Tracks a run to its end and syncs it. */
async function trackAndSync(kind: StoreKind): Promise<Place> {
  const store = await openTestStore(kind);
  for (const [name, value] of Object.entries(store.env)) vi.stubEnv(name, value);
  vi.stubEnv('POLYTRACK_STATE_DIR', createTempDir());
  vi.stubEnv('POLYTRACK_STORE', store.url);
  const root = createTempDir();
  const [code] = await once(spawnScript('Run', TRACK, { ROOT: root }), 'close');
  expect(code).toBe(0);
  const [uuid = ''] = readdirSync(join(root, 'runs'));
  const synced = await runCli('sync', root);
  expect(synced).toMatchObject({ code: 0 });
  return { root, uuid, run: join(root, 'runs', uuid), store, polytrack: runCli };
}

function hashes(directory: string): Record<string, string> {
  const sum = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex');
  return Object.fromEntries(Object.entries(readFiles(directory)).map(([path, text]) => [path, sum(text)]));
}

beforeEach(() => vi.unstubAllEnvs());

describeWithPeers(['s3', 'tensorboard'], 'verify, clean and pull', () => {
  describe.each(['file', 's3'] as const)('with %s', (kind) => {
    it('verify, delete and restore a run, which TensorBoard then shows', async () => {
      const { root, uuid, run, store, polytrack } = await trackAndSync(kind);
      const before = hashes(run);

      const verified = await polytrack('verify', root, '--deep', '--json');
      expect(verified).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(verified.stdout) as VerifyReport).toMatchObject({
        isVerified: true,
        runs: [{ runUuid: uuid, verified: { files: Object.keys(before).length } }],
      });
      const listed = await polytrack('ls', '--json');
      expect(JSON.parse(listed.stdout) as ListedRun[]).toMatchObject([
        { runUuid: uuid, name: 'operated', status: 'succeeded', hasManifest: true },
      ]);

      const dryRun = await polytrack('clean', root);
      expect(dryRun).toMatchObject({ code: 0 });
      expect(dryRun.stdout).toContain('Nothing was deleted');
      expect(hashes(run)).toEqual(before);
      const cleaned = await polytrack('clean', root, '--yes', '--json');
      expect(cleaned).toMatchObject({ code: 0 });
      expect((JSON.parse(cleaned.stdout) as CleanReport).runs).toMatchObject([{ outcome: 'cleaned' }]);
      expect(Object.keys(hashes(run))).toEqual(['lineages.plx.json', 'run.plx.json']);
      expect(await polytrack('sync', root)).toMatchObject({ code: 0 });

      const empty = join(createTempDir(), 'restored');
      const pulled = await polytrack('pull', `${store.url}/${uuid}`, empty, '--json');
      expect(pulled).toMatchObject({ code: 0 });
      expect(JSON.parse(pulled.stdout) as PullReport).toMatchObject({ isComplete: true });
      expect(hashes(join(empty, 'runs', uuid))).toEqual(before);

      const board = await TensorBoard.start({ logdir: empty, fast: false });
      const name = `runs/${uuid}/outputs/tensorboard`;
      const points = await board.waitFor('plugin/scalars/scalars', { run: name, tag: 'loss' }, (answer) =>
        Array.isArray(answer) && answer.length === 200 ? (answer as unknown[][]) : undefined,
      );
      expect(points[199]?.[1]).toBe(199);
    });

    it('fail for files that differ in the store, and list them', async () => {
      const { root, uuid, run, store, polytrack } = await trackAndSync(kind);
      store.remove(`${uuid}/lineages.plx.json`);

      const verified = await polytrack('verify', run);
      const cleaned = await polytrack('clean', root, '--yes');
      const pulled = await polytrack('pull', `${store.url}/${'0'.repeat(32)}`, createTempDir());

      expect(verified.code).toBe(1);
      expect(verified.stdout).toContain('missing lineages.plx.json: the store has no such object');
      expect(cleaned.code).toBe(1);
      expect(cleaned.stdout).toContain('missing lineages.plx.json: the store has no such object');
      expect(existsSync(join(run, 'outputs'))).toBe(true);
      expect(pulled).toMatchObject({ code: 1 });
    });
  });
});

describe('messages for invalid input', () => {
  it.each([
    [['verify', '.'], 'no store is set'],
    [
      ['clean', '.', '--store', 'file:///s', '--older-than', 'soon'],
      '--older-than: "soon" is not a duration',
    ],
    [['clean', '.', '--store', 'file:///s', '--until-free', 'much'], '--until-free: "much" is not a size'],
    [['pull', 'file:///store', 'directory'], 'not the URL of a run'],
    [['pull', `file:///store/${'0'.repeat(32)}`], 'the target directory is missing'],
    [['ls', 'ftp://host/x'], 'no store supports ftp://'],
    [['sync', '.', '--store', 'file:///s', '--force'], '--force: needs --mirror'],
    [['watch', '.', '--store', 'file:///s', '--http', 'here'], '--http: "here" is not an address'],
  ])('%j', async (args, message) => {
    vi.stubEnv('POLYTRACK_STORE', '');
    const { code, stderr, stdout } = await runCli(...args);

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
