/** A training process that is killed at any time leaves a complete run directory. */

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { spawnScript } from '../support/child-script.js';
import { describeWithPeers } from '../support/peers.js';
import { readRunFile } from '../support/read-run.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

const KILLS = 20;

/** Logs 100,000 values, flushes every 97 steps, and prints the last flushed step. */
const TRAINING = `
  const run = new Run({ root: process.env.ROOT, uuid: process.env.UUID, flushIntervalMs: 5 });
  for (let step = 0; step < 100_000; step++) {
    run.logMetric('loss', step / 7, { step });
    if (step % 10 === 0) run.logOutputs({ step, text: 'x'.repeat(step % 5000) });
    if (step % 97 === 0) {
      await run.flush();
      process.stdout.write(step + '\\n');
    }
  }
`;

interface Killed {
  readonly uuid: string;
  readonly flushedStep: number;
}

async function trainAndKill(root: string, index: number): Promise<Killed> {
  const uuid = index.toString(16).padStart(8, '0').padEnd(32, '0');
  const child = spawnScript('Run', TRAINING, { ROOT: root, UUID: uuid });
  const exited = once(child, 'exit');
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  while (!output.includes('\n')) {
    if (child.exitCode !== null) throw new Error(`training exited with code ${child.exitCode}`);
    await sleep(2);
  }
  await sleep(Math.random() * 250);
  child.kill('SIGKILL');
  await exited;
  const lines = output.slice(0, output.lastIndexOf('\n')).split('\n');
  return { uuid, flushedStep: Number(lines.at(-1)) };
}

describeWithPeers(['tensorboard'], 'a run whose process is killed', () => {
  it(`has all flushed values in both readers, after ${KILLS} kills at random times`, async () => {
    const root = createTempDir();
    const killed: Killed[] = [];
    for (let index = 1; index <= KILLS; index++) killed.push(await trainAndKill(root, index));

    for (const { uuid } of killed) {
      expect(readRunFile(`${root}/runs/${uuid}`)).toMatchObject({ uuid, status: 'running' });
    }
    expect(Math.max(...killed.map(({ flushedStep }) => flushedStep))).toBeLessThan(100_000 - 97);
    for (const fast of [true, false]) {
      const board = await TensorBoard.start({ logdir: `${root}-tensorboard`, fast });
      for (const { uuid, flushedStep } of killed) {
        const run = `run-${uuid.slice(0, 8)}`;
        const points = await board.waitFor('plugin/scalars/scalars', { run, tag: 'loss' }, (answer) => {
          const found = answer as [number, number, number][];
          return found.length > flushedStep ? found : undefined;
        });
        expect(points.map(([, step, value]) => [step, value])).toEqual(
          points.map((_, step) => [step, Math.fround(step / 7)]),
        );
      }
    }
  });
});
