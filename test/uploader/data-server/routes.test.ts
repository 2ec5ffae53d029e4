/**
 * TensorBoard with polytrack's data server answers every route of every plugin as with its own Python reader.
 *
 * DATA_SERVER_PROGRAMS=<n> sets the number of random programs, and DATA_SERVER_SEED=<n> the first one.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { waitFor } from '../../support/child-server.js';
import { writeDashboardRuns } from '../../support/dashboard-runs.js';
import { describeWithPeers } from '../../support/peers.js';
import { writeRandomProgram } from '../../support/random-program.js';
import { createTempDir } from '../../support/temp-dir.js';
import { TensorBoard } from '../../support/tensorboard.js';
import { collectAnswers } from '../../support/tensorboard-routes.js';

const FIXTURES = fileURLToPath(new URL('../../../fixtures', import.meta.url));
const PROGRAMS = Number(process.env.DATA_SERVER_PROGRAMS ?? 10);
const SEED = Number(process.env.DATA_SERVER_SEED ?? 1);

/** Where an answer differs, and why. */
const DIFFERENCES: readonly { readonly route: RegExp; readonly reason: string }[] = [
  {
    route: /^plugin\/scalars\/scalars\?run=pytorch%2Fscalars&tag=double$/,
    reason: 'a float64 scalar: numbers of the data provider are float32',
  },
];

describeWithPeers(['tensorboard'], 'TensorBoard with the data server', () => {
  it('answers every route as with the Python reader: files of other writers', async () => {
    // Several of them describe an experiment. Python's reader shows that of the directory which the file system lists first.
    const differences = await findDifferences(FIXTURES);
    expect(differences.filter((each) => !each.startsWith('plugin/hparams/'))).toEqual([]);
  });

  it('answers every route as with the Python reader: hyperparameters of one other writer', async () => {
    expect(await findDifferences(join(FIXTURES, 'keras'))).toEqual([]);
  });

  it('answers every route as with the Python reader: every kind that polytrack writes, and random programs', async () => {
    const logdir = createTempDir();
    await writeDashboardRuns(logdir);
    for (let seed = SEED; seed < SEED + PROGRAMS; seed++)
      await writeRandomProgram(join(logdir, `program-${seed}`), seed);

    expect(await findDifferences(logdir)).toEqual([]);
  });
});

async function findDifferences(logdir: string): Promise<string[]> {
  const [python, ours] = await Promise.all([
    TensorBoard.start({ logdir, fast: false }),
    TensorBoard.start({ logdir, fast: true, dataServer: true }),
  ]);
  const expected = await waitUntilLoaded(python);
  const found = await waitUntilLoaded(ours);
  expect(expected.size).toBeGreaterThan(10);
  return [...new Set([...expected.keys(), ...found.keys()])]
    .filter((route) => expected.get(route) !== found.get(route))
    .filter((route) => !DIFFERENCES.some((each) => each.route.test(route)))
    .map((route) => `${route}: ${cut(expected.get(route))} | ${cut(found.get(route))}`);
}

/** The answers, once they are the same twice. */
async function waitUntilLoaded(board: TensorBoard): Promise<Map<string, string>> {
  let last = '';
  return waitFor('the same answers twice', async () => {
    const answers = await collectAnswers(board);
    const text = JSON.stringify([...answers]);
    const isSame = text === last && answers.get('runs?') !== '200 []';
    last = text;
    return isSame ? answers : undefined;
  });
}

function cut(text = 'no answer'): string {
  return text.length < 300 ? text : `${text.slice(0, 300)}…`;
}
