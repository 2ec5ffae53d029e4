/** TensorBoard reads the stored copy from a bucket while the uploader extends it. */

import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { startWatch } from '../../bench/support/uploader-process.mjs';
import { SummaryWriter } from '../../src/index.js';
import { describeWithPeers } from '../support/peers.js';
import { S3Server } from '../support/s3-server.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

const UUID = 'c3'.repeat(16);
const STEPS = 240;
/** With this much text in each step, the file of the first run exceeds 5 MiB; from then on the store extends it by a copy. */
const TEXT_BYTES = 32 * 1024;
const KIB = 1024;
type Points = [wallTime: number, step: number, value: number][];

/** One growing file, and one series of frequently rotated files. */
const RUNS = { growing: 128 * 1024 * KIB, rotating: 256 * KIB };

describeWithPeers(['s3', 'tensorboard'], 'TensorBoard with a logdir in S3', () => {
  it('shows every point of files that grow and rotate while it reads, without errors in its log', async () => {
    const server = await S3Server.start();
    const bucket = await server.bucket('runs');
    const home = createTempDir();
    const logdir = join(home, 'root/runs', UUID, 'outputs/tensorboard');
    mkdirSync(logdir, { recursive: true });
    const watch = startWatch({
      ...{ root: join(home, 'root'), store: `s3://${bucket}/team`, stateDir: join(home, 'state') },
      ...{ env: server.env, home, intervalSeconds: 1 },
    });
    onTestFinished(() => void watch.end('SIGKILL'));
    const writers = Object.entries(RUNS).map(
      ([name, maxFileBytes]) => new SummaryWriter(join(logdir, name), { maxFileBytes, flushIntervalMs: 200 }),
    );
    const log = async (from: number, to: number): Promise<void> => {
      for (let step = from; step < to; step++) {
        for (const writer of writers) {
          writer.addScalar('loss', step / 1024, step);
          writer.addText('noise', randomBytes(TEXT_BYTES / 2).toString('hex'), step);
        }
        await sleep(20);
      }
    };
    await log(0, 10);
    const board = await TensorBoard.start({
      logdir: `s3://${bucket}/team/${UUID}/outputs/tensorboard`,
      fast: false,
      env: { ...server.env, S3_ENDPOINT: server.endpoint },
    });
    const untilShown = (run: string, step: number): Promise<Points> =>
      board.waitFor('plugin/scalars/scalars', { run, tag: 'loss' }, (answer) =>
        (answer as Points).at(-1)![1] >= step ? (answer as Points) : undefined,
      );

    let shown = 0;
    for (let step = 10; step < STEPS; step += 46) {
      await log(step, step + 46);
      shown = (await untilShown('growing', shown)).length; // wait for a step that was not shown before
      expect(shown).toBeLessThanOrEqual(step + 46);
    }
    for (const writer of writers) await writer.close();
    expect(await watch.end('SIGTERM')).toBe(0);

    for (const run of Object.keys(RUNS)) {
      const points = await untilShown(run, STEPS - 1);
      expect(
        points.map(([, step, value]) => [step, value]),
        run,
      ).toEqual(Array.from({ length: STEPS }, (_, step) => [step, step / 1024]));
    }
    expect(troubles(board.output())).toEqual([]);
  });
});

/** Returns TensorBoard's warnings and errors, without its notices about missing extras. */
function troubles(output: string): string[] {
  return output.split('\n').filter((line) => /^[WEF]\d{4} |Traceback|Error|corrupt/i.test(line));
}
