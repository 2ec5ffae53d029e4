/** Imports log directories of third-party writers into a real server, and compares each scalar series with TensorBoard's. */

import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toReadableName } from '../../src/polyaxon/names.js';
import { toImportedUuid } from '../../uploader/run-directory/run-uuid.js';
import { ServedRun } from '../polyaxon/served-run.js';
import { runCli } from '../support/cli.js';
import { FIXTURES } from '../support/expected-runs.js';
import { describeWithPeers } from '../support/peers.js';
import { type PolyaxonServer, startSandbox } from '../support/polyaxon.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

const UUID_SEED = 'imported';
/** PyTorch's file contains a restart: TensorBoard drops earlier steps, but Polyaxon event files keep all values. */
const RESUMED = 'resume';

type Points = [wallTime: number, step: number | bigint, value: number | string][];

describeWithPeers(['polyaxon', 'tensorboard'], 'imported log directories', () => {
  describe.each(['tensorflow', 'pytorch', 'tensorboardx'])('of %s', (writer) => {
    it('become runs with the series that TensorBoard serves', async () => {
      const logdir = join(createTempDir(), writer);
      cpSync(join(FIXTURES, writer), logdir, { recursive: true });
      const server = await startSandbox();
      await server.send('POST', '/api/v1/default/projects/create', { name: 'demo' });
      const { code, stdout, stderr } = await runCli(
        ...['import', logdir, '--project', 'demo', '--uuid-seed', UUID_SEED, '--state-dir', createTempDir()],
        ...['--store', `polyaxon://${new URL(server.url).host}/default/demo`, '--json'],
      );
      expect(code, stdout + stderr).toBe(0);
      const { logDirectories } = JSON.parse(stdout) as {
        logDirectories: { path: string; runPath: string }[];
      };
      const homes = new Map(logDirectories.map(({ path, runPath }) => [path || '.', runPath]));
      const board = await TensorBoard.start({ logdir, fast: false });
      const tags = await board.waitFor('plugin/scalars/tags', {}, (answer) =>
        Object.keys(answer as object).length > 0 ? (answer as Record<string, object>) : undefined,
      );

      let compared = 0;
      for (const [run, names] of Object.entries(tags)) {
        if (run.split('/')[0] === RESUMED) continue;
        for (const tag of Object.keys(names)) {
          const points = (await board.get('plugin/scalars/scalars', { run, tag })) as Points;
          await expectSeries(server, homes.get(run)!, run, tag, points);
          compared += 1;
        }
      }
      expect(compared).toBeGreaterThan(2);
      const uuid = toImportedUuid(UUID_SEED, 'scalars');
      expect(await server.get(`/api/v1/default/demo/runs/${uuid}`)).toMatchObject({ status: 'succeeded' });
    });
  });
});

async function expectSeries(
  server: PolyaxonServer,
  home: string,
  run: string,
  tag: string,
  points: Points,
): Promise<void> {
  const below = run === '.' ? '' : run.slice(home === '' ? 0 : home.length + 1);
  const uuid = toImportedUuid(UUID_SEED, home);
  const served = new ServedRun(server, { owner: 'default', project: 'demo', uuid }, { force: true });
  const name = toReadableName(below === '' ? tag : `${below}/${tag}`);

  const [events] = await served.events('events/metric', { names: name });

  expect(events, `${run} ${tag}`).toBeDefined();
  // TensorBoard serves most values as float32; Polyaxon event files have the logged values.
  const found = (events?.data.metric ?? []).map((value, i) => {
    const shown = points[i]?.[2];
    const isShown = typeof value === 'number' && Math.fround(value) === shown;
    return [events?.data.step?.[i], isShown ? shown : value];
  });
  // The server's columns are doubles, which cannot represent all steps of TensorBoard.
  const expected = points.map(([, step, value]) => [Number(step), typeof value === 'number' ? value : null]);
  expect(found, `${run} ${tag}`).toEqual(expected);
}
