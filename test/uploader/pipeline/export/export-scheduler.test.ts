import { describe, expect, it } from 'vitest';
import { StateDirectoryError } from '../../../../uploader/base/errors.js';
import { ExportScheduler } from '../../../../uploader/pipeline/export/export-scheduler.js';
import type { KnownRun } from '../../../../uploader/pipeline/inventory/known-run.js';
import { someRecords } from '../../support/event-records.js';
import { ExportedRuns, LOGS } from '../../support/exported-runs.js';
import { systemError } from '../../support/wrapped-file-system.js';

const NAME = 'events.out.tfevents.1';
const FIRST = `${LOGS}/${NAME}`;
const WORKER = `${LOGS}/worker-1/${NAME}`;

/** Runs `aaa…`, `bbb…` and so on, each with two log directories of three steps: two steps of an export, and one that finds nothing more. */
async function createRuns(count: number) {
  const runs = new ExportedRuns();
  const all: KnownRun[] = [];
  for (const digit of 'abcdef'.slice(0, count)) {
    const run = runs.addRun(digit.repeat(32));
    await runs.write(run, FIRST, ...someRecords(3));
    await runs.write(run, WORKER, ...someRecords(3));
    all.push(run);
  }
  return { runs, all, scheduler: new ExportScheduler(runs) };
}

/** The first digits of the runs whose event files were opened since the last call. */
function takeTurns(runs: ExportedRuns): string {
  return runs
    .takeOpened()
    .filter((path) => path.endsWith(NAME))
    .map((path) => path[0])
    .join('');
}

describe('ExportScheduler', () => {
  it('exports the runs in turn for 100 ms, and resumes after the last one', async () => {
    const { runs, all, scheduler } = await createRuns(4);
    runs.tookMs.open = 50;
    const slices: [turns: string, hasMore: boolean, tookMs: number][] = [];
    for (let hasMore = true; hasMore; ) {
      const { nowMs } = runs;
      hasMore = await scheduler.check();
      slices.push([takeTurns(runs), hasMore, runs.nowMs - nowMs]);
    }

    expect(slices).toEqual([
      ['abc', true, 150],
      ['dab', true, 150],
      ['cd', false, 100],
    ]);
    expect(all.map((run) => scheduler.outcomeOf(run))).toEqual(Array(4).fill('settled'));
    for (const run of all) expect(runs.made(run)).toEqual(await runs.expected(run));
  });

  it('takes one step of each run at a time', async () => {
    const { runs, scheduler } = await createRuns(3);
    const hasMore = await scheduler.check();

    expect([takeTurns(runs), hasMore]).toEqual(['abcabc', false]);
    expect(runs.exported.map((uuid) => uuid[0]).join('')).toBe('abcabcabc');
  });

  it('takes only the runs that are due', async () => {
    const { runs, all, scheduler } = await createRuns(3);
    await scheduler.check();
    takeTurns(runs);
    runs.nowMs += 500;
    await runs.append(all[1]!, FIRST, ...someRecords(1, 3));
    const early = [await scheduler.check(), takeTurns(runs), scheduler.outcomeOf(all[1]!)];
    runs.nowMs += 500;
    const due = [await scheduler.check(), takeTurns(runs), scheduler.outcomeOf(all[1]!)];

    expect(early).toEqual([false, '', 'busy']);
    expect(due).toEqual([false, 'b', 'settled']);
  });

  it('stops between two steps when it is aborted', async () => {
    const { runs, all, scheduler } = await createRuns(2);
    const controller = new AbortController();
    runs.whenExported = () => controller.abort();
    const stopped = await scheduler.check(controller.signal);
    const turns = [takeTurns(runs)];
    await scheduler.exportAll(controller.signal);
    turns.push(takeTurns(runs));

    expect(stopped).toBe(true);
    expect(turns).toEqual(['a', '']);
    expect(all.map((run) => scheduler.outcomeOf(run))).toEqual(['busy', 'busy']);
  });

  it('exports all runs at once, one after the other, also those that are not due', async () => {
    const { runs, all, scheduler } = await createRuns(3);
    const { signal } = new AbortController();
    await scheduler.exportAll(signal);
    const turns = [takeTurns(runs)];
    await runs.append(all[2]!, FIRST, ...someRecords(1, 3));
    await scheduler.exportAll(signal);
    turns.push(takeTurns(runs));

    expect(turns).toEqual(['aabbcc', 'c']);
    for (const run of all) expect(runs.made(run)).toEqual(await runs.expected(run));
  });

  it('stops the export of all runs between two steps', async () => {
    const { runs, scheduler } = await createRuns(3);
    const controller = new AbortController();
    runs.whenExported = () => {
      if (runs.exported.length === 4) controller.abort();
    };
    await scheduler.exportAll(controller.signal);

    expect(takeTurns(runs)).toBe('aab');
  });

  it('leaves runs of other uploaders, and those that only the journal knows', async () => {
    const { runs, all, scheduler } = await createRuns(3);
    runs.others.add(all[0]!);
    runs.inventory.onRunGone(all[1]!.index);
    await scheduler.check();
    await scheduler.exportAll(new AbortController().signal);

    expect(takeTurns(runs)).toBe('cc');
    expect(all.map((run) => scheduler.outcomeOf(run))).toEqual(['busy', 'busy', 'settled']);
  });

  it('tells how long each run is behind', async () => {
    const { runs, all, scheduler } = await createRuns(2);
    const controller = new AbortController();
    runs.whenExported = () => controller.abort();
    await scheduler.check(controller.signal);
    runs.nowMs += 300;

    expect(all.map((run) => scheduler.behindMs(run))).toEqual([300, 0]);
    expect(scheduler.behindMs({ ...all[1]!, index: 99 })).toBe(0);
    expect(scheduler.outcomeOf({ ...all[1]!, index: 99 })).toBe('busy');
  });

  it('lists the runs whose export fails', async () => {
    const { runs, all, scheduler } = await createRuns(2);
    await scheduler.exportAll(new AbortController().signal);
    const before = [...scheduler.problems()];
    await runs.append(all[1]!, FIRST, ...someRecords(1, 3));
    runs.failures.append = systemError('ENOSPC');
    await scheduler.exportAll(new AbortController().signal);

    expect(before).toEqual([]);
    expect([...scheduler.problems()]).toEqual([{ run: all[1], error: expect.any(StateDirectoryError) }]);
    expect(all.map((run) => scheduler.outcomeOf(run))).toEqual(['settled', 'failed']);
  });

  it('saves all runs', async () => {
    const { runs, all, scheduler } = await createRuns(2);
    await scheduler.check();
    const before = all.map((run) => runs.saved(run));
    await scheduler.save();

    expect(before).toEqual([null, null]);
    expect(all.map((run) => runs.saved(run)!.filter((line) => 'eventFile' in line).length)).toEqual([2, 2]);
  });

  it('forgets a run whose directory is gone', async () => {
    const { runs, all, scheduler } = await createRuns(2);
    await scheduler.check();
    scheduler.onComplete(all[0]!);
    for (const keeper of runs.runKeepers) keeper.onRunGone(all[0]!);
    const forgotten = all.map((run) => scheduler.outcomeOf(run));
    await scheduler.check();
    for (const path of Object.keys(runs.made(all[0]!))) await runs.store(all[0]!, path);
    runs.nowMs += 60_000;
    all[0]!.manifestKeys.add('a manifest');
    await scheduler.save();

    expect(forgotten).toEqual(['busy', 'settled']);
    expect(scheduler.outcomeOf(all[0]!)).toBe('settled');
    expect(Object.keys(runs.made(all[0]!))).toEqual(Object.keys(await runs.expected(all[0]!)));
    expect(all.map((run) => runs.saved(run) === null)).toEqual([false, false]);
  });

  describe('releases a complete run', () => {
    /** A run that is exported and stored, but not saved. */
    async function createComplete() {
      const { runs, all, scheduler } = await createRuns(1);
      const run = all[0]!;
      await scheduler.check();
      for (const path of Object.keys(runs.made(run))) await runs.store(run, path);
      scheduler.onComplete(run);
      const fileCount = () => Object.keys(runs.made(run)).length;
      /** Whether the next events of the run need another exporter. */
      const isReleased = async () => {
        runs.takeOpened();
        runs.nowMs += 1000;
        await runs.append(run, FIRST, ...someRecords(1, 3));
        await scheduler.check();
        return runs.takeOpened().some((path) => path.endsWith('export.jsonl'));
      };
      return { runs, run, scheduler, fileCount, isReleased };
    }

    it('once it has a manifest, and removes its stored files', async () => {
      const { runs, run, scheduler, fileCount, isReleased } = await createComplete();
      await scheduler.check();
      const before = [fileCount(), runs.saves];
      run.manifestKeys.add('a manifest');
      await scheduler.check();

      expect(before).toEqual([10, 0]);
      expect([fileCount(), runs.saves, scheduler.outcomeOf(run)]).toEqual([0, 1, 'settled']);
      expect(await isReleased()).toBe(true);
      expect(runs.made(run)).toEqual(await runs.expected(run));
    });

    it.each([
      { afterMs: 59_999, released: false },
      { afterMs: 60_000, released: true },
    ])('without a manifest after 60 s, and keeps its files: $released after $afterMs ms', async (row) => {
      const { runs, run, scheduler, fileCount, isReleased } = await createComplete();
      runs.nowMs += row.afterMs;
      await scheduler.save();

      expect(fileCount()).toBe(10);
      expect(await isReleased()).toBe(row.released);
      expect(runs.made(run)).toEqual(await runs.expected(run));
    });

    it('also while it saves all runs, if there are no manifests', async () => {
      const { runs, scheduler, fileCount, isReleased } = await createComplete();
      runs.config.manifests = false;
      await scheduler.save();

      expect([fileCount(), runs.saves]).toEqual([0, 1]);
      expect(await isReleased()).toBe(true);
    });

    it('only once', async () => {
      const { runs, run, scheduler, fileCount, isReleased } = await createComplete();
      run.manifestKeys.add('a manifest');
      await scheduler.check();
      await isReleased();
      for (const path of Object.keys(runs.made(run))) await runs.store(run, path);
      await scheduler.check();

      expect(fileCount()).toBe(10);
    });

    it('only if nothing has been logged since', async () => {
      const { runs, run, scheduler, fileCount } = await createComplete();
      run.manifestKeys.add('a manifest');
      runs.nowMs += 1000;
      await runs.append(run, FIRST, ...someRecords(2, 3));
      await scheduler.check();
      const exported = [runs.made(run), scheduler.outcomeOf(run)];
      for (const path of Object.keys(runs.made(run))) await runs.store(run, path);
      scheduler.onComplete(run);
      await scheduler.check();

      expect(exported).toEqual([await runs.expected(run), 'settled']);
      expect(fileCount()).toBe(0);
    });
  });
});
