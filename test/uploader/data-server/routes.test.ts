/**
 * TensorBoard with polytrack's data server answers every route of every plugin as with its own Python reader.
 *
 * DATA_SERVER_PROGRAMS=<n> sets the number of random programs, and DATA_SERVER_SEED=<n> the first one.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { DataClass, DataType, type Event } from '../../../src/format/wire/messages.js';
import { waitFor } from '../../support/child-server.js';
import { writeDashboardRuns } from '../../support/dashboard-runs.js';
import { describeWithPeers } from '../../support/peers.js';
import { writeRandomProgram } from '../../support/random-program.js';
import { encodeRecords } from '../../support/scalar-files.js';
import { createTempDir } from '../../support/temp-dir.js';
import { TensorBoard } from '../../support/tensorboard.js';
import { collectAnswers } from '../../support/tensorboard-routes.js';

const FIXTURES = fileURLToPath(new URL('../../../fixtures', import.meta.url));
const PROGRAMS = Number(process.env.DATA_SERVER_PROGRAMS ?? 10);
const SEED = Number(process.env.DATA_SERVER_SEED ?? 1);
/** All answers of the Python reader for one program take half a second on a busy machine, and the test asks at least twice. */
const LOAD_MS = 240_000 + 4000 * PROGRAMS;

/** How many histograms of a tag the page asks for. Source: SAMPLE_SIZE of histograms_plugin.py. */
const SHOWN_HISTOGRAMS = 51;

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

  it(
    'answers every route as with the Python reader: every kind that polytrack writes, and random programs',
    async () => {
      const logdir = createTempDir();
      await writeDashboardRuns(logdir);
      for (let seed = SEED; seed < SEED + PROGRAMS; seed++)
        await writeRandomProgram(join(logdir, `program-${seed}`), seed);
      writeLateMetadata(join(logdir, 'late metadata'));

      expect(await findDifferences(logdir)).toEqual([]);
    },
    2 * LOAD_MS,
  );
});

/** Values before the first metadata of their tag, in the same file and in an earlier one. */
function writeLateMetadata(directory: string): void {
  const toEvent = (step: number, hasMetadata: boolean): Event => {
    const tensor = { dtype: DataType.FLOAT, shape: [], floatVal: Float32Array.of(step) };
    const metadata = hasMetadata ? { metadata: { pluginName: 'scalars', dataClass: DataClass.SCALAR } } : {};
    const values = ['a', 'b'].map(
      (tag) => ({ tag, value: { kind: 'tensor', tensor }, ...metadata }) as const,
    );
    return { wallTime: step, step, what: { kind: 'summary', values: step < 2 ? values : values.slice(1) } };
  };
  mkdirSync(directory);
  const write = (number: number, events: Event[]) =>
    writeFileSync(join(directory, `events.out.tfevents.${number}.host`), encodeRecords(events));
  write(1, [toEvent(0, false), toEvent(1, false)]);
  write(2, [toEvent(2, false), toEvent(3, true), toEvent(4, false)]);
}

async function findDifferences(logdir: string): Promise<string[]> {
  const [python, ours] = await Promise.all([
    TensorBoard.start({ logdir, fast: false }),
    TensorBoard.start({ logdir, fast: true, dataServer: true }),
  ]);
  const expected = await waitUntilLoaded(python);
  const found = await waitUntilLoaded(ours);
  expect(expected.size).toBeGreaterThan(10);
  return (
    [...new Set([...expected.keys(), ...found.keys()])]
      .filter((route) => expected.get(route) !== found.get(route))
      .filter((route) => !DIFFERENCES.some((each) => each.route.test(route)))
      .filter(
        (route) =>
          !(
            /^plugin\/(?:histograms|distributions)\//.test(route) &&
            isThinned(expected.get(route), found.get(route))
          ),
      )
      // A run whose hyperparameters have metadata without data: a KeyError in the Python reader, for the page of all runs.
      .filter(
        (route) =>
          !(
            route.startsWith('plugin/hparams/') &&
            expected.get(route)?.startsWith('500') &&
            found.get(route)?.startsWith('200')
          ),
      )
      .map((route) => `${route}: ${cut(expected.get(route))} | ${cut(found.get(route))}`)
  );
}

/** Whether both answers are as many histograms as the page asks for, with the same ends: the Python reader chooses at random, polytrack evenly. */
function isThinned(python = '', ours = ''): boolean {
  const [expected, found] = [python, ours].map((answer) =>
    answer.startsWith('200 [[') ? (JSON.parse(answer.slice(4)) as unknown[]) : [],
  );
  const isFull = expected!.length === SHOWN_HISTOGRAMS && found!.length === SHOWN_HISTOGRAMS;
  const toEnds = (all: unknown[]) => JSON.stringify([all[0], all.at(-1)]);
  return isFull && toEnds(expected!) === toEnds(found!);
}

/** The answers, once they are the same twice. */
async function waitUntilLoaded(board: TensorBoard): Promise<Map<string, string>> {
  let last = '';
  const check = async (): Promise<Map<string, string> | undefined> => {
    const answers = await collectAnswers(board);
    const text = JSON.stringify([...answers]);
    const isSame = text === last && answers.get('runs?') !== '200 []';
    last = text;
    return isSame ? answers : undefined;
  };
  return waitFor('the same answers twice', check, LOAD_MS);
}

function cut(text = 'no answer'): string {
  return text.length < 300 ? text : `${text.slice(0, 300)}…`;
}
