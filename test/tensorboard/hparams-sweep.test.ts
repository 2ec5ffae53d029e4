/**
 * Opens runs in TensorBoard's HParams dashboard: a sweep in a real browser, and the lives that a run can have in both readers.
 *
 * SCREENSHOTS=<directory> saves screenshots; README shows two of them.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { Run } from '../../src/index.js';
import { openPage } from '../support/browser.js';
import { waitFor } from '../support/child-server.js';
import { describeWithPeers } from '../support/peers.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { accuracyOf, type Trial, writeSweep } from '../support/sweep.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

const LAST_STEP = 29;
/** Of a row of the table; seven of them have a text. */
const CELLS = 9;
const ALL_STATUSES = ['STATUS_UNKNOWN', 'STATUS_SUCCESS', 'STATUS_FAILURE', 'STATUS_RUNNING'];

interface SessionGroup {
  readonly name: string;
  readonly hparams: Record<string, unknown>;
  readonly metricValues?: readonly {
    readonly name: { readonly group?: string; readonly tag: string };
    readonly value: number;
  }[];
  readonly sessions: readonly { readonly status: string }[];
}

interface Row {
  readonly hparams: Record<string, unknown>;
  readonly status: string;
  readonly metrics: Record<string, number>;
}

describeWithPeers(['tensorboard', 'chromium'], 'a sweep in TensorBoard', () => {
  it('has one row for each of 20 runs that only log inputs and metrics, and a line in parallel coordinates', async () => {
    const root = createTempDir();
    const trials = await writeSweep(root, 20);
    const board = await TensorBoard.start({ logdir: `${root}-tensorboard`, fast: true });
    await readSessions(
      board,
      (groups) => groups.length === 20 && groups.every(({ metricValues = [] }) => metricValues.length === 2),
    );
    const page = await openPage(`${board.url}/#hparams`);
    // The table creates only the rows and columns that fit.
    await page.setViewportSize({ width: 1440, height: 960 });
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));

    const rows = await waitFor('the table', async () => {
      const texts = await readTable(page);
      // The grid fills its cells one after the other.
      const isFilled = texts.every((row) => row.length === CELLS - 2);
      return texts.length === 20 && isFilled ? texts : undefined;
    });
    await saveScreenshot(page, 'hparams');
    await page.getByText(/parallel coordinates view/i).click();
    const lines = page.locator('tf-hparams-parallel-coords-plot .foreground path');
    await waitFor('the lines', async () => ((await lines.count()) === 20 ? true : undefined));
    const axes = await page.locator('tf-hparams-parallel-coords-plot .axis').allTextContents();
    await saveScreenshot(page, 'hparams_parallel');

    for (const [i, trial] of trials.entries()) expect(rows[i]).toEqual(toCells(trial));
    for (const name of ['batchSize', 'lr', 'optimizer', 'warmup', 'accuracy', 'loss']) {
      expect(axes.some((axis) => axis.includes(name))).toBe(true);
    }
    for (const path of await lines.all()) expect(await path.getAttribute('d')).toMatch(/^M[\d.]+,[\d.]+L/);
    expect(errors).toEqual([]);
  });
});

describeWithPeers(['tensorboard'], 'the HParams session of a run', () => {
  it.each([{ fast: true }, { fast: false }])(
    'has all inputs and the last status, whatever happened to the run (fast: $fast)',
    async ({ fast }) => {
      const root = createTempDir();
      await writeLives(root);

      const board = await TensorBoard.start({ logdir: `${root}-tensorboard`, fast });
      const rows = await readRows(board, 7);

      expect(rows).toEqual({
        plain: {
          hparams: { lr: 0.1, 'model/depth': 3, 'opt.name': 'adam', 'opt.betas': '[0.9,0.99]', amp: true },
          status: 'STATUS_SUCCESS',
          metrics: { loss: 0.5, accuracy: 0.5, 'accuracy (output)': 0.75, 'nested.f1 (output)': 0.5 },
        },
        late: { hparams: { lr: 0.2, depth: 4 }, status: 'STATUS_FAILURE', metrics: { loss: 1 } },
        open: { hparams: { lr: 0.25 }, status: 'STATUS_UNKNOWN', metrics: { loss: 1 } },
        resumed: {
          hparams: { lr: 0.5, 'model/depth': 3 },
          status: 'STATUS_SUCCESS',
          metrics: { loss: 0.5, 'accuracy (output)': 0.875 },
        },
        live: { hparams: { lr: 0.5 }, status: 'STATUS_RUNNING', metrics: { loss: 0.5 } },
        again: {
          hparams: { lr: 0.5 },
          status: 'STATUS_SUCCESS',
          metrics: { loss: 0.25, 'accuracy (output)': 0.75 },
        },
        workers: { hparams: { lr: 1, 'of-worker': 2 }, status: 'STATUS_UNKNOWN', metrics: { loss: 1 } },
      });
      const curve = (await board.get('plugin/scalars/scalars', {
        run: await findRun(board, 'plain'),
        tag: 'accuracy',
      })) as [number, number, number][];
      expect(curve.map(([, step, value]) => [step, value])).toEqual([
        [0, 0.25],
        [1, 0.5],
      ]);
    },
  );
});

/** Runs that end, do not end, are resumed, and have workers; two of them have no session. */
async function writeLives(root: string): Promise<void> {
  const start = (options: ConstructorParameters<typeof Run>[0]) =>
    new Run({ root, ...NO_CAPTURE, ...options });

  const plain = start({ name: 'plain' });
  plain.logInputs({ lr: 0.1, 'model/depth': 3, clip: null });
  plain.logInputs({ opt: { name: 'adam', betas: [0.9, 0.99] }, amp: true });
  for (const step of [0, 1]) plain.logMetrics({ loss: 1 / (step + 1), accuracy: (step + 1) / 4 }, { step });
  plain.logOutputs({ accuracy: 0.75, loss: 0.5, note: 'text', nested: { f1: 0.5 } });
  await plain.end();

  const late = start({ name: 'late' });
  late.logInputs({ lr: 0.2 });
  late.logMetric('loss', 1, { step: 0 });
  late.logInputs({ depth: 4 });
  await late.end({ status: 'failed' });

  const open = start({ name: 'open' });
  open.logInputs({ lr: 0.25 });
  open.logMetric('loss', 1, { step: 0 });
  await open.flush();

  const first = start({ name: 'resumed' });
  first.logInputs({ lr: 0.4, 'model/depth': 3 });
  first.logMetric('loss', 1, { step: 0 });
  first.logOutputs({ accuracy: 0.5 });
  await first.end({ status: 'failed' });
  const resumed = start({ uuid: first.uuid, resume: true });
  resumed.logInputs({ lr: 0.5 });
  resumed.logMetric('loss', 0.5, { step: 1 });
  resumed.logOutputs({ accuracy: 0.875 });
  await resumed.end();

  const before = start({ name: 'live' });
  before.logInputs({ lr: 0.5 });
  await before.end({ status: 'failed' });
  const live = start({ uuid: before.uuid, resume: true });
  live.logMetric('loss', 0.5, { step: 1 });
  await live.flush();

  const whole = start({ name: 'again' });
  whole.logInputs({ lr: 0.5 });
  whole.logMetric('loss', 1, { step: 0 });
  whole.logOutputs({ accuracy: 0.75 });
  await whole.end({ status: 'failed' });
  const again = start({ uuid: whole.uuid, resume: { fromStep: 0 } });
  again.logMetric('loss', 0.25, { step: 0 });
  await again.end();

  const main = start({ name: 'workers' });
  main.logInputs({ lr: 1 });
  const worker = start({ uuid: main.uuid, worker: 'rank1' });
  worker.logInputs({ 'of-worker': 2 });
  worker.logMetric('loss', 2, { step: 0 });
  await worker.end();
  main.logMetric('loss', 1, { step: 0 });
  await main.end({ status: 'stopped' });

  const without = start({ name: 'without' });
  without.logMetric('loss', 1, { step: 0 });
  await without.end();
  const off = start({ name: 'off', hparams: false });
  off.logInputs({ lr: 1 });
  off.logMetric('loss', 1, { step: 0 });
  await off.end();
}

/** Waits until TensorBoard has read all sessions and the last values of their metrics. */
async function readSessions(
  board: TensorBoard,
  isComplete: (groups: readonly SessionGroup[]) => boolean,
): Promise<readonly SessionGroup[]> {
  const request = { allowedStatuses: ALL_STATUSES, colParams: [], startIndex: 0, sliceSize: 100 };
  return waitFor('the sessions', async () => {
    const answer = await board.post('plugin/hparams/session_groups', request);
    const { sessionGroups } = answer as { sessionGroups: SessionGroup[] };
    return isComplete(sessionGroups) ? sessionGroups : undefined;
  });
}

/** Returns all rows by the name of the run. A metric of a worker is left out. */
async function readRows(board: TensorBoard, count: number): Promise<Record<string, Row>> {
  await board.waitFor('plugin/scalars/tags', {}, (tags) =>
    Object.keys(tags as object).length === 10 ? true : undefined,
  );
  const groups = await readSessions(board, ({ length }) => length === count);
  const rows = groups.map(({ name, hparams, metricValues = [], sessions }): [string, Row] => {
    const own = metricValues.filter(({ name: { group = '' } }) => group === '');
    const metrics = Object.fromEntries(own.map((metric) => [metric.name.tag, metric.value]));
    return [name.replace(/-[0-9a-f]{8}$/, ''), { hparams, status: sessions[0]!.status, metrics }];
  });
  return Object.fromEntries(rows);
}

async function findRun(board: TensorBoard, name: string): Promise<string> {
  const runs = (await board.get('runs')) as string[];
  return runs.find((run) => run.startsWith(`${name}-`))!;
}

/** The texts of each row, by the name of the trial. */
async function readTable(page: Page): Promise<string[][]> {
  const texts = await page.locator('tf-hparams-table-view vaadin-grid-cell-content').allInnerTexts();
  const cells = texts.map((text) => text.trim());
  const rows = cells.flatMap((text, at) => (/^trial-\d\d-/.test(text) ? [cells.slice(at, at + CELLS)] : []));
  // The cells without text are those of the check box and of the details.
  const filled = rows.map((row) => row.filter((text) => text !== ''));
  return filled.sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
}

function toCells(trial: Trial): unknown[] {
  const accuracy = accuracyOf(trial, LAST_STEP);
  return [
    expect.stringMatching(new RegExp(`^${trial.name}-[0-9a-f]{8}$`)),
    toText(trial.batchSize),
    toText(trial.lr),
    trial.optimizer,
    String(trial.warmup),
    toText(accuracy),
    toText(-Math.log(accuracy)),
  ];
}

/** A number as the table shows it, with five digits. */
function toText(value: number): string {
  return Math.fround(value).toPrecision(5);
}

async function saveScreenshot(page: Page, name: string): Promise<void> {
  const directory = process.env.SCREENSHOTS;
  if (directory === undefined) return;
  mkdirSync(directory, { recursive: true });
  // Wait for the animations.
  await page.waitForTimeout(1500);
  await page.screenshot({ path: join(directory, `${name}.png`) });
}
