import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SummaryWriter } from '../../../src/index.js';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { acquireLock } from '../../../uploader/base/io/lock-file.js';
import type { FoundStatus } from '../../../uploader/engine/monitor/find-status.js';
import type { Status } from '../../../uploader/engine/monitor/status-file.js';
import { toStatePaths } from '../../../uploader/pipeline/journal/state-directory.js';
import { runCommand } from '../../support/run-command.js';
import { createTempDir } from '../../support/temp-dir.js';
import { makeRun } from '../support/run-tree.js';

let home = '';
const root = () => join(home, 'root');
const store = () => `file://${join(home, 'store')}`;

beforeEach(() => {
  home = createTempDir();
  vi.stubEnv('POLYTRACK_STATE_DIR', join(home, 'state'));
  vi.stubEnv('POLYTRACK_STORE', undefined);
});
afterAll(() => vi.unstubAllEnvs());

const uuidOf = (number: number): string => String(number).padStart(32, '0');

function addRun(number: number, name: string, status = 'succeeded'): string {
  const uuid = uuidOf(number);
  return makeRun(
    root(),
    { 'run.plx.json': JSON.stringify({ uuid, name, status }), 'outputs/model.bin': 'x'.repeat(123_456) },
    uuid,
  );
}

async function syncRoot(path = root()): Promise<void> {
  const { code } = await runCommand(['sync', path, '--store', store()]);
  expect(code).toBe(0);
}

async function showStatus(args: readonly string[], columns?: number, hasColor = false): Promise<string> {
  const output = { columns: () => columns, hasColor, isTerminal: columns !== undefined };
  const { stdout } = await runCommand(['status', ...args], { output });
  return stdout.replaceAll(home, '/home').replaceAll(/as of \d+ s ago/g, 'as of 1 s ago');
}

async function readStatus(...args: string[]): Promise<FoundStatus[]> {
  return JSON.parse((await runCommand(['status', ...args, '--json'])).stdout) as FoundStatus[];
}

describe('polytrack status', () => {
  it('fits 80 and 120 columns with long and wide names, and prints everything when piped', async () => {
    addRun(1, 'a baseline with a very long name that says everything about its configuration');
    addRun(2, '損失関数の実験：学習率を変える試みの記録', 'failed');
    const changed = addRun(3, 'run 10');
    addRun(4, 'run 9', 'stopped');
    await syncRoot();
    writeFileSync(join(changed, 'outputs/new.bin'), 'x'.repeat(2_500));
    const hoursAgo = Date.now() / 1000 - 3.5 * 3_600;
    utimesSync(join(changed, 'outputs/new.bin'), hoursAgo, hoursAgo);

    await expect(await showStatus([root()], 80)).toMatchFileSnapshot('golden/status-80.txt');
    await expect(await showStatus([root()], 120)).toMatchFileSnapshot('golden/status-120.txt');
    await expect(await showStatus([root()])).toMatchFileSnapshot('golden/status-piped.txt');
    await expect(await showStatus([root()], 120, true)).toMatchFileSnapshot('golden/status-color.txt');
  });

  it('lists everything that was synced without a path, with names, directories and statuses', async () => {
    addRun(1, 'first');
    addRun(2, 'second', 'failed');
    await syncRoot();
    const logs = join(home, 'logs');
    const writer = new SummaryWriter(join(logs, 'of/another writer'));
    writer.addScalar('loss', 1, 0);
    await writer.close();
    await syncRoot(logs);

    const found = await readStatus();

    const shown = found.flatMap(({ root: at, store: to, runs }) =>
      runs.map(({ name, status, phase, directory }) => [at, to, name, status, phase, directory]),
    );
    expect(shown.sort()).toEqual(
      [
        [root(), store(), 'first', 'succeeded', 'complete', join(root(), 'runs', uuidOf(1))],
        [root(), store(), 'second', 'failed', 'complete', join(root(), 'runs', uuidOf(2))],
        [logs, store(), 'of/another writer', null, 'live', join(logs, 'of/another writer')],
      ].sort(),
    );
    expect((await runCommand(['status'])).code).toBe(0);
  });

  it('needs no store: shows each store that the path was uploaded to', async () => {
    const run = addRun(1, 'first');
    addRun(2, 'second');
    await syncRoot();
    const other = `file://${join(home, 'other')}`;
    await runCommand(['sync', root(), '--store', other]);
    writeFileSync(join(run, 'outputs/new.bin'), 'new');

    const found = await readStatus(root());
    const ofRun = await readStatus(run);

    expect(found.map((each) => each.store).sort()).toEqual([other, store()]);
    for (const { runs, total } of found) {
      expect(runs.map(({ name }) => name).sort()).toEqual(['first', 'second']);
      expect(total.pendingFiles).toBe(1);
    }
    expect(ofRun.flatMap(({ runs }) => runs.map(({ name }) => name))).toEqual(['first', 'first']);
  });

  it('keeps the other runs of a root when one of them is synced alone', async () => {
    const first = addRun(1, 'first');
    addRun(2, 'second');
    await syncRoot();
    await syncRoot(first);

    const [found] = await readStatus();

    expect(found?.runs.map(({ name }) => name).sort()).toEqual(['first', 'second']);
    expect(found?.total.storedFiles).toBe(6);
  });

  it('still lists runs whose directory is gone', async () => {
    addRun(1, 'first');
    await syncRoot();
    rmSync(root(), { recursive: true });

    const [found] = await readStatus();

    expect(found?.runs.map(({ name, status }) => [name, status])).toEqual([[uuidOf(1), null]]);
  });

  it('lists what a failed sync could not store, with its error once', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'made up');
    addRun(1, 'first');
    addRun(2, 'second');
    const s3 = ['--store', 's3://bucket/team', '--endpoint', 'http://127.0.0.1:1', '--retry-timeout', '0'];
    expect((await runCommand(['sync', root(), ...s3])).code).toBe(1);

    const { code, stdout } = await runCommand(['status']);

    expect(code).toBe(1);
    expect(stdout).toMatch(/first +00000000 +succeeded +incomplete +0 B +3 \(/);
    expect(stdout.match(/2 runs: ERR_STORE_UNAVAILABLE/g)).toHaveLength(1);
  });

  it('reads journal and disk while another uploader has not reported yet', async () => {
    const run = addRun(1, 'first');
    await syncRoot();
    writeFileSync(join(run, 'outputs/new.bin'), 'new');
    const { lock } = toStatePaths(join(home, 'state'), Buffer.from(root()), store());
    const held = await acquireLock(lock, nodeIo);

    const { code, stdout } = await runCommand(['status', root(), '--store', store()]);
    await held.release();

    expect(stdout).toContain(`starting (process ${process.pid}`);
    expect(stdout).toContain('total: 3 files (123.5 kB) stored, 1 (3 B) pending');
    expect(code).toBe(1);
  });

  it('does not take the last report of a killed watch for that of the uploader that runs now', async () => {
    const run = addRun(1, 'first');
    await syncRoot();
    const paths = toStatePaths(join(home, 'state'), Buffer.from(root()), store());
    const last = JSON.parse(readFileSync(paths.status, 'utf8')) as Status;
    // In containers, the process ids of both are 1.
    writeFileSync(paths.status, JSON.stringify({ ...last, state: 'watching', pid: process.pid }));
    writeFileSync(join(run, 'outputs/new.bin'), 'new');
    const held = await acquireLock(paths.lock, nodeIo);

    const { code } = await runCommand(['status', root(), '--store', store()]);
    await held.release();

    expect(code).toBe(1);
  });

  it('reports a root that has become empty, because its volume may not be mounted', async () => {
    addRun(1, 'first');
    await syncRoot();
    rmSync(join(root(), 'runs'), { recursive: true });

    const { code, stdout } = await runCommand(['status', root(), '--store', store()]);

    expect(stdout).toContain('ERR_FILE_UNREADABLE');
    expect(stdout).toContain('it is empty, but had 1 run');
    expect(code).toBe(1);
  });

  it('reports a root that has become empty although nothing of it was stored before', async () => {
    addRun(1, 'first');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'made up');
    const flags = ['--store', 's3://bucket/team', '--endpoint', 'http://127.0.0.1:9'];
    const synced = await runCommand(['sync', root(), ...flags, '--retry-timeout', '1']);
    expect(synced.code).toBe(1);
    rmSync(join(root(), 'runs'), { recursive: true });

    const { code, stdout } = await runCommand(['status', root(), ...flags]);

    expect(stdout).toContain('it is empty, but had 1 run at the last upload');
    expect(code).toBe(1);
  });

  it('says that nothing is known, with exit code 2', async () => {
    addRun(1, 'first');

    for (const args of [[], [root()]]) {
      const { code, stdout, stderr } = await runCommand(['status', ...args]);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^ERR_CONFIG: nothing is known about .*\n {2}Upload first: /);
    }
    expect(await readStatus()).toEqual([]);
  });
});
