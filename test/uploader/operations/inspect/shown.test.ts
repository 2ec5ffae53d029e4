import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SummaryWriter } from '../../../../src/index.js';
import { runCli } from '../../../support/cli.js';
import { createTempDir } from '../../../support/temp-dir.js';

/** Logs the steps of one scalar tag, and returns the log directory. */
async function logSteps(steps: readonly number[]): Promise<string> {
  const directory = join(createTempDir(), 'log');
  await using writer = new SummaryWriter(directory, { onWarning: () => {} });
  for (const step of steps) writer.addScalar('loss', step / 2, step);
  return directory;
}

describe('polytrack inspect --shown', () => {
  it('prints how many values each viewer shows, and why it hides the others', async () => {
    const directory = await logSteps([5, 3, 4, 1, 2, 6, 0]);

    const { code, stdout } = await runCli('inspect', '--shown', directory);

    expect(code).toBe(0);
    expect(stdout).toBe(`run .
  tag   plugin   values  TensorBoard  --load_fast false  Polyaxon
  loss  scalars       7            1                  7         7
  loss: hidden in TensorBoard: 6 values: out of order: a later value has the same step or a smaller one
`);
  });

  it('does not count what the writer adds to remove superseded values', async () => {
    const directory = await logSteps([0, 1, 2, 3, 4]);
    await using writer = new SummaryWriter(directory, { resume: { fromStep: 2 } });
    writer.addScalar('loss', 1, 2);
    await writer.flush();

    const { stdout } = await runCli('inspect', '--shown', '--json', directory);

    const { runs } = JSON.parse(stdout) as { runs: { tags: object[]; failures: object[] }[] };
    const counts = { shown: 3, hidden: { restart: 3 } };
    const viewers = { fast: counts, python: counts, polyaxon: counts };
    expect(runs).toEqual([
      { run: '.', tags: [{ tag: 'loss', plugin: 'scalars', values: 6, viewers }], failures: [] },
    ]);
  });
});

describe('polytrack inspect --shown after `resume: true`', () => {
  it('shows an old step that is logged again once, in every viewer', async () => {
    const directory = await logSteps([0, 1, 2, 3, 4]);
    await using writer = new SummaryWriter(directory, { resume: true });
    for (const step of [2, 3]) writer.addScalar('loss', 1, step);
    await writer.flush();

    const { stdout } = await runCli('inspect', '--shown', '--json', directory);

    const { runs } = JSON.parse(stdout) as { runs: { tags: object[]; failures: object[] }[] };
    const counts = { shown: 4, hidden: { restart: 3 } };
    const viewers = { fast: counts, python: counts, polyaxon: counts };
    expect(runs).toEqual([
      { run: '.', tags: [{ tag: 'loss', plugin: 'scalars', values: 7, viewers }], failures: [] },
    ]);
  });
});

describe('polytrack fsck', () => {
  it('reports values that TensorBoard does not show', async () => {
    const { code, stdout } = await runCli('fsck', await logSteps([0, 2, 1]));

    expect(code).toBe(1);
    expect(stdout).toContain('run ., tag loss: TensorBoard shows 2 of 3 values');
    expect(stdout).toContain('1 value: out of order');
  });

  it('finds no problem in a run that was resumed', async () => {
    const directory = await logSteps([0, 1, 2, 3, 4]);
    await using writer = new SummaryWriter(directory, { resume: { fromStep: 2 } });
    writer.addScalar('loss', 1, 2);
    await writer.flush();

    expect((await runCli('fsck', directory)).code).toBe(0);
  });
});
