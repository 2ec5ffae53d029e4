import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type LoadedRun, loadRuns, Run } from '../../../../src/index.js';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { openRunSource, resolveConfig, sync } from '../../../../uploader/index.js';
import { NO_CAPTURE } from '../../../support/start-run.js';
import { createTempDir } from '../../../support/temp-dir.js';

const FIRST = 'a'.repeat(32);
const SECOND = `${'a'.repeat(31)}b`;

/** Two runs, and a store with them. */
async function createStore(): Promise<{ root: string; store: string; url: string }> {
  const [root, store] = [createTempDir(), createTempDir()];
  for (const uuid of [FIRST, SECOND]) {
    const run = new Run({ root, uuid, name: `run ${uuid.at(-1)}`, ...NO_CAPTURE });
    for (let step = 0; step < 5000; step++) run.logMetric('loss', 1 / (step + 1), { step });
    await run.end();
  }
  const url = pathToFileURL(store).href;
  const { config } = await resolveConfig(root, { store: url, stateDir: createTempDir() }, {}, nodeFileSystem);
  const report = await sync(config);
  expect(report.unsent).toEqual([]);
  return { root, store, url };
}

async function all(runs: AsyncIterable<LoadedRun>): Promise<LoadedRun[]> {
  const found: LoadedRun[] = [];
  for await (const run of runs) found.push(run);
  return found;
}

describe('openRunSource', () => {
  it('reads the same runs and metrics from a store as from disk', async () => {
    const { root, url } = await createStore();
    await using source = loadRuns(await openRunSource(url));
    const local = await all(loadRuns(root));

    const stored = await all(source);

    expect(stored.map(({ location, ...fields }) => fields)).toEqual(
      local.map(({ location, ...fields }) => fields),
    );
    expect(stored.map(({ location }) => location)).toEqual([`${url}/${FIRST}`, `${url}/${SECOND}`]);
    for (const [i, run] of stored.entries()) {
      expect(await run.metrics()).toEqual(await local[i]!.metrics());
      expect(await run.lastMetrics({ names: ['loss'] })).toEqual(await local[i]!.lastMetrics());
      expect(await run.artifacts()).toEqual(await local[i]!.artifacts());
    }
  });

  it('lists only the runs that are asked for', async () => {
    const { url } = await createStore();
    const uuids = async (source: string, given?: string[]) =>
      (await all(loadRuns(await openRunSource(source), { uuids: given }))).map(({ uuid }) => uuid);

    expect(await uuids(url, [SECOND, 'aa', FIRST])).toEqual([FIRST, SECOND]);
    expect(await uuids(url, ['b'])).toEqual([]);
    expect(await uuids(`${url}/${SECOND}`)).toEqual([SECOND]);
  });

  it('joins the tail of a growing file to its object', async () => {
    const { root, store, url } = await createStore();
    const directory = join(FIRST, 'outputs/tensorboard');
    const name = readdirSync(join(store, directory)).find((each) => each.includes('tfevents'))!;
    const path = join(store, directory, name);
    const bytes = readFileSync(path);
    const tail = join(store, FIRST, '.plx/seg/outputs/tensorboard', name, '0');
    mkdirSync(tail, { recursive: true });
    writeFileSync(join(tail, `${'1000'.padStart(20, '0')}-${bytes.length - 1000}`), bytes.subarray(1000));
    truncateSync(path, 2000);

    const [run] = await all(loadRuns(await openRunSource(url), { uuids: [FIRST] }));

    const [expected] = await all(loadRuns(root, { uuids: [FIRST] }));
    expect(await run!.metrics()).toEqual(await expected!.metrics());
    expect(await run!.lastMetrics({ names: ['loss'] })).toEqual(await expected!.lastMetrics());
  });

  it('F117: reports a damaged run file in the store, and reads the other runs', async () => {
    const { store, url } = await createStore();
    writeFileSync(join(store, FIRST, 'run.plx.json'), '{');

    const [damaged, whole] = await all(loadRuns(await openRunSource(url)));

    expect(damaged).toMatchObject({ uuid: FIRST, name: null, problems: [{ code: 'ERR_RUN_FILE' }] });
    expect(whole).toMatchObject({ uuid: SECOND, name: 'run b', problems: [] });
  });
});

describe('loadRuns', () => {
  it('reads a store by its URL in a program that imports polytrack only', async () => {
    const { url } = await createStore();
    const program = `
      import { loadRuns } from 'polytrack';
      for await (const run of loadRuns(process.argv[1])) {
        const { metrics } = await run.metrics();
        console.log(run.name, metrics[0].values.length);
      }`;

    // The package refers to itself by its name: this is the built library.
    const args = ['--input-type=module', '-e', program, url];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: join(import.meta.dirname, '../../../..'),
    });

    expect(stdout).toBe('run a 5000\nrun b 5000\n');
  });

  it('throws the error of a store that cannot be opened', async () => {
    const program = `
      import { loadRuns } from 'polytrack';
      try { for await (const run of loadRuns('s4://bucket')); } catch (error) { console.log(error.code); }`;
    const args = ['--input-type=module', '-e', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: join(import.meta.dirname, '../../../..'),
    });

    expect(stdout).toBe('ERR_STORE_URL\n');
  });
});
