import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadRuns, Run } from '../../../src/index.js';
import { countColumns } from '../../../uploader/commands/text-columns.js';
import { runCommand } from '../../support/run-command.js';
import { writeSeeds } from '../../support/seeds.js';
import { NO_CAPTURE } from '../../support/start-run.js';
import { createSharedTempDir, createTempDir } from '../../support/temp-dir.js';
import { runInTerminal } from '../../support/terminal.js';

const home = createSharedTempDir();
const root = join(home, 'plx-runs');
let seeds: readonly string[];

beforeAll(async () => {
  seeds = (await writeSeeds(root)).map((name) => `${root}/${name}`);
});
beforeEach(() => {
  for (const name of ['COLUMNS', 'NO_COLOR', 'FORCE_COLOR']) vi.stubEnv(name, undefined);
  return () => vi.unstubAllEnvs();
});

/** Without the path of the test and the uuid of the new run. */
const toComparable = (text: string): string =>
  text.replaceAll('\r\n', '\n').replaceAll(/\S*\/runs\/[0-9a-f]{32}/g, '~/runs/<uuid>');

describe('aggregate', () => {
  it.each([80, 120])('fits a terminal of %d columns', async (columns) => {
    const text = toComparable((await runInTerminal(columns, ['aggregate', ...seeds])).text);

    for (const line of text.split('\n')) expect(countColumns(line)).toBeLessThanOrEqual(columns);
    await expect(text).toMatchFileSnapshot(`golden/aggregate-${columns}.txt`);
  });

  it('is plain when piped', async () => {
    const { stdout, code } = await runCommand(['aggregate', ...seeds, '--min-runs', '4']);

    expect(code).toBe(0);
    await expect(toComparable(stdout)).toMatchFileSnapshot('golden/aggregate-piped.txt');
  });

  it('writes a run beside the first one, which other commands read', async () => {
    const { stdout } = await runCommand([
      'aggregate',
      ...seeds,
      '--name',
      'mean',
      '--metric',
      'loss',
      '--json',
    ]);
    const { uuid, location, metrics, inputs } = JSON.parse(stdout) as Record<string, unknown>;
    const shown = await runCommand(['show', `${root}/mean`, '--json']);

    expect(location).toBe(join(root, 'runs', String(uuid)));
    expect(inputs).toEqual({ lr: 0.1 });
    expect(metrics).toMatchObject([{ name: 'loss', steps: 50, nonFinite: 0, last: { step: 49, runs: 3 } }]);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      ...{ name: 'mean', status: 'succeeded', tags: ['aggregate'], inputs: { lr: 0.1 } },
      description: 'Mean and standard deviation of 4 runs: seed-1, seed-2, seed-3, seed-4',
    });
  });

  it('writes into another root, and says which values it leaves out', async () => {
    const other = createTempDir();
    const given = createTempDir();
    for (const name of ['a', 'b', 'c']) {
      const run = new Run({ root: given, name, ...NO_CAPTURE });
      run.logMetric('loss', name === 'a' ? Number.NaN : 1, { step: 0 });
      run.logMetric(`only-${name}`, 1, { step: 0 });
      await run.end();
    }

    const { stdout, code } = await runCommand([
      ...['aggregate', `${given}/a`, `${given}/b`, `${given}/c`, '--root', other],
    ]);

    expect(code).toBe(0);
    expect(stdout).toContain('loss: left out 1 value that is NaN or infinite\n');
    expect(stdout).toContain('Left out, because too few runs have the same steps: only-a, only-b, only-c\n');
    expect(readdirSync(join(given, 'runs'))).toHaveLength(3);
    for await (const run of loadRuns(other)) expect(run.name).toBe('aggregate');
  });

  it('writes nothing for one run, or for runs without a common metric', async () => {
    const before = readdirSync(join(root, 'runs')).length;
    const one = await runCommand(['aggregate', seeds[0]!]);
    const none = await runCommand(['aggregate', ...seeds, '--metric', 'other']);

    expect(one).toMatchObject({ code: 2, stderr: expect.stringContaining('ERR_RUNS_TOO_FEW') });
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('ERR_NO_COMMON_METRIC') });
    expect(readdirSync(join(root, 'runs'))).toHaveLength(before);
  });
});
