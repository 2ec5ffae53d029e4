import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toJson, toSummaryText } from '../../../uploader/commands/sync-summary.js';
import { Monitor } from '../../../uploader/engine/monitor/monitor.js';
import type { Status, SyncReport } from '../../../uploader/index.js';
import { FILE_STATES } from '../../../uploader/pipeline/report/file-counts.js';
import { createFastClock } from '../support/fast-clock.js';
import type { Fault } from '../support/memory-store.js';
import { makeRun, OTHER_RUN, RUN, writeFiles } from '../support/run-tree.js';
import { createHarness, type Harness, readTree } from '../support/sync-harness.js';

const FACTOR = 200;

/** One sync or watch: what is written before it, and what its store does. */
interface Turn {
  readonly kind: 'sync' | 'dry run' | 'watch' | 'shared watch';
  readonly files: readonly { readonly run: number; readonly name: string; readonly content: string }[];
  readonly deleted: string | null;
  /** The fates of the calls to the store, repeated from the start. */
  readonly faults: readonly Fault[];
  /** The call at which the user stops the command. */
  readonly stopAt: number | null;
  readonly losesState: boolean;
}

const name = fc.constantFrom('outputs/a.bin', 'outputs/b.log', 'plxlogs/c.txt', 'outputs/d/e.json');
const turn: fc.Arbitrary<Turn> = fc.record({
  kind: fc.constantFrom('sync', 'sync', 'dry run', 'watch', 'shared watch'),
  files: fc.array(fc.record({ run: fc.nat({ max: 1 }), name, content: fc.string({ maxLength: 9 }) }), {
    maxLength: 4,
  }),
  deleted: fc.option(name),
  faults: fc.oneof(
    fc.constant(['pass'] as Fault[]),
    fc.constant(['fail'] as Fault[]),
    fc.array(fc.constantFrom<Fault>('pass', 'pass', 'fail', 'lost'), { minLength: 1, maxLength: 9 }),
  ),
  stopAt: fc.option(fc.nat({ max: 25 })),
  losesState: fc.boolean(),
});

interface Outcome {
  readonly report: SyncReport;
  readonly status: Status | null;
  readonly metrics: string;
}

async function play(
  harness: Harness,
  { kind, files, deleted, faults, stopAt, losesState }: Turn,
): Promise<Outcome> {
  const runs = [RUN, OTHER_RUN].map((uuid) => join(harness.root, 'runs', uuid));
  for (const { run, name, content } of files) writeFiles(runs[run]!, { [name]: content });
  if (deleted !== null) rmSync(join(runs[0]!, deleted), { force: true });
  if (losesState) rmSync(harness.stateDirectory, { recursive: true, force: true });
  const stop = new AbortController();
  const clock = createFastClock(FACTOR);
  let calls = 0;
  harness.store.fault = () => {
    if (calls === stopAt) stop.abort();
    calls += 1;
    return faults[calls % faults.length]!;
  };
  const monitor = new Monitor(clock);
  const seen: { last: Status | null } = { last: null };
  const options = { io: { clock }, signal: stop.signal };
  if (!kind.endsWith('watch')) {
    const report = await harness.sync({
      ...options,
      config: { isDryRun: kind === 'dry run', retryTimeoutMs: 2_000 },
    });
    return { report, status: null, metrics: '' };
  }
  const watch = harness.startWatch({
    ...options,
    config: kind === 'watch' ? {} : { cluster: { name: 'team', shards: 4 } },
    onStatus: (status) => {
      seen.last = status;
      monitor.onStatus(status);
    },
  });
  await clock.sleep(8_000);
  const report = await watch.stop();
  return { report, status: seen.last, metrics: monitor.toText() };
}

/** What is on disk and in the store, counted without the uploader. */
function count({ root, store }: Harness): { files: number; missing: string[] } {
  const local = Object.entries(readTree(join(root, 'runs')));
  const missing = local.filter(
    ([key, content]) => store.objects.get(key)?.bytes.toString('latin1') !== content,
  );
  return { files: local.length, missing: missing.map(([key]) => key) };
}

function readMetric(text: string, metric: string): number {
  return Number(new RegExp(`^polytrack_${metric} (.*)$`, 'm').exec(text)?.[1]);
}

function check(harness: Harness, { report, status, metrics }: Outcome): void {
  const { files, missing } = count(harness);
  const sum = FILE_STATES.reduce((total, state) => total + report.files[state], 0);
  expect(report.files.total).toBe(sum);
  // A command that is stopped during its first scan says so.
  const isScanned = !report.unsent.some(({ path }) => path === harness.root);
  if (isScanned) expect(sum).toBe(files);
  const json = JSON.parse(toJson(report, {})) as SyncReport;
  expect(json.files).toEqual(report.files);
  const unsent = json.unsent.filter(({ sizeBytes }) => sizeBytes !== null).map(({ path }) => path);
  if (!report.isDryRun) expect(unsent).toHaveLength(report.files.unsent);
  // What the store does not have is unsent; with a lost answer, it may have more than the uploader knows.
  if (isScanned && !report.isDryRun && report.files.elsewhere === 0)
    expect(unsent).toEqual(expect.arrayContaining(missing));
  if (report.isComplete) expect(missing).toEqual([]);
  const text = toSummaryText(report, false);
  expect(text.startsWith('Complete')).toBe(report.isComplete && !report.isDryRun);
  if (report.isShareComplete && !report.isComplete) {
    expect(report.files.elsewhere).toBeGreaterThan(0);
    expect(text).toMatch(/^Share complete: .* assigned to other uploaders/);
  }
  if (status === null) return;
  const { storedFiles, pendingFiles } = status.total;
  expect(storedFiles + pendingFiles + report.files.elsewhere).toBe(report.files.total);
  expect(pendingFiles).toBe(report.files.unsent);
  expect(readMetric(metrics, 'stored_files') + readMetric(metrics, 'backlog_files')).toBe(
    storedFiles + pendingFiles,
  );
  if (pendingFiles > 0) expect(status.total.lagMs).toBeGreaterThan(0);
}

describe('what a report says of files', () => {
  it('F113: adds up, agrees with disk and store, and is complete only if the store has every byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 3 }), async (turns) => {
        const harness = createHarness({ 'outputs/a.bin': 'a' });
        makeRun(harness.root, {}, OTHER_RUN);
        for (const turn of turns) check(harness, await play(harness, turn));
      }),
      { numRuns: 25 },
    );
  });

  it.each(['watch', 'shared watch'] as const)(
    'F114: a %s of a store that never answered is incomplete, and each file is unsent with a reason',
    async (kind) => {
      const harness = createHarness({ 'outputs/a.bin': 'a' });
      const turn = { files: [], deleted: null, stopAt: null, losesState: false } as const;
      await play(harness, { ...turn, kind: 'sync', faults: ['pass'] });
      const { report, status } = await play(harness, { ...turn, kind, faults: ['fail'] });

      expect(report).toMatchObject({ isComplete: false, files: { total: 3, unsent: 3 } });
      expect(report.unsent.map(({ error }) => error.code)).toEqual([
        'ERR_ABORTED',
        'ERR_ABORTED',
        'ERR_ABORTED',
      ]);
      expect(status?.total).toMatchObject({ storedFiles: 0, pendingFiles: 3 });
      expect(toSummaryText(report, false)).toMatch(
        /^Interrupted: 0 stored, 0 verified, 0 unchanged, 3 not stored of 3 files/,
      );
    },
  );

  it('F114: a sync with a journal is incomplete while the store does not answer', async () => {
    const harness = createHarness({ 'outputs/a.bin': 'a' });
    const turn = { kind: 'sync', files: [], deleted: null, stopAt: null } as const;
    await play(harness, { ...turn, faults: ['pass'], losesState: false });
    const { report } = await play(harness, { ...turn, faults: ['fail'], losesState: false });

    expect(report).toMatchObject({ isComplete: false, files: { total: 3, unchanged: 0, unsent: 3 } });
    expect(report.unsent.map(({ error }) => error.code)).toEqual(Array(3).fill('ERR_STORE_UNAVAILABLE'));
  });
});
