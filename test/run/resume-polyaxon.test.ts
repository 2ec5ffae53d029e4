/** Polyaxon event files of a run that is resumed from an earlier step: each step appears once. */

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeRecord } from '../../src/format/record/record-codec.js';
import { scanEvent } from '../../src/format/wire/scan-event.js';
import type { Run } from '../../src/index.js';
import { waitFor } from '../support/child-server.js';
import { readLineage, readRunFile } from '../support/read-run.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

const UUID = 'e'.repeat(32);
const formats = ['tensorboard', 'polyaxon'] as const;

/** One process of a run: resumes it from `from` or after the last step (`true`), unless it is the first. */
async function live(root: string, from: number | true | undefined, log: (run: Run) => void): Promise<Run> {
  const resume = from === undefined ? false : from === true || { fromStep: from };
  const { run, errors } = startRun({ root, uuid: UUID, formats, resume });
  log(run);
  await run.end();
  expect(errors).toEqual([]);
  return run;
}

function logSteps(run: Run, first: number, last: number, offset = 0): void {
  for (let step = first; step <= last; step++) run.logMetric('loss', step + offset, { step });
}

function image(level: number) {
  return { height: 1, width: 1, channels: 3, pixels: new Uint8Array(3).fill(level) } as const;
}

function rowsOf(run: Run, path: string): string[] {
  return readFileSync(join(run.paths.run, 'events', path), 'utf8')
    .split('\n')
    .slice(1);
}

function stepsOf(run: Run, path: string): number[] {
  return rowsOf(run, path).map((row) => Number(row.split('|')[0]));
}

const upTo = (last: number) => Array.from({ length: last + 1 }, (_, step) => step);

/** Rewrites an event file without the events from a step on. */
function removeStepsFrom(step: number, path: string): void {
  const bytes = readFileSync(path);
  const kept: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const record = decodeRecord(bytes, at);
    if (record.kind === 'incomplete') throw new Error('the file ends within a record');
    if (scanEvent(record.data).step < step) kept.push(bytes.subarray(at, record.end));
    at = record.end;
  }
  expect(Buffer.concat(kept).length).toBeLessThan(bytes.length);
  writeFileSync(path, Buffer.concat(kept));
}

describe('a run that is resumed from an earlier step', () => {
  it('has each step once, with the values of the last process', async () => {
    const root = createTempDir();
    await live(root, undefined, (run) => logSteps(run, 0, 14));
    await live(root, 10, (run) => logSteps(run, 10, 12, 1000));
    const run = await live(root, 12, (last) => logSteps(last, 12, 13, 2000));

    expect(stepsOf(run, 'metric/loss.plx')).toEqual(upTo(13));
    expect(rowsOf(run, 'metric/loss.plx').at(-3)).toMatch(/^11\|.*\|1011\.0$/);
    const [loss] = readLineage(run.paths.run).filter(({ name }) => name === 'loss');
    const summary = { step: { count: 14, min: 0, max: 13 }, metric: { count: 14, max: 2013, last: 2013 } };
    expect(loss?.summary).toMatchObject(summary);
    expect(readRunFile(run.paths.run).outputs).toEqual({ loss: 2013 });
  });

  it('writes an asset again if its content was changed, and leaves others unchanged', async () => {
    const root = createTempDir();
    const first = await live(root, undefined, (run) => {
      run.logImage('photo', image(10), { step: 1 });
      run.logImage('other', image(20), { step: 1 });
    });
    const assets = readdirSync(join(first.paths.run, 'assets'), { recursive: true, encoding: 'utf8' })
      .filter((name) => /photo.*png$|other.*png$/.test(name))
      .map((name) => join(first.paths.run, 'assets', name));
    const [photo, other] = assets.sort().reverse() as [string, string];
    expect(assets).toHaveLength(2);
    const content = readFileSync(photo);
    writeFileSync(photo, Buffer.alloc(content.length));
    const { ino } = statSync(other);

    await live(root, 2, (run) => logSteps(run, 2, 3));

    expect(readFileSync(photo).equals(content)).toBe(true);
    expect(statSync(other).ino).toBe(ino);
  });

  it('has only the new steps when it is resumed from step 0', async () => {
    const root = createTempDir();
    await live(root, undefined, (run) => logSteps(run, 0, 5));
    const run = await live(root, 0, (last) => logSteps(last, 0, 1, 1000));

    expect(rowsOf(run, 'metric/loss.plx').map((row) => row.split('|')[2])).toEqual(['1000.0', '1001.0']);
  });

  it('keeps all steps when it is resumed after them', async () => {
    const root = createTempDir();
    await live(root, undefined, (run) => logSteps(run, 0, 3));
    const run = await live(root, 7, (last) => logSteps(last, 7, 8));

    expect(stepsOf(run, 'metric/loss.plx')).toEqual([0, 1, 2, 3, 7, 8]);
  });

  it.each([undefined, 5] as const)(
    'has each step of a tag once after `resume: true`, although old steps are logged again (flush: %s)',
    async (flushStep) => {
      const root = createTempDir();
      await live(root, undefined, (run) => {
        logSteps(run, 0, 9);
        run.logMetric('other', 1, { step: 9 });
        run.logImage('photo', image(10), { step: 2 });
      });
      const run = await live(root, true, (last) => {
        logSteps(last, 4, 5, 1000);
        if (flushStep !== undefined) void last.flush();
        last.logImage('photo', image(200), { step: 2 });
        logSteps(last, 6, 7, 1000);
      });

      expect(stepsOf(run, 'metric/loss.plx')).toEqual(upTo(7));
      expect(rowsOf(run, 'metric/loss.plx').map((row) => Number(row.split('|')[2]))).toEqual([
        ...[0, 1, 2, 3, 1004, 1005, 1006, 1007],
      ]);
      expect(stepsOf(run, 'metric/other.plx')).toEqual([9]);
      expect(stepsOf(run, 'image/photo.plx')).toEqual([2]);
      expect(readRunFile(run.paths.run).outputs).toEqual({ loss: 1007, other: 1 });
    },
  );

  it('has one media file for each row, with the content of the last process', async () => {
    const root = createTempDir();
    const log = (run: Run, steps: readonly number[], level: number): void => {
      for (const step of steps) run.logImage('photo', image(level), { step });
    };
    const first = await live(root, undefined, (run) => log(run, [1, 2, 2, 3, 4], 10));
    const before = readdirSync(join(first.paths.run, 'assets/image')).sort();
    const run = await live(root, 2, (last) => log(last, [2, 3], 200));

    expect(before).toEqual(['photo_1.png', 'photo_2-2.png', 'photo_2.png', 'photo_3.png', 'photo_4.png']);
    const assets = rowsOf(run, 'image/photo.plx').map((row) => JSON.parse(row.split('|')[2]!).path as string);
    expect(assets).toEqual([1, 2, 3].map((step) => `assets/image/photo_${step}.png`));
    expect(readdirSync(join(run.paths.run, 'assets/image')).sort()).toEqual(
      before.filter((name) => /_[123]\./.test(name)),
    );
    const [old, ...current] = assets.map((path) => readFileSync(join(run.paths.run, path), 'hex'));
    expect(new Set(current).size).toBe(1);
    expect(current[0]).not.toBe(old);
  });

  it('keeps the files of artifacts, which no event file contains', async () => {
    const root = createTempDir();
    const path = join(createTempDir(), 'net.onnx');
    writeFileSync(path, 'weights');
    const { run } = startRun({ root, uuid: UUID, formats });
    await run.logModel(path, { name: 'net', step: 12 });
    await run.end();
    await live(root, 10, (last) => logSteps(last, 10, 10));

    expect(readdirSync(join(run.paths.run, 'assets/model'))).toEqual(['net_12.onnx']);
  });

  it('has no rows of a metric that was first logged at a later step, until it is logged again', async () => {
    const root = createTempDir();
    await live(root, undefined, (run) => {
      logSteps(run, 0, 12);
      run.logMetric('late', 0.5, { step: 12 });
      run.logText('note', 'late', { step: 12 });
    });
    const run = await live(root, 10, (second) => logSteps(second, 10, 11));

    expect(readFileSync(join(run.paths.run, 'events/metric/late.plx'), 'utf8')).toBe(
      'step|timestamp|metric\n\n',
    );
    expect(readFileSync(join(run.paths.run, 'events/text/note.plx'), 'utf8')).toBe('\n\n');
    expect(readLineage(run.paths.run)).toContainEqual({
      ...{ name: 'late', kind: 'metric', path: 'events/metric/late.plx' },
      ...{ summary: { is_event: true }, is_input: false },
    });
    expect(readRunFile(run.paths.run).outputs).toEqual({ loss: 11, late: null });

    await live(root, 12, (third) => third.logMetric('late', 0.25, { step: 12 }));
    expect(stepsOf(run, 'metric/late.plx')).toEqual([12]);
    expect(readRunFile(run.paths.run).outputs).toEqual({ loss: 11, late: 0.25 });
  });

  it('replaces the result of a metric whose last steps are not logged again', async () => {
    const root = createTempDir();
    await live(root, undefined, (run) => {
      logSteps(run, 0, 9);
      run.logOutputs({ best: 9 });
    });
    const run = await live(root, 5, () => undefined);

    expect(stepsOf(run, 'metric/loss.plx')).toEqual(upTo(4));
    expect(readRunFile(run.paths.run).outputs).toEqual({ loss: 4, best: 9 });
  });

  it('keeps the inputs of hyperparameters, and system metrics', async () => {
    const root = createTempDir();
    const options = { root, uuid: UUID, formats, collectResources: true, resourcesIntervalMs: 1000 } as const;
    const first = startRun(options).run;
    first.logInputs({ lr: 0.1 });
    logSteps(first, 0, 3);
    const path = join(first.paths.run, 'resources/metric/memory.plx');
    await waitFor('a system metric', () => existsSync(path) || undefined);
    await first.end();
    const before = readFileSync(path, 'utf8');
    const { run } = startRun({ ...options, resume: { fromStep: 0 } });
    await run.end();

    expect(before).toContain('step|timestamp|metric\n');
    expect(readFileSync(path, 'utf8').startsWith(before)).toBe(true);
    expect(readRunFile(run.paths.run).inputs).toEqual({ lr: 0.1 });
  });

  it('regenerates its files from event files that no longer have the superseded steps', async () => {
    const root = createTempDir();
    const first = await live(root, undefined, (run) => logSteps(run, 0, 9));
    await live(root, 5, (run) => logSteps(run, 5, 5, 1000));
    const [name] = readdirSync(first.paths.tensorboard);
    removeStepsFrom(5, join(first.paths.tensorboard, name!));
    const run = await live(root, 6, (third) => logSteps(third, 6, 6, 2000));

    expect(stepsOf(run, 'metric/loss.plx')).toEqual(upTo(6));
  });
});
