/** Eight processes log to one run at the same time, and nothing is lost for TensorBoard or Polyaxon. */

import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Exporter } from '../../src/polyaxon/export/exporter.js';
import { spawnScript } from '../support/child-script.js';
import { waitFor } from '../support/child-server.js';
import { describeWithPeers } from '../support/peers.js';
import { readEvents, readLineage, readRunFile } from '../support/read-run.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

const UUID = '0123456789abcdef0123456789abcdef';
const PROCESSES = 8;
const METRICS = 10_000;

/** The main process ends last, as with a launcher. */
const WRITER = `
  const index = Number(process.env.INDEX);
  const run = new Run({
    root: process.env.ROOT, uuid: '${UUID}', trackCode: false,
    ...(index === 0 ? { name: 'shared' } : { worker: index }),
    formats: ['tensorboard', 'polyaxon'],
  });
  for (let step = 0; step < ${METRICS}; step++) {
    run.logMetric('loss', index * ${METRICS} + step, { step });
    if (step % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  run.logInputs({ ['rank_' + index]: index });
  if (index === 0) {
    const { existsSync } = await import('node:fs');
    const ended = (worker) => existsSync(run.paths.run + '/.plx/end-' + worker + '.json');
    while (![1, 2, 3, 4, 5, 6, 7].every(ended)) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await run.end();
`;

async function logFromAll(root: string): Promise<string> {
  const children = Array.from({ length: PROCESSES }, (_, index) =>
    spawnScript('Run', WRITER, { ROOT: root, INDEX: String(index) }),
  );
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
  expect(codes).toEqual(children.map(() => 0));
  return join(root, 'runs', UUID);
}

const namesOf = (index: number) => (index === 0 ? 'loss' : `${index}__loss`);

describe(`${PROCESSES} processes of ${METRICS} metrics in one run`, () => {
  it("lose nothing in event files, their export, Polyaxon's files and the run record", async () => {
    const root = createTempDir();
    const run = await logFromAll(root);

    const exporter = new Exporter({});
    for (let index = 0; index < PROCESSES; index++) {
      const logDirectory = index === 0 ? '' : String(index);
      const events = readEvents(join(run, 'outputs/tensorboard', logDirectory));
      for (const event of events) exporter.push(event, logDirectory);
      const rows = readFileSync(join(run, `events/metric/${namesOf(index)}.plx`), 'utf8')
        .split('\n')
        .slice(1);
      expect(rows.map((row) => Number(row.split('|')[2]))).toEqual(
        Array.from({ length: METRICS }, (_, step) => index * METRICS + step),
      );
    }
    const counts = exporter
      .artifacts()
      .map(({ name, summary }) => [name, (summary.metric as { count: number }).count]);
    expect(Object.fromEntries(counts)).toEqual(
      Object.fromEntries(Array.from({ length: PROCESSES }, (_, index) => [namesOf(index), METRICS])),
    );
    const record = readRunFile(run);
    expect(record).toMatchObject({ name: 'shared', status: 'succeeded' });
    expect(Object.keys(record.inputs ?? {})).toHaveLength(PROCESSES);
    const metrics = readLineage(run).filter(({ kind }) => kind === 'metric');
    expect(metrics).toHaveLength(PROCESSES);
    expect(readdirSync(join(run, '.plx')).filter((name) => name.startsWith('end-'))).toHaveLength(PROCESSES);
    expect(existsSync(`${root}-tensorboard`)).toBe(true);
  });
});

describeWithPeers(['tensorboard'], 'TensorBoard with a run of several processes', () => {
  it.each([true, false])('shows every point of every process, with load_fast %s', async (fast) => {
    const root = createTempDir();
    const run = await logFromAll(root);
    const board = await TensorBoard.start({ logdir: join(run, 'outputs/tensorboard'), fast });

    for (let index = 0; index < PROCESSES; index++) {
      const query = { run: index === 0 ? '.' : String(index), tag: 'loss' };
      const points = await waitFor('all points', async () => {
        const answer = (await board.get('plugin/scalars/scalars', query)) as [number, number, number][];
        return answer.length >= METRICS ? answer : undefined;
      });
      expect(points.map(([, step, value]) => [step, value])).toEqual(
        Array.from({ length: METRICS }, (_, step) => [step, index * METRICS + step]),
      );
    }
  });
});
