/** A run that repeatedly crashes and resumes from an earlier step shows each step once, the same in both readers. */

import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { EventFileWriter } from '../../src/format/index.js';
import { decodeRecord } from '../../src/format/record/record-codec.js';
import { SummaryWriter } from '../../src/index.js';
import { describeWithPeers } from '../support/peers.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

const CRASHES = 20;
const RESTARTS = 5;
const TAGS = ['loss', 'accuracy'];

type Points = [wallTime: number, step: number, value: number][];

/** Returns a fixed sequence of numbers in [0, 1), so that a failing case can be repeated. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Logs steps [from, to); the value identifies the process that wrote it. */
async function logSteps(writer: EventFileWriter, from: number, to: number, life: number): Promise<void> {
  for (let step = from; step < to; step++) {
    for (const tag of TAGS) writer.writeScalar(tag, life + step / 1024, step, 1_700_000_000 + life);
  }
  await writer.close();
}

/** Truncates the newest file in its last records, like a crash in the middle of a write. */
function tearTail(directory: string, bytes: number): void {
  const path = join(directory, readdirSync(directory).sort().at(-1)!);
  truncateSync(path, Math.max(100, statSync(path).size - bytes));
}

type Point = [wallTime: number, step: number, value: unknown] | { step: number };
type Log = (writer: SummaryWriter, step: number) => void;

const PIXEL = { pixels: new Uint8Array(3), height: 1, width: 1 };
/** Tags, the plugin that shows them, and how they are logged. */
const LOGS: Readonly<Record<string, readonly [plugin: string, route: string, log: Log]>> = {
  loss: ['scalars', 'scalars', (writer, step) => writer.addScalar('loss', step, step)],
  rare: ['scalars', 'scalars', (writer, step) => writer.addScalars('rare', { a: step, b: step }, step)],
  sample: ['images', 'images', (writer, step) => writer.addImage('sample', PIXEL, step)],
  note: ['text', 'text', (writer, step) => writer.addText('note', String(step), step)],
  weights: ['histograms', 'histograms', (writer, step) => writer.addHistogram('weights', [step], step)],
};

/** The steps that a reader should show for one tag of a run with several lives. */
class ExpectedSteps {
  steps: number[] = [];
  #supersededFrom: number | undefined;
  #isNew = true;

  resume(fromStep: number | undefined): void {
    this.#isNew = true;
    this.#supersededFrom = undefined;
    if (fromStep === undefined) return;
    const kept = this.steps.filter((step) => step < fromStep);
    // A series is never emptied: its points stay until the first new one.
    if (kept.length > 0) this.steps = kept;
    else this.#supersededFrom = this.steps[0];
  }

  log(step: number): void {
    const from = this.#isNew ? Math.min(step, this.#supersededFrom ?? step) : step;
    this.steps = [...this.steps.filter((each) => each < from), step];
    this.#isNew = false;
  }
}

/** Logs one run with several lives. Each life logs some of the tags, from its first step or from step 0 on, at random distances. */
async function logLives(directory: string, random: () => number): Promise<Map<string, ExpectedSteps>> {
  const below = (limit: number): number => Math.floor(random() * limit);
  const expected = new Map(Object.keys(LOGS).map((tag) => [tag, new ExpectedSteps()]));
  let last = 0;
  for (let life = 0; life < 2 + below(4); life++) {
    const fromStep = below(4) === 0 ? undefined : below(last + 3);
    const resume = fromStep === undefined ? true : { fromStep };
    const writer = new SummaryWriter(directory, { onWarning: () => {}, ...(life === 0 ? {} : { resume }) });
    if (life > 0) for (const steps of expected.values()) steps.resume(fromStep);
    for (const [tag, steps] of expected) {
      if (below(3) === 0) continue;
      let step = below(5) === 0 ? 0 : (life === 0 ? 0 : (fromStep ?? last)) + below(8);
      for (let count = 1 + below(4); count > 0; count--) {
        LOGS[tag]![2](writer, step);
        steps.log(step);
        last = Math.max(last, step);
        step += 1 + below(5);
      }
    }
    await writer.close();
  }
  return expected;
}

/** The offset after each record. */
function findRecordEnds(bytes: Uint8Array): number[] {
  const ends: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const decoded = decodeRecord(bytes, at);
    if (decoded.kind === 'incomplete') break;
    at = decoded.end;
    ends.push(at);
  }
  return ends;
}

describeWithPeers(['tensorboard'], 'a resumed series', () => {
  it.each([true, false])(
    'shows each step once whatever its lives have logged, with load_fast %s',
    async (fast) => {
      const logdir = createTempDir();
      const random = createRandom(11);
      const runs = new Map<string, Map<string, ExpectedSteps>>();
      for (let i = 0; i < 40; i++) {
        const run = `run-${i}`;
        runs.set(run, await logLives(join(logdir, run), random));
      }

      const board = await TensorBoard.start({ logdir, fast });

      await board.waitFor('runs', {}, (answer) =>
        (answer as string[]).length === runs.size ? true : undefined,
      );
      for (const [run, tags] of runs) {
        for (const [name, { steps }] of tags) {
          if (steps.length === 0) continue;
          const [plugin, route] = LOGS[name]!;
          const tag = name === 'rare' ? 'rare/a' : name;
          const query = { run, tag, ...(plugin === 'images' ? { sample: 0 } : {}) };
          const shown = async () => {
            const points = (await board.get(`plugin/${plugin}/${route}`, query)) as Point[];
            return points.map((point) => (Array.isArray(point) ? point[1] : point.step));
          };
          await expect.poll(shown, { timeout: 60_000, message: `${run} ${tag}` }).toEqual(steps);
        }
      }
    },
  );

  it.each([true, false])(
    'F115: has its pages wherever a process that resumes is killed, with load_fast %s',
    async (fast) => {
      const logdir = createTempDir();
      const whole = createTempDir();
      const first = new SummaryWriter(whole);
      for (const [, , log] of Object.values(LOGS)) for (const step of [4, 6]) log(first, step);
      await first.close();
      const [firstName] = readdirSync(whole);
      const second = new SummaryWriter(whole, { resume: { fromStep: 2 } });
      for (const [, , log] of Object.values(LOGS)) for (const step of [5, 7]) log(second, step);
      await second.close();
      const [, secondName] = readdirSync(whole).sort();
      const bytes = readFileSync(join(whole, secondName!));
      const ends = findRecordEnds(bytes);
      for (const [i, end] of ends.entries()) {
        const directory = join(logdir, `run-${i}`);
        mkdirSync(directory);
        copyFileSync(join(whole, firstName!), join(directory, firstName!));
        writeFileSync(join(directory, secondName!), bytes.subarray(0, end));
      }

      const board = await TensorBoard.start({ logdir, fast });

      const last = { run: `run-${ends.length - 1}`, tag: 'sample', sample: 0 };
      await expect
        .poll(async () => ((await board.get('plugin/images/images', last)) as Point[]).length)
        .toBe(2);
      await board.get('plugin/timeseries/tags');
      for (const [plugin] of Object.values(LOGS)) await board.get(`plugin/${plugin}/tags`);
      for (const i of ends.keys()) {
        const query = { run: `run-${i}`, tag: 'sample', sample: 0 };
        const points = (await board.get('plugin/images/images', query)) as { step: number }[];
        const steps = points.map(({ step }) => step).join();
        expect(['4,6', '', '5', '5,7']).toContain(steps);
      }
    },
  );

  it.each([true, false])(
    `has each step once with the newest value after ${RESTARTS} restarts, with load_fast %s`,
    async (fast) => {
      const logdir = createTempDir();
      const random = createRandom(7);
      const expected = new Map<string, Map<number, number>>();
      for (let crash = 0; crash < CRASHES; crash++) {
        const run = `run-${String(crash).padStart(2, '0')}`;
        const directory = join(logdir, run);
        const newest = new Map<number, number>();
        let from = 0;
        for (let life = 0; life <= RESTARTS; life++) {
          const to = from + 20 + Math.floor(random() * 60);
          for (const step of newest.keys()) if (step >= from) newest.delete(step);
          await logSteps(
            new EventFileWriter(directory, life === 0 ? {} : { resume: { fromStep: from } }),
            from,
            to,
            life,
          );
          for (let step = from; step < to; step++) newest.set(step, life + step / 1024);
          if (life === RESTARTS) continue;
          tearTail(directory, Math.floor(random() * 200));
          // The checkpoint is earlier than the last logged step, and earlier than the steps lost in the torn tail.
          from = Math.max(0, to - 10 - Math.floor(random() * 30));
        }
        expected.set(run, newest);
      }

      const board = await TensorBoard.start({ logdir, fast });

      for (const [run, newest] of expected) {
        const wanted = [...newest].sort(([a], [b]) => a - b);
        for (const tag of TAGS) {
          const points = await board.waitFor('plugin/scalars/scalars', { run, tag }, (answer) =>
            (answer as Points).at(-1)?.[1] === wanted.at(-1)?.[0] ? (answer as Points) : undefined,
          );
          expect(points.map(([, step, value]) => [step, value])).toEqual(wanted);
        }
      }
    },
    120_000,
  );

  it.each([
    ['tensorboardx', true],
    ['tensorboardx', false],
    ['pytorch', true],
    ['pytorch', false],
    ['tensorflow', true],
    ['tensorflow', false],
  ])('continues a directory of %s, with load_fast %s', async (writer, fast) => {
    const logdir = createTempDir();
    const directory = join(logdir, 'run');
    cpSync(fileURLToPath(new URL(`../../fixtures/${writer}/scalars`, import.meta.url)), directory, {
      recursive: true,
    });

    await logSteps(new EventFileWriter(directory, { resume: { fromStep: 3 } }), 3, 12, 2);

    const board = await TensorBoard.start({ logdir, fast });
    const points = await board.waitFor('plugin/scalars/scalars', { run: 'run', tag: 'loss' }, (answer) =>
      (answer as Points).at(-1)?.[1] === 11 ? (answer as Points) : undefined,
    );
    expect(points.map(([, step]) => step)).toEqual([-3, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(points.slice(5).map(([, , value]) => value)).toEqual(
      [3, 4, 5, 6, 7, 8, 9, 10, 11].map((step) => 2 + step / 1024),
    );
  });
});
