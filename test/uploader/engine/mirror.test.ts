/** Mirrors deletions from disk to the store: F12, F13 and F14. */

import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { toDeletedKey } from '../../../uploader/engine/mirror.js';
import { clean, sync, verify } from '../../../uploader/index.js';
import { lockRun } from '../../../uploader/run-directory/run-lock.js';
import { createTempDir } from '../../support/temp-dir.js';
import { createFastClock } from '../support/fast-clock.js';
import { makeRun, RUN, writeFiles } from '../support/run-tree.js';
import { openTestStore, STORE_KINDS, toConfig } from '../support/stores.js';
import { createHarness, type Harness } from '../support/sync-harness.js';

const FACTOR = 60;
const ENDED = JSON.stringify({ uuid: RUN, status: 'succeeded' });
/** With the run's own two files, the run has twenty. */
const FILES = Object.fromEntries(Array.from({ length: 18 }, (_, index) => [`outputs/${index}`, `${index}`]));

function fast() {
  return { io: { clock: createFastClock(FACTOR) } };
}

/** A stored run of twenty files. */
async function stored(): Promise<Harness> {
  const harness = createHarness(FILES);
  expect((await harness.sync()).isComplete).toBe(true);
  return harness;
}

function remove({ run }: Harness, ...indexes: number[]): void {
  for (const index of indexes) rmSync(join(run, `outputs/${index}`));
}

function syncMirror(harness: Harness, mirror: boolean | 'force' = true) {
  return harness.sync({ config: { mirror }, ...fast() });
}

function missing({ store }: Harness): string[] {
  return Object.keys(FILES).filter((path) => !store.objects.has(`${RUN}/${path}`));
}

function notices({ events }: Harness): string[] {
  return events.flatMap((event) => (event.kind === 'notice' ? [event.code] : []));
}

beforeEach(() => vi.unstubAllEnvs());

describe('sync --mirror', () => {
  it('removes the object of a deleted file after a minute and keeps a copy', async () => {
    const harness = await stored();
    const { etag = '', bytes } = harness.store.objects.get(`${RUN}/outputs/3`) ?? {};
    remove(harness, 3);

    expect(await harness.sync()).toMatchObject({ onlyInStore: [`${RUN}/outputs/3`] });
    expect(missing(harness)).toEqual([]);
    await syncMirror(harness);

    expect(missing(harness)).toEqual(['outputs/3']);
    const copy = toDeletedKey(RUN, 'outputs/3', etag);
    expect(harness.store.objects.get(copy)?.bytes).toEqual(bytes);
    expect(harness.events).toContainEqual({ kind: 'removed', key: `${RUN}/outputs/3`, copy });
    expect(await syncMirror(harness)).toMatchObject({ isComplete: true, onlyInStore: [] });
  });

  it('F103: removes nothing while another command holds the run', async () => {
    const harness = await stored();
    const lock = await lockRun(nodeIo, Buffer.from(harness.run));
    remove(harness, 3);

    await syncMirror(harness);
    await lock.release();

    expect(missing(harness)).toEqual([]);
    expect(notices(harness)).toContain('NOTICE_MIRROR_HELD');
    await syncMirror(harness);
    expect(missing(harness)).toEqual(['outputs/3']);
  });

  it('stores the file again when it reappears', async () => {
    const harness = await stored();
    remove(harness, 3);
    await syncMirror(harness);
    writeFileSync(join(harness.run, 'outputs/3'), 'again');

    expect((await syncMirror(harness)).isComplete).toBe(true);
    expect(harness.stored('outputs/3')).toBe('again');
  });

  it('removes more than a tenth of a run only with --force, and reports this', async () => {
    const harness = await stored();
    remove(harness, 1, 2, 3);

    await syncMirror(harness);
    expect(missing(harness)).toEqual([]);
    expect(notices(harness)).toContain('NOTICE_MIRROR_HELD');
    await syncMirror(harness, 'force');

    expect(missing(harness)).toEqual(['outputs/1', 'outputs/2', 'outputs/3']);
  });

  it.each([
    ['the run file is missing', (harness: Harness) => rmSync(join(harness.run, 'run.plx.json'))],
    [
      'the run was cleaned',
      (harness: Harness) =>
        writeFiles(harness.run, { '.plx/cleaned.json': '{"version":1,"state":"cleaned"}' }),
    ],
    [
      'the run is being pulled',
      (harness: Harness) =>
        writeFiles(harness.run, { '.plx/cleaned.json': '{"version":1,"state":"pulling"}' }),
    ],
    [
      'all files of the run are missing',
      (harness: Harness) => rmSync(join(harness.run, 'outputs'), { recursive: true }),
    ],
    ['the journal is lost', (harness: Harness) => rmSync(harness.stateDirectory, { recursive: true })],
    [
      'another writer has replaced the object',
      (harness: Harness) => harness.store.overwrite(`${RUN}/outputs/3`, Buffer.from('theirs')),
    ],
    [
      'the file is only excluded',
      (harness: Harness) => writeFiles(harness.run, { 'outputs/3': '3', '.polytrackignore': '3' }),
    ],
  ])('removes nothing when %s', async (_, change) => {
    const harness = await stored();
    if (existsSync(join(harness.run, 'outputs/3'))) remove(harness, 3);
    change(harness);

    await syncMirror(harness);

    expect(missing(harness)).toEqual([]);
    expect(harness.store.countCalls('remove')).toBe(0);
  });

  it('removes nothing of a run whose directory is missing', async () => {
    const harness = await stored();
    makeRun(harness.root, {}, 'e'.repeat(32));
    renameSync(harness.run, join(createTempDir(), 'moved'));

    await syncMirror(harness, 'force');

    expect(missing(harness)).toEqual([]);
  });

  it('resumes after an interruption between copy and removal', async () => {
    const harness = await stored();
    remove(harness, 3);
    let lost = 0;
    harness.store.fault = (operation) => {
      if (operation !== 'remove') return 'pass';
      lost += 1;
      return lost === 1 ? 'lost' : 'pass';
    };

    await syncMirror(harness);

    expect(missing(harness)).toEqual(['outputs/3']);
    expect(lost).toBe(2);
  });

  it('writes a new manifest, so that a later verify reports nothing missing', async () => {
    const store = await openTestStore('file');
    const root = createTempDir();
    const run = makeRun(root, { ...FILES, 'run.plx.json': ENDED });
    const config = toConfig(root, store);
    await sync(config);
    rmSync(join(run, 'outputs/3'));

    await sync({ ...config, mirror: true }, { io: { ...nodeIo, ...fast().io } });

    expect(store.has(`${RUN}/outputs/3`)).toBe(false);
    expect((await verify(config)).runs).toMatchObject([
      { verified: { files: 19, notLocal: 0 }, problems: [] },
    ]);
  });

  it('does not treat cleaned files as deleted', async () => {
    const store = await openTestStore('file');
    const root = createTempDir();
    makeRun(root, { ...FILES, 'run.plx.json': ENDED });
    const config = toConfig(root, store);
    await sync(config);
    await clean(config, { isDryRun: false });

    await sync({ ...config, mirror: 'force' }, { io: { ...nodeIo, ...fast().io } });

    expect((await verify(config)).runs).toMatchObject([
      { verified: { files: 20, notLocal: 18 }, problems: [] },
    ]);
  });
});

describe.each(STORE_KINDS)('sync --mirror on %s', (kind) => {
  it('removes the object of a deleted file and keeps a copy', async () => {
    const store = await openTestStore(kind);
    for (const [name, value] of Object.entries(store.env)) vi.stubEnv(name, value);
    const root = createTempDir();
    const run = makeRun(root, FILES);
    const config = toConfig(root, store);
    await sync(config);
    rmSync(join(run, 'outputs/3'));

    await sync({ ...config, mirror: true }, { io: { ...nodeIo, ...fast().io } });

    expect(store.has(`${RUN}/outputs/3`)).toBe(false);
    expect(store.has(`${RUN}/outputs/4`)).toBe(true);
    expect(existsSync(store.file(`${RUN}/.plx/deleted/outputs/3`))).toBe(true);
  });
});

describe('watch --mirror', () => {
  it('removes objects of files that are missing for a minute, but not of files that reappear', async () => {
    const harness = createHarness(FILES);
    const clock = createFastClock(20);
    const watch = harness.startWatch({ config: { mirror: true, intervalMs: 1_000 }, io: { clock } });
    await watch.until('stored', () => missing(harness).length === 0);
    remove(harness, 3, 4);
    const sinceMs = clock.monotonicMs();
    await watch.until('the first check', () => clock.monotonicMs() - sinceMs > 20_000);
    writeFileSync(join(harness.run, 'outputs/4'), '4');

    await watch.until('removed', () => missing(harness).length > 0);

    expect(missing(harness)).toEqual(['outputs/3']);
    await watch.stop();
    expect(missing(harness)).toEqual(['outputs/3']);
  });

  it('removes nothing while the root is unavailable', async () => {
    const harness = createHarness(FILES);
    const clock = createFastClock(20);
    const config = { mirror: 'force', intervalMs: 1_000 } as const;
    const watch = harness.startWatch({ config, io: { clock } });
    await watch.until('stored', () => missing(harness).length === 0);
    const away = join(createTempDir(), 'away');
    renameSync(harness.root, away);
    const startMs = clock.monotonicMs();
    await watch.until('two minutes', () => clock.monotonicMs() - startMs > 130_000);

    expect(harness.store.countCalls('remove')).toBe(0);
    renameSync(away, harness.root);
    await watch.stop();
    expect(missing(harness)).toEqual([]);
  });
});
