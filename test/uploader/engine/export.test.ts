import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ExportFacts } from '../../../uploader/pipeline/report/export-facts.js';
import type { RunObserver } from '../../../uploader/pipeline/report/run-observer.js';
import { noObserver } from '../../../uploader/pipeline/report/run-observer.js';
import { scalarValue, toEvent } from '../../support/summary-events.js';
import { exportAtOnce, someRecords, toRecord } from '../support/event-records.js';
import { EVENT_FILE, makeRun, OTHER_RUN, RUN, writeFiles } from '../support/run-tree.js';
import { createHarness, type Harness } from '../support/sync-harness.js';

const ENABLED = { exportEvents: true };
const OF_OURS = { '.plx/formats-main.json': JSON.stringify({ formats: ['tensorboard'] }) };
const ENDED = { '.plx/heartbeat-main.json': '{}', '.plx/end-main.json': '{}' };

/** The stored Polyaxon files of the run, as text and hexadecimal. */
function readExported({ store }: Harness, uuid = RUN): Record<string, string> {
  const prefix = `${uuid}/`;
  const found = [...store.objects]
    .map(([key, { bytes }]): [string, Buffer] => [key.slice(prefix.length), bytes])
    .filter(([path]) => /^(events|assets|resources)\//.test(path))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    found.map(([path, bytes]) => [path, bytes.toString(path.startsWith('assets/') ? 'hex' : 'utf8')]),
  );
}

async function expected({ run }: Harness): Promise<Record<string, string>> {
  return (await exportAtOnce(join(run, 'outputs/tensorboard'))).files;
}

/** The directory of the generated files in the harness. */
function exportDirectory({ stateDirectory }: Harness): string {
  const [name] = readdirSync(stateDirectory).filter((each) => /^[0-9a-f]{32}$/.test(each));
  return join(stateDirectory, name!, 'exports', RUN);
}

function filesBelow(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

describe('sync with export', () => {
  it('stores all generated files in one sync, and nothing in the next one', async () => {
    const harness = createHarness({ [EVENT_FILE]: Buffer.concat(someRecords(8)), ...OF_OURS });
    const report = await harness.sync({ config: ENABLED });
    expect(report.isComplete).toBe(true);
    expect(readExported(harness)).toEqual(await expected(harness));
    expect(Object.keys(await expected(harness))).toHaveLength(4 + 3);

    const again = await harness.sync({ config: ENABLED });
    expect(again).toMatchObject({ isComplete: true, onlyInStore: [], bytes: { sent: 0 } });
  });

  it('extends the generated files in another process', async () => {
    const harness = createHarness({ [EVENT_FILE]: Buffer.concat(someRecords(4)), ...OF_OURS });
    await harness.sync({ config: ENABLED });
    appendFileSync(join(harness.run, EVENT_FILE), Buffer.concat(someRecords(4, 4)));
    await harness.sync({ config: ENABLED });

    expect(readExported(harness)).toEqual(await expected(harness));
  });

  it('regenerates all files without its state and uploads nothing', async () => {
    const harness = createHarness({ [EVENT_FILE]: Buffer.concat(someRecords(8)), ...OF_OURS });
    await harness.sync({ config: ENABLED });
    rmSync(exportDirectory(harness), { recursive: true });
    const report = await harness.sync({ config: ENABLED });

    expect(report).toMatchObject({ isComplete: true, bytes: { sent: 0 } });
    expect(readExported(harness)).toEqual(await expected(harness));
  });

  it('F92: removes all generated files once the run is complete, and keeps only what it needs to notice changes', async () => {
    const harness = createHarness({ [EVENT_FILE]: Buffer.concat(someRecords(8)), ...OF_OURS, ...ENDED });
    await harness.sync({ config: ENABLED });
    expect(filesBelow(exportDirectory(harness))).toEqual(['export.jsonl']);
    const again = await harness.sync({ config: ENABLED });
    expect(again).toMatchObject({ isComplete: true, bytes: { sent: 0 }, onlyInStore: [] });
    expect(filesBelow(exportDirectory(harness))).toEqual(['export.jsonl']);
    expect(readExported(harness)).toEqual(await expected(harness));
  });

  it.each(['/assets/', '/events/'])(
    'regenerates removed files when the store has lost one below %s',
    async (folder) => {
      const harness = createHarness({ [EVENT_FILE]: Buffer.concat(someRecords(8)), ...OF_OURS, ...ENDED });
      await harness.sync({ config: ENABLED });
      const [lost] = [...harness.store.objects.keys()].filter((key) => key.includes(folder));
      harness.store.objects.delete(lost!);
      await harness.sync({ config: ENABLED });

      expect(readExported(harness)).toEqual(await expected(harness));
    },
  );

  it('regenerates removed files when the run is resumed, and sends only new rows', async () => {
    const harness = createHarness({ [EVENT_FILE]: Buffer.concat(someRecords(4)), ...OF_OURS, ...ENDED });
    await harness.sync({ config: ENABLED });
    appendFileSync(join(harness.run, EVENT_FILE), Buffer.concat(someRecords(4, 4)));
    const report = await harness.sync({ config: ENABLED });

    expect(report.isComplete).toBe(true);
    expect(readExported(harness)).toEqual(await expected(harness));
  });

  it('F92: removes what the state directory has of a run that is gone', async () => {
    const harness = createHarness({ [EVENT_FILE]: Buffer.concat(someRecords(4)), ...OF_OURS });
    makeRun(harness.root, {}, OTHER_RUN);
    await harness.sync({ config: ENABLED });
    expect(existsSync(exportDirectory(harness))).toBe(true);
    rmSync(harness.run, { recursive: true });
    await harness.sync({ config: ENABLED });

    expect(existsSync(exportDirectory(harness))).toBe(false);
  });

  it.each([
    [
      'declares that it writes Polyaxon files',
      { '.plx/formats-main.json': JSON.stringify({ formats: ['polyaxon', 'tensorboard'] }) },
    ],
    [
      'has a worker that declares it',
      { ...OF_OURS, '.plx/formats-1.json': JSON.stringify({ formats: ['polyaxon', 'tensorboard'] }) },
    ],
    ['is Polyaxon’s client, which declares nothing', {}],
  ])('does not export a run whose writer %s', async (_what, files) => {
    const harness = createHarness({ [EVENT_FILE]: Buffer.concat(someRecords(3)), ...files });
    const report = await harness.sync({ config: ENABLED });

    expect(report.isComplete).toBe(true);
    expect(readExported(harness)).toEqual({});
  });

  it('drops its generated files once a writer exports the run', async () => {
    const harness = createHarness({ [EVENT_FILE]: Buffer.concat(someRecords(3)), ...OF_OURS });
    await harness.sync({ config: ENABLED });
    writeFiles(harness.run, {
      '.plx/formats-main.json': JSON.stringify({ formats: ['polyaxon', 'tensorboard'] }),
      'events/metric/loss.plx': 'the writer’s own',
    });
    const report = await harness.sync({ config: ENABLED });

    expect(report.isComplete).toBe(true);
    expect(harness.stored('events/metric/loss.plx')).toBe('the writer’s own');
  });

  it('deletes the generated files of a cleaned run', async () => {
    const harness = createHarness({ [EVENT_FILE]: Buffer.concat(someRecords(3)), ...OF_OURS });
    await harness.sync({ config: ENABLED });
    rmSync(join(harness.run, EVENT_FILE));
    const marker = {
      version: 1,
      state: 'cleaned',
      run: RUN,
      store: 's3://bucket/prefix',
      manifest: 'r',
      at: '',
      files: 1,
      bytes: 1,
    };
    writeFiles(harness.run, { '.plx/cleaned.json': JSON.stringify(marker) });
    await harness.sync({ config: ENABLED });

    const left = readdirSync(exportDirectory(harness), { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
    expect(Object.keys(readExported(harness))).toContain('events/metric/loss.plx');
  });

  it('imports log directories with all their files', async () => {
    const harness = createHarness();
    const path = join(harness.root, 'logs');
    writeFiles(path, {
      'events.out.tfevents.1.host': Buffer.concat(someRecords(3)),
      'train/events.out.tfevents.1.host': Buffer.concat(someRecords(5)),
    });
    const report = await harness.sync({ config: { path, ...ENABLED } });

    expect(report.runs).toHaveLength(1);
    expect(readExported(harness, report.runs[0])).toEqual((await exportAtOnce(path)).files);
  });

  it('exports nothing by default if neither the store nor the API is Polyaxon', async () => {
    const harness = createHarness({ [EVENT_FILE]: Buffer.concat(someRecords(3)), ...OF_OURS });
    await harness.sync();

    expect(readExported(harness)).toEqual({});
  });

  it('reports files that cannot be generated', async () => {
    const harness = createHarness({ [EVENT_FILE]: Buffer.concat(someRecords(3)), ...OF_OURS });
    await harness.sync();
    const place = exportDirectory(harness);
    mkdirSync(join(place, '..'));
    writeFileSync(place, 'a file where a directory belongs');
    const report = await harness.sync({ config: ENABLED });

    expect(report.isComplete).toBe(false);
    expect(report.unsent).toMatchObject([{ path: `${RUN}/events`, error: { code: 'ERR_STATE_DIR' } }]);
    expect(report.notices).toMatchObject([{ code: 'NOTICE_EXPORT_FAILED' }]);
  });

  it('reports each renamed tag and each unsupported value once', async () => {
    const records = [0, 1].map((step) =>
      toRecord(toEvent(step, 1, scalarValue('a b', 1), scalarValue('a  b', 2))),
    );
    const harness = createHarness({ [EVENT_FILE]: Buffer.concat(records), ...OF_OURS });
    const report = await harness.sync({ config: ENABLED });

    expect(report.notices).toHaveLength(1);
    expect(report.notices[0]?.message).toContain('a  b');
    expect((await harness.sync({ config: ENABLED })).notices).toEqual([]);
  });
});

describe('watch with export', () => {
  it('stores new rows as they are written, and all of them before the run is complete', async () => {
    const harness = createHarness({ [EVENT_FILE]: Buffer.concat(someRecords(4)), ...OF_OURS });
    const facts: ExportFacts[] = [];
    const row: string[] = [];
    const observer: RunObserver = {
      ...noObserver,
      wantsExport: true,
      onExported: (runUuid, each) => {
        facts.push(each);
        row.push(`${runUuid} ${each.state} ${each.lastValues().loss}`);
      },
      onRunComplete: (runUuid) => row.push(`${runUuid} complete`),
    };
    const running = harness.startWatch({ observer });
    await running.until(
      'first rows',
      () => harness.stored('events/metric/loss.plx')?.includes('\n3|') === true,
    );
    appendFileSync(join(harness.run, EVENT_FILE), Buffer.concat(someRecords(4, 4)));
    await running.until(
      'new rows',
      () => harness.stored('events/metric/loss.plx')?.includes('\n7|') === true,
    );
    appendFileSync(join(harness.run, EVENT_FILE), Buffer.concat(someRecords(1, 8)));
    writeFiles(harness.run, ENDED);
    await running.until('its end', () => harness.events.some(({ kind }) => kind === 'run-complete'));

    expect(readExported(harness)).toEqual(await expected(harness));
    await running.stop();
    expect(row[0]).toBe(`${RUN} exported 0.25`);
    expect(row).toContain(`${RUN} exported ${1 / 9}`);
    expect(row.indexOf(`${RUN} complete`)).toBeGreaterThan(row.indexOf(`${RUN} exported ${1 / 9}`));
    expect(new Set(facts).size).toBe(1);
    const { exporter } = await exportAtOnce(join(harness.run, 'outputs/tensorboard'));
    expect(facts[0]).toMatchObject({ isCaughtUp: true, counts: exporter.counts });
    expect(facts[0]!.artifacts()).toEqual(exporter.artifacts());
  });

  it('exports the last events before it ends', async () => {
    const harness = createHarness({ [EVENT_FILE]: Buffer.concat(someRecords(4)), ...OF_OURS });
    const running = harness.startWatch({ config: ENABLED });
    await running.until('first rows', () => harness.stored('events/metric/loss.plx') !== undefined);
    appendFileSync(join(harness.run, EVENT_FILE), Buffer.concat(someRecords(4, 4)));
    await running.stop();

    expect(readExported(harness)).toEqual(await expected(harness));
    expect(existsSync(join(exportDirectory(harness), 'export.jsonl'))).toBe(true);
  });

  it('keeps to the export rate', async () => {
    const values = Array.from({ length: 60 }, (_, index) => scalarValue(`metric ${index}`, index));
    const harness = createHarness({ [EVENT_FILE]: toRecord(toEvent(0, 1, ...values)), ...OF_OURS });
    const count = () => [...harness.store.objects.keys()].filter((key) => key.endsWith('.plx')).length;
    const running = harness.startWatch({ config: { ...ENABLED, exportRate: 4 } });
    const startMs = performance.now();
    await running.until('some', () => count() >= 40);
    // After 10 s without uploads, a burst of 40 is allowed.
    await running.until('all', () => count() === 60);

    expect(performance.now() - startMs).toBeGreaterThan(4_000);
    await running.stop();
  });
});
