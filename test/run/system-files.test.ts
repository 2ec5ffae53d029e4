/** Event files of system metrics: TensorBoard ignores them, everything else reads them, also those of earlier versions. */

import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRuns, type RunOptions } from '../../src/index.js';
import { sync } from '../../uploader/index.js';
import { compact } from '../../uploader/operations/compact/compact.js';
import { inspect } from '../../uploader/operations/inspect/inspect.js';
import { readShown } from '../../uploader/operations/inspect/shown.js';
import { toFileClass } from '../../uploader/pipeline/inventory/file-class.js';
import { waitFor } from '../support/child-server.js';
import { readValues } from '../support/read-run.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';
import { openTestStore, toConfig } from '../uploader/support/stores.js';

const SYSTEM = 'system/tensorboard';

/** Starts a run and ends it once it has sampled at least once. */
async function logSamples(options: RunOptions = {}) {
  const { run, warnings } = startRun({ collectResources: true, resourcesIntervalMs: 20, ...options });
  const system = join(run.paths.run, SYSTEM);
  const before = existsSync(system) ? countMemory(system) : 0;
  await waitFor('a sample', async () => {
    await run.flush();
    return countMemory(system) > before ? true : undefined;
  });
  await run.end();
  return { run, system, warnings };
}

function countMemory(system: string): number {
  return readValues(system).filter(({ tag }) => tag === 'memory').length;
}

/** Logs a run, gives its file of system metrics the name of an earlier version, and resumes the run. */
async function resumeEarlier(formats: readonly ('tensorboard' | 'polyaxon')[]) {
  const root = createTempDir();
  const { run: first, system } = await logSamples({ root, formats });
  const [hidden = ''] = readdirSync(system);
  const earlier = hidden.replace('system.out.plxevents', 'events.out.tfevents');
  renameSync(join(system, hidden), join(system, earlier));
  const { run, warnings } = await logSamples({ root, uuid: first.uuid, resume: true, formats });
  return { root, run, system, earlier, warnings };
}

function rowsOf(text: string): number {
  return text.trim().split('\n').length - 1;
}

describe('event files of system metrics', () => {
  it('have names that TensorBoard ignores, and grow like other event files for the uploader', async () => {
    const { system } = await logSamples();

    const names = readdirSync(system);

    expect(names).toEqual([expect.stringMatching(/^system\.out\.plxevents\.\d{10}\./)]);
    expect(toFileClass(`${SYSTEM}/${names[0]}`)).toBe('event');
  });

  it.each(['writer', 'uploader'])(
    'continue those of an earlier version after a resume, and the %s exports both',
    async (exporter) => {
      const formats =
        exporter === 'writer' ? (['tensorboard', 'polyaxon'] as const) : (['tensorboard'] as const);
      const { root, run, system, earlier, warnings } = await resumeEarlier(formats);
      const memory = readValues(system).filter(({ tag }) => tag === 'memory');
      const store = await openTestStore('file');
      await sync(toConfig(root, store, { exportEvents: true }));
      const stored = dirname(store.file(`${run.uuid}/run.plx.json`));

      expect(readdirSync(system).sort()).toEqual([earlier, expect.stringContaining('plxevents')]);
      expect(warnings).toEqual([]);
      expect(memory.length).toBeGreaterThanOrEqual(2);
      for await (const loaded of loadRuns(root)) {
        const { metrics } = await loaded.metrics({ kind: 'system', names: ['memory'] });
        expect(metrics.map(({ steps }) => steps.length)).toEqual([memory.length]);
      }
      expect(memory.map(({ step }) => Number(step))).toEqual(memory.map((_, index) => index));
      const rows = readFileSync(join(stored, 'resources/metric/memory.plx'), 'utf8');
      expect(rowsOf(rows)).toBe(memory.length);
      expect(readdirSync(join(stored, SYSTEM)).sort()).toEqual(readdirSync(system).sort());
    },
  );

  it('are read by inspect, which says that TensorBoard does not show them', async () => {
    const { system } = await logSamples();

    const [inspected] = await inspect(system);
    const [shown] = await readShown(system);

    expect(inspected?.tags.map(({ tag }) => tag)).toContain('memory');
    const { values, viewers } = shown!.tags.find(({ tag }) => tag === 'memory')!;
    expect(viewers.fast).toEqual({ shown: 0, hidden: { unread: values } });
    expect(viewers.python).toEqual({ shown: 0, hidden: { unread: values } });
    expect(viewers.polyaxon).toEqual({ shown: values, hidden: {} });
  });

  it('stay hidden and complete when they are compacted', async () => {
    const root = createTempDir();
    const { run: first, system } = await logSamples({ root });
    await logSamples({ root, uuid: first.uuid, resume: true });
    const output = join(createTempDir(), 'compact');

    const { runs } = await compact(system, { output });

    expect(runs).toMatchObject([{ outcome: 'compacted', files: 2, superseded: 0 }]);
    expect(readdirSync(output)).toEqual([expect.stringContaining('plxevents')]);
    const toPoints = (path: string) =>
      readValues(path)
        .map(({ tag, step, wallTime }) => `${tag} ${step} ${wallTime}`)
        .sort();
    expect(toPoints(output)).toEqual(toPoints(system));
  });
});
