/** Names that Python's client confuses or cannot handle, from the call to the files that Polyaxon reads. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPlxValues } from '../support/polyaxon-run.js';
import { readLineage, readRunFile, readValues } from '../support/read-run.js';
import { startRun } from '../support/start-run.js';

const formats = ['polyaxon'] as const;

describe('a name', () => {
  it('in another script keeps its letters', async () => {
    const { run, warnings } = startRun({ formats });

    run.logMetric('训练/损失', 1);
    run.logMetric('验证/损失', 2);
    run.logImage('фото', { height: 1, width: 1, channels: 1, pixels: new Uint8Array(1) }, { step: 3 });
    run.logInputs({ 学习率: 0.1 });
    await run.end();

    expect(readdirSync(join(run.paths.run, 'events/metric')).sort()).toEqual([
      '训练__损失.plx',
      '验证__损失.plx',
    ]);
    expect(readdirSync(join(run.paths.run, 'assets/image'))).toEqual(['фото_3.png']);
    expect(readRunFile(run.paths.run)).toMatchObject({
      inputs: { 学习率: 0.1 },
      outputs: { 训练__损失: 1, 验证__损失: 2 },
    });
    expect(warnings).toEqual([]);
  });

  it('without any letter or digit becomes a stable one, and logging continues', async () => {
    const { run, warnings } = startRun({ formats });

    run.logMetric('★', 1);
    run.logMetric('★', 2);
    run.logMetric('loss', 3);
    await run.end();

    const files = readdirSync(join(run.paths.run, 'events/metric')).sort();
    expect(files).toEqual(['loss.plx', expect.stringMatching(/^unnamed-[0-9a-f]{8}\.plx$/)]);
    expect(readPlxValues(run.paths.run, 'metric', files[1]!.slice(0, -4))).toEqual(['1.0', '2.0']);
    expect(warnings.filter(({ message }) => message.includes('★'))).toHaveLength(1);
    expect(readValues(run.paths.tensorboard).map(({ tag }) => tag)).toEqual(['★', '★', 'loss']);
  });

  it('that equals another one in Polyaxon has its own file, lineage entry and result', async () => {
    const { run, warnings } = startRun({ formats });

    run.logMetric('loss@1', 1);
    run.logMetric('loss 1', 2);
    run.logMetric('loss-1', 3);
    run.logMetric('loss1', 4);
    await run.end();

    const names = readdirSync(join(run.paths.run, 'events/metric')).map((name) => name.slice(0, -4));
    expect(names).toHaveLength(4);
    expect(names.flatMap((name) => readPlxValues(run.paths.run, 'metric', name)).sort()).toEqual([
      '1.0',
      '2.0',
      '3.0',
      '4.0',
    ]);
    expect(Object.values(readRunFile(run.paths.run).outputs ?? {}).sort()).toEqual([1, 2, 3, 4]);
    expect(readLineage(run.paths.run).filter(({ kind }) => kind === 'metric')).toHaveLength(4);
    expect(warnings.length).toBeGreaterThan(0);
  });

  it('that is used for several kinds has a lineage entry for each', async () => {
    const { run } = startRun({ formats });

    run.logMetric('loss', 1);
    run.logText('loss', 'high');
    run.logHtml('loss', '<b>high</b>');
    await run.end();

    const entries = readLineage(run.paths.run).filter(({ kind }) => kind !== 'tensorboard');
    expect(new Set(entries.map(({ name }) => name)).size).toBe(3);
    expect(entries.map(({ kind }) => kind).sort()).toEqual(['html', 'metric', 'text']);
  });

  it('of a metric is kept, and the system metric with the same name is renamed', async () => {
    const { run } = startRun({ formats, collectResources: true, flushIntervalMs: 10 });

    run.logMetric('cpu', 0.5);
    await expect
      .poll(() => readdirOrNothing(join(run.paths.run, 'resources/metric')), { timeout: 10_000 })
      .toContain('cpu.plx');
    await run.end();

    const entries = readLineage(run.paths.run).filter(({ path }) => path?.endsWith('/cpu.plx'));
    expect(entries.map(({ name, kind, path }) => [name, kind, path])).toEqual([
      ['cpu', 'metric', 'events/metric/cpu.plx'],
      ['cpu-system', 'system', 'resources/metric/cpu.plx'],
    ]);
    expect(readRunFile(run.paths.run).outputs).toEqual({ cpu: 0.5 });
  });
});

function readdirOrNothing(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
