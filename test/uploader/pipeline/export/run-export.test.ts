import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileError, StateDirectoryError } from '../../../../uploader/base/errors.js';
import { ExportScheduler } from '../../../../uploader/pipeline/export/export-scheduler.js';
import { RunExport } from '../../../../uploader/pipeline/export/run-export.js';
import { FLAG } from '../../../../uploader/pipeline/inventory/file-table.js';
import type { KnownRun } from '../../../../uploader/pipeline/inventory/known-run.js';
import { foreignValue, scalarValue, toEvent } from '../../../support/summary-events.js';
import { exportAtOnce, someRecords, startRecord, toRecord } from '../../support/event-records.js';
import { checkAll, ExportedRuns, LOGS, resultOf, type Shown } from '../../support/exported-runs.js';
import { RUN } from '../../support/run-tree.js';
import { systemError } from '../../support/wrapped-file-system.js';

const FIRST = `${LOGS}/events.out.tfevents.1`;
const SECOND = `${LOGS}/events.out.tfevents.2`;
const WORKER = `${LOGS}/worker-1/events.out.tfevents.1`;
const FORMATS = '.plx/formats-1.json';

const LOSS = 'events/metric/loss.plx';

/** Nothing is left, and everything is saved. */
const SETTLED: Shown = { outcome: 'settled', hasMore: false, isCaughtUp: true, behindMs: 0, isDue: false };
const BUSY: Shown = { outcome: 'busy', hasMore: true, isCaughtUp: false, behindMs: 0, isDue: true };
const FAILED: Shown = { outcome: 'failed', hasMore: false, isCaughtUp: false, behindMs: 0, isDue: false };

function rowCount({ [LOSS]: rows = '' }: Record<string, string>): number {
  return rows.split('\n').length - 1;
}

/** A run with an event file of four steps, and its export. */
async function createExport(): Promise<{ runs: ExportedRuns; run: KnownRun; runExport: RunExport }> {
  const runs = new ExportedRuns();
  const run = runs.addRun();
  await runs.write(run, FIRST, ...someRecords(4));
  return { runs, run, runExport: new RunExport(runs, run) };
}

/** As `createExport`, exported and released. */
async function createReleased() {
  const setup = await createExport();
  await checkAll(setup.runs, setup.runExport);
  await setup.runExport.release();
  setup.runs.takeOpened();
  return setup;
}

describe('RunExport', () => {
  describe('exports in steps', () => {
    it('until nothing is left, and reports each change', async () => {
      const { runs, run, runExport } = await createExport();
      await runs.write(run, WORKER, ...someRecords(3));
      const before = runs.show(runExport);

      const shown: [Shown, notifications: number][] = [];
      for (let checks = 0; checks < 4; checks += 1) {
        await runExport.check();
        shown.push([runs.show(runExport), runs.exported.length]);
        runs.nowMs += 100;
      }

      expect(before).toEqual({ ...BUSY, hasMore: false });
      const settled = { ...SETTLED, isDue: false };
      expect(shown).toEqual([
        [BUSY, 1],
        [{ ...BUSY, behindMs: 100 }, 2],
        [settled, 3],
        [settled, 3],
      ]);
      expect(runs.exported).toEqual([RUN, RUN, RUN]);
      expect(runs.made(run)).toEqual(await runs.expected(run));
      expect(runExport.facts.state).toBe('exported');
      const sizes = Object.entries(runs.made(run)).map(([path, text]) => [
        path,
        path.startsWith('assets/') ? text.length / 2 : Buffer.byteLength(text),
      ]);
      expect(runs.rows(run)).toEqual(sizes);
      expect(run.exportDirectory?.toString()).toBe(`${runs.paths.exports}/${RUN}`);
    });

    it('and is behind since the first check that found new events', async () => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      runs.nowMs += 5000;
      await runs.append(run, FIRST, ...someRecords(2, 4));
      const unnoticed = runs.show(runExport);
      runs.tookMs.open = 250;
      await runExport.check();
      const behind = runs.show(runExport);
      await runExport.check();

      expect(unnoticed).toEqual({ ...SETTLED, outcome: 'busy', isDue: true });
      expect(behind).toEqual({ ...BUSY, behindMs: 250 });
      expect(runs.show(runExport)).toMatchObject({ outcome: 'settled', behindMs: 0 });
      expect(runs.made(run)).toEqual(await runs.expected(run));
    });

    it('and notices what an event file has got since the scan', async () => {
      const { runs, run, runExport } = await createExport();
      writeFileSync(runs.pathOf(run, FIRST), Buffer.concat(someRecords(6)));
      runs.nowMs += 10;
      await runExport.check();
      await runExport.check();
      const shown = runs.show(runExport);

      expect(shown).toEqual({ ...SETTLED, isDue: false });
      expect(runs.made(run)).toEqual(await runs.expected(run));
      const { seenBytes } = runs.inventory.table;
      expect(seenBytes[runs.idOf(run, FIRST)]).toBe(Buffer.concat(someRecords(6)).length);
    });

    it('without an event file that was deleted since the scan', async () => {
      const { runs, run, runExport } = await createExport();
      await runs.write(run, WORKER, ...someRecords(3));
      rmSync(runs.pathOf(run, FIRST));
      const shown = await checkAll(runs, runExport);

      expect(shown.at(-1)).toEqual(SETTLED);
      expect(runExport.problem).toBeNull();
      expect(runs.made(run)).toEqual(await runs.expected(run));
    });

    it('and is busy while files of the run change', async () => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      runs.nowMs += 2000;
      const notified = runs.exported.length;
      await runs.write(run, 'outputs/model.bin', 'model');
      const changed = runs.show(runExport);
      await runExport.check();

      expect(changed).toEqual({ ...SETTLED, outcome: 'busy', isDue: true });
      expect(runs.show(runExport)).toEqual({ ...SETTLED, isDue: false });
      expect(runs.exported.length - notified).toBe(1);
    });

    it('from event files below the two directories of TensorBoard only', async () => {
      const runs = new ExportedRuns();
      const run = runs.addRun();
      await runs.write(run, 'system/tensorboard/events.out.tfevents.1', ...someRecords(3));
      await runs.write(run, `${LOGS}/copy-of-events`, ...someRecords(3));
      await runs.write(run, 'logs/events.out.tfevents.1', ...someRecords(3));
      const runExport = new RunExport(runs, run);
      await checkAll(runs, runExport);

      const { files } = await exportAtOnce(runs.pathOf(run, 'system/tensorboard'), 'resources');
      expect(runs.made(run)).toEqual(files);
    });

    it('and generates nothing from event files that were removed', async () => {
      const { runs, run, runExport } = await createExport();
      await runs.write(run, WORKER, ...someRecords(3));
      await runs.remove(run, FIRST);
      await checkAll(runs, runExport);

      expect(Object.keys(runs.made(run)).filter((path) => path.startsWith('events/metric'))).toEqual([
        'events/metric/worker-1__acc__top-1.plx',
        'events/metric/worker-1__loss.plx',
      ]);
    });
  });

  describe('decides what to do with the events', () => {
    it('and does nothing immediately while the formats of a writer cannot be read', async () => {
      const { runs, run } = await createExport();
      await runs.write(run, WORKER, ...someRecords(3));
      await runs.write(run, FORMATS, '{"formats":["tensorboard"]}');
      const scheduler = new ExportScheduler(runs);
      let notified = 0;
      runs.whenExported = () => {
        notified += 1;
        if (notified === 1) writeFileSync(runs.pathOf(run, FORMATS), '{"form');
      };
      const signal = AbortSignal.timeout(5000);
      await scheduler.exportAll(signal);
      const unreadable = [signal.aborted, scheduler.outcomeOf(run), Object.keys(runs.made(run)).length];
      const dueAfter = await scheduler.check();
      await runs.write(run, FORMATS, '{"formats":["tensorboard"]}');
      await scheduler.exportAll(signal);

      expect(unreadable).toEqual([false, 'busy', Object.keys((await exportAtFirst(runs, run)).files).length]);
      expect(dueAfter).toBe(false);
      expect(scheduler.outcomeOf(run)).toBe('settled');
      expect(runs.made(run)).toEqual(await runs.expected(run));
    });

    it('and shows that it is not decided', async () => {
      const { runs, run, runExport } = await createExport();
      await runs.write(run, FORMATS, '{');
      const undecided = await checkAll(runs, runExport);
      const { state } = runExport.facts;
      runs.nowMs += 1000;
      const later = runs.show(runExport);

      expect(undecided).toEqual([{ ...BUSY, hasMore: false, isDue: false }]);
      expect(state).toBe('undecided');
      expect(later).toEqual({ ...BUSY, hasMore: false, behindMs: 1000 });
      expect(runs.made(run)).toEqual({});
    });

    it('and waits while the directory of the run is not known', async () => {
      const { runs, run, runExport } = await createExport();
      runs.inventory.onRunGone(run.index);
      await runExport.check();

      expect(runs.show(runExport)).toEqual({ ...BUSY, hasMore: false, isDue: false });
      expect(runs.takeOpened()).toEqual([]);
    });

    it.each([
      ['at once', []],
      ['after the formats could not be read', ['{']],
    ])('and drops what it has exported when a writer exports %s', async (_when, between) => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      await runExport.save();
      for (const text of [...between, '{"formats":["tensorboard","polyaxon"]}']) {
        await runs.write(run, FORMATS, text);
        await runExport.check();
      }

      expect([runs.made(run), runs.rows(run), runs.saved(run)]).toEqual([{}, [], null]);
      expect(runExport.facts).toMatchObject({ state: 'provided', hasFiles: true, isCaughtUp: true });
      expect(runExport.facts.lastValues()).toEqual({});
      expect(runs.show(runExport)).toEqual({ ...SETTLED, isDue: false });
    });

    it('and forgets the facts of a released export when a writer exports', async () => {
      const { runs, run, runExport } = await createReleased();
      await runs.write(run, FORMATS, '{"formats":["polyaxon"]}');
      await runExport.check();

      expect(runExport.facts.lastValues()).toEqual({});
      expect(runs.rows(run)).toEqual([]);
    });

    it('and keeps what an earlier process has exported of a run that it follows', async () => {
      const { runs } = await createReleased();
      const run = runs.restart();
      await runs.scan(run);
      runs.convertsEvents = false;
      runs.observer.wantsExport = true;
      const runExport = new RunExport(runs, run);
      await checkAll(runs, runExport);
      runs.setLiveness(run, 'ended');
      await runExport.check();

      expect(runs.made(run)).toEqual(await runs.expected(run));
      expect(runs.saved(run)).not.toBeNull();
    });

    it('and drops a backlog when a writer exports', async () => {
      const { runs, run, runExport } = await createExport();
      await runExport.check();
      await runs.write(run, FORMATS, '{"formats":["polyaxon"]}');
      const shown = await checkAll(runs, runExport);

      expect(shown).toEqual([{ ...SETTLED, isDue: false }]);
    });

    it.each([
      { liveness: 'live', isWatching: true, follows: true },
      { liveness: 'live', isWatching: false, follows: false },
      { liveness: 'lost', isWatching: true, follows: true },
      { liveness: 'lost', isWatching: false, follows: true },
      { liveness: 'ended', isWatching: true, follows: false },
      { liveness: 'ended', isWatching: false, follows: false },
    ] as const)(
      'and follows the events of a writer for their facts: $follows if $liveness, watching: $isWatching',
      async (row) => {
        const { runs, run, runExport } = await createExport();
        await runs.write(run, FORMATS, '{"formats":["polyaxon"]}');
        runs.observer.wantsExport = true;
        runs.setLiveness(run, row.liveness);
        runs.isWatching = row.isWatching;
        await checkAll(runs, runExport);

        const { exporter } = await exportAtOnce(runs.pathOf(run, LOGS));
        expect(runExport.facts.lastValues()).toEqual(row.follows ? exporter.lastValues() : {});
        expect(runExport.facts.artifacts()).toEqual(row.follows ? exporter.artifacts() : []);
        expect(runExport.facts).toMatchObject({ state: 'provided', hasFiles: true, isCaughtUp: true });
        expect(runs.exported).toHaveLength(row.follows ? 2 : 1);
        expect([runs.made(run), runs.saves, run.exportDirectory]).toEqual([{}, 0, null]);
        expect(runs.show(runExport)).toEqual({ ...SETTLED, isDue: false });
      },
    );

    it('and follows a run of unknown liveness in a watch, if an observer wants that', async () => {
      const { runs, run, runExport } = await createExport();
      runs.convertsEvents = false;
      await checkAll(runs, runExport);
      const unwanted = [runExport.facts.lastValues(), runs.takeOpened()];
      runs.observer.wantsExport = true;
      runs.nowMs += 1000;
      await runs.append(run, FIRST, ...someRecords(1, 4));
      await checkAll(runs, runExport);

      expect(unwanted).toEqual([{}, []]);
      expect(runExport.facts.lastValues()).toEqual(
        (await exportAtOnce(runs.pathOf(run, LOGS))).exporter.lastValues(),
      );
      expect(runExport.facts).toMatchObject({ state: 'provided', hasFiles: false });
      expect(runExport.facts.artifacts()).toEqual([]);
      expect(runs.made(run)).toEqual({});
    });

    it('and follows a log directory also when it has ended', async () => {
      const runs = new ExportedRuns();
      const run = runs.addRun(RUN, { kind: 'log-directory', filesAt: LOGS });
      runs.convertsEvents = false;
      runs.observer.wantsExport = true;
      runs.isWatching = false;
      runs.setLiveness(run, 'ended');
      const name = 'events.out.tfevents.1';
      mkdirSync(dirname(runs.pathOf(run, name)), { recursive: true });
      writeFileSync(runs.pathOf(run, name), Buffer.concat(someRecords(3)));
      const folder = runs.inventory.onFolder(run.index, LOGS);
      runs.inventory.onFile(folder, name, await runs.io.fileSystem.lstat(runs.pathOf(run, name)));
      const runExport = new RunExport(runs, run);
      await checkAll(runs, runExport);

      expect(runExport.facts.lastValues()).toEqual({ 'acc__top-1': 2, loss: 1 / 3 });
      expect([runs.made(run), run.exportDirectory]).toEqual([{}, null]);
    });

    it('and forgets what it has followed when the writer ends, or when it exports the run itself', async () => {
      const { runs, run, runExport } = await createExport();
      runs.observer.wantsExport = true;
      runs.convertsEvents = false;
      await checkAll(runs, runExport);
      runs.setLiveness(run, 'ended');
      runs.nowMs += 1000;
      await runExport.check();
      const ended = runExport.facts.lastValues();
      runs.setLiveness(run, 'lost');
      await checkAll(runs, runExport);
      runs.convertsEvents = true;
      await checkAll(runs, runExport);

      expect(ended).toEqual({});
      expect(runExport.facts).toMatchObject({ state: 'exported', hasFiles: true });
      expect(runs.made(run)).toEqual(await runs.expected(run));
    });
  });

  describe('is due', () => {
    it.each([
      { lookMs: 0, intervalMs: 1000 },
      { lookMs: 99, intervalMs: 1000 },
      { lookMs: 101, intervalMs: 1010 },
      { lookMs: 700, intervalMs: 7000 },
      { lookMs: 1500, intervalMs: 10_000 },
    ])('$intervalMs ms after a check of $lookMs ms', async ({ lookMs, intervalMs }) => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      await runExport.save();
      runs.nowMs += 60_000;
      runs.tookMs.look = lookMs;
      await runExport.check();
      await runs.append(run, FIRST, ...someRecords(1, 4));
      const { nowMs } = runs;

      const due = [intervalMs - 1, intervalMs].map((ms) => runExport.isDue(nowMs + ms));
      expect(due).toEqual([false, true]);
    });

    it('at once while more can be read, and in a single sync', async () => {
      const { runs, run, runExport } = await createExport();
      await runExport.check();
      const hasMore = runExport.isDue(runs.nowMs);
      await runExport.check();
      await runs.append(run, FIRST, ...someRecords(1, 4));
      const inWatch = runExport.isDue(runs.nowMs);
      runs.isWatching = false;

      expect([hasMore, inWatch, runExport.isDue(runs.nowMs)]).toEqual([true, false, true]);
    });

    it('while its state is not saved, and then only when a file has changed', async () => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      runs.nowMs += 1000;
      const unsaved = runExport.isDue(runs.nowMs);
      await runExport.save();
      const saved = runExport.isDue(runs.nowMs + 100_000);
      runs.nowMs += 1;
      await runs.append(run, FIRST, ...someRecords(1, 4));

      expect([unsaved, saved, runExport.isDue(runs.nowMs)]).toEqual([true, false, true]);
    });

    it('without an exporter only when a file has changed', async () => {
      const runs = new ExportedRuns();
      const run = runs.addRun();
      const runExport = new RunExport(runs, run);
      const before = runExport.isDue(runs.nowMs);
      await runExport.check();

      expect([before, runExport.isDue(runs.nowMs + 100_000)]).toEqual([true, false]);
      expect(runs.show(runExport)).toEqual(SETTLED);
    });
  });

  describe('saves the state', () => {
    it('of a live run every 10 s, if there is anything new', async () => {
      const { runs, run, runExport } = await createExport();
      const { nowMs } = runs;
      const saves: [afterMs: number, saves: number][] = [];
      const check = async (afterMs: number) => {
        runs.nowMs = nowMs + afterMs;
        await checkAll(runs, runExport);
        saves.push([afterMs, runs.saves]);
      };
      for (const afterMs of [0, 9999, 10_000, 25_000]) await check(afterMs);
      await runs.append(run, FIRST, ...someRecords(1, 4));
      for (const afterMs of [25_001, 25_002]) await check(afterMs);
      await runs.append(run, FIRST, ...someRecords(1, 5));
      for (const afterMs of [35_000, 35_001]) await check(afterMs);

      expect(saves).toEqual([
        [0, 0],
        [9999, 0],
        [10_000, 1],
        [25_000, 1],
        [25_001, 2],
        [25_002, 2],
        [35_000, 2],
        [35_001, 3],
      ]);
      expect(runs.saved(run)?.at(-1)).toEqual({ lines: runs.saved(run)!.length - 1 });
    });

    it('at most for a twentieth of the time', async () => {
      const { runs, run, runExport } = await createExport();
      runs.tookMs.save = 700;
      await checkAll(runs, runExport);
      runs.nowMs += 10_000;
      await runExport.check();
      const { nowMs } = runs;
      await runs.append(run, FIRST, ...someRecords(1, 4));
      await checkAll(runs, runExport);
      const saves = [runs.saves];
      for (const afterMs of [13_999, 14_000]) {
        runs.nowMs = nowMs + afterMs;
        await runExport.check();
        saves.push(runs.saves);
      }

      expect(saves).toEqual([1, 1, 2]);
    });

    it('of a run that is over as soon as nothing is left', async () => {
      const { runs, run, runExport } = await createExport();
      runs.setLiveness(run, 'ended');
      await runExport.check();
      const saves = [runs.saves];
      await runExport.check();
      saves.push(runs.saves);
      await runExport.check();
      saves.push(runs.saves);

      expect(saves).toEqual([0, 1, 1]);
      expect(runs.show(runExport)).toEqual({ ...SETTLED, isDue: false });
    });

    it('so that the next process continues with it', async () => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      await runExport.save();
      await runExport.save();
      const before = resultOf(runExport.facts.session);
      const { saves } = runs;
      const known = runs.restart();
      await runs.scan(known);
      const next = new RunExport(runs, known);
      const [first] = await checkAll(runs, next);
      const after = resultOf(next.facts.session);
      await runs.append(known, FIRST, ...someRecords(2, 4));
      await checkAll(runs, next);

      expect(saves).toBe(1);
      expect(first).toEqual({ ...SETTLED, isDue: false });
      expect(after).toEqual(before);
      expect(runs.made(run)).toEqual(await runs.expected(run));
      expect(runs.rows(known).map(([path]) => path)).toEqual(Object.keys(runs.made(run)));
    });

    it('without an exporter not at all', async () => {
      const { runs, run, runExport } = await createExport();
      await runExport.save();

      expect([runs.saves, runs.saved(run)]).toEqual([0, null]);
    });
  });

  describe('releases its exporter', () => {
    it('with the state saved, and keeps the facts', async () => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      const before = resultOf(runExport.facts.session);
      await runExport.release();
      const saved = runs.saved(run);

      expect(resultOf(runExport.facts.session)).toEqual(before);
      expect(before.lastValues).toEqual({ 'acc__top-1': 3, loss: 0.25 });
      expect(runExport.facts.session.isFrozen).toBe(true);
      expect(saved?.filter((line) => 'eventFile' in line)).toHaveLength(1);
      expect(runs.show(runExport)).toEqual({ ...SETTLED, isDue: false });
      expect(runExport.isDue(runs.nowMs + 100_000)).toBe(false);
    });

    it('and opens another one only when an event file changes', async () => {
      const { runs, run, runExport } = await createReleased();
      await runs.write(run, 'outputs/model.bin', 'model');
      await runExport.check();
      const other = [runs.takeOpened(), runs.show(runExport)];
      await runs.append(run, FIRST, ...someRecords(2, 4));
      await checkAll(runs, runExport);

      expect(other).toEqual([[], SETTLED]);
      expect(runs.takeOpened().slice(0, 2)).toEqual(['01/export.jsonl', '01/events.out.tfevents.1']);
      expect(runs.made(run)).toEqual(await runs.expected(run));
      expect(runExport.facts.lastValues()).toEqual({ 'acc__top-1': 5, loss: 1 / 6 });
      expect(runs.rows(run).map(([path]) => path)).toEqual(Object.keys(runs.made(run)));
    });

    it('and opens another one for an event file with other bytes', async () => {
      const { runs, run, runExport } = await createReleased();
      const bytes = readFileSync(runs.pathOf(run, FIRST));
      const others = someRecords(4);
      others[0] = toRecord(toEvent(0, 1_700_000_000, scalarValue('loss', 5), scalarValue('acc/top 1', 0)));
      runs.nowMs += 1;
      await runs.write(run, FIRST, ...others);
      await checkAll(runs, runExport);

      expect(readFileSync(runs.pathOf(run, FIRST))).toHaveLength(bytes.length);
      expect(runs.made(run)[LOSS]).toContain('|5.0');
      expect(runs.made(run)).toEqual(await runs.expected(run));
    });

    it('and opens another one for a second event file', async () => {
      const { runs, run, runExport } = await createReleased();
      await runs.write(run, SECOND, ...someRecords(2, 4));
      await checkAll(runs, runExport);

      expect(runs.made(run)).toEqual(await runs.expected(run));
    });

    it.each([
      ['that were found since the last check', false],
      ['of which a part is exported', true],
    ])('only when there are no events to export %s', async (_which, isChecked) => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      for (const path of Object.keys(runs.made(run))) await runs.store(run, path);
      runs.nowMs += 1;
      await runs.append(run, FIRST, ...someRecords(2, 4));
      await runs.write(run, WORKER, ...someRecords(3));
      if (isChecked) await runExport.check();
      const before = runs.made(run);
      await runExport.removeStored();
      await runExport.release();
      const after = runs.made(run);
      const saved = runs.saved(run)?.length;
      const shown = await checkAll(runs, runExport);

      expect(after).toEqual(before);
      expect(saved).toBeGreaterThan(1);
      expect(runs.made(run)).toEqual(await runs.expected(run));
      expect(shown.at(-1)).toMatchObject({ outcome: 'settled', isCaughtUp: true });
      expect(runs.takeOpened().filter((path) => path.endsWith('export.jsonl'))).toHaveLength(1);
    });

    it('only when all event files can be read', async () => {
      const { runs, run, runExport } = await createExport();
      linkSync(runs.pathOf(run, FIRST), runs.pathOf(run, 'other-name'));
      await runs.scan(run);
      runs.allowHardLinks = false;
      await checkAll(runs, runExport);
      await runExport.release();
      const unread = runs.show(runExport);
      runs.allowHardLinks = true;
      runs.nowMs += 1000;
      await checkAll(runs, runExport);

      expect(unread).toEqual(FAILED);
      expect(runs.made(run)).toEqual(await runs.expected(run));
    });

    it('unless its state cannot be saved', async () => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      runs.failures.save = systemError('ENOSPC');
      await runExport.release();
      const failed = [runs.show(runExport), runExport.facts.session.isFrozen];
      delete runs.failures.save;
      runs.nowMs += 5000;
      await checkAll(runs, runExport);

      expect(failed).toEqual([FAILED, false]);
      expect(runs.made(run)).toEqual(await runs.expected(run));
      expect(runs.show(runExport)).toMatchObject({ outcome: 'settled', isCaughtUp: true });
    });

    it('if it has one', async () => {
      const { runs, run, runExport } = await createExport();
      const { session } = runExport.facts;
      await runExport.release();
      const undecided = runs.show(runExport);
      await runs.write(run, FORMATS, '{"formats":["polyaxon"]}');
      await runExport.check();
      await runExport.release();
      const left = [runExport.facts.session, runs.show(runExport)];
      await runs.write(run, FORMATS, '{"formats":["tensorboard"]}');
      await checkAll(runs, runExport);

      expect(undecided).toEqual({ ...BUSY, hasMore: false });
      expect(left).toEqual([session, SETTLED]);
      expect(runs.made(run)).toEqual(await runs.expected(run));
    });
  });

  describe('removes local copies', () => {
    it('of files that are stored and at rest', async () => {
      const { runs, run, runExport } = await createExport();
      await runs.write(run, WORKER, ...someRecords(1));
      await checkAll(runs, runExport);
      const image = 'assets/image/photo_1.png';
      const [listed, taken, dirty] = [
        'events/metric/worker-1__loss.plx',
        'events/metric/acc__top-1.plx',
        'events/text/note.plx',
      ];
      const [gone, unsent] = ['events/metric/worker-1__acc__top-1.plx', 'events/image/photo.plx'];
      const paths = Object.keys(runs.made(run));
      const { table } = runs.inventory;
      for (const path of [image, LOSS, taken, dirty, gone]) await runs.store(run, path);
      runs.inventory.setObject(runs.idOf(run, listed), { etag: 'etag', sizeBytes: 1 });
      table.set(runs.idOf(run, listed), FLAG.dirty, false);
      table.set(runs.idOf(run, gone), FLAG.stored, false);
      table.set(runs.idOf(run, taken), FLAG.taken);
      table.set(runs.idOf(run, dirty), FLAG.dirty);
      await runExport.removeStored();
      const kept = Object.keys(runs.made(run));

      expect(paths).toEqual([image, LOSS, ...[taken, dirty, gone, listed, unsent]].sort());
      expect(kept).toEqual([taken, dirty, gone, listed, unsent].sort());
      expect(runs.rows(run).map(([path]) => path)).toEqual(kept);
      expect(runExport.facts.session.isFrozen).toBe(false);
    });

    it('and keeps only the result once all are removed', async () => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      await runExport.save();
      const before = resultOf(runExport.facts.session);
      for (const path of Object.keys(runs.made(run))) await runs.store(run, path);
      await runExport.removeStored();
      const unsaved = runExport.isDue(runs.nowMs + 1000);
      await runExport.save();
      await runExport.removeStored();
      const again = runExport.isDue(runs.nowMs + 1000);
      await runExport.release();
      const saved = runs.saved(run)!;

      expect([unsaved, again]).toEqual([true, false]);
      expect([runs.made(run), runs.rows(run)]).toEqual([{}, []]);
      expect(saved.filter((line) => 'state' in line || 'series' in line)).toEqual([]);
      expect(saved.filter((line) => 'result' in line)).toEqual([{ result: before }]);
      expect(resultOf(runExport.facts.session)).toEqual(before);
    });

    it.each([
      ['all', true],
      ['one', false],
    ])(
      'and generates all files again when an event file grows after %s was removed',
      async (_which, areAll) => {
        const { runs, run, runExport } = await createExport();
        await checkAll(runs, runExport);
        const paths = areAll ? Object.keys(runs.made(run)) : [LOSS];
        for (const path of paths) await runs.store(run, path);
        await runExport.removeStored();
        await runExport.release();
        await runs.append(run, FIRST, ...someRecords(2, 4));
        await checkAll(runs, runExport);

        expect(runs.made(run)).toEqual(await runs.expected(run));
        expect(runs.rows(run).map(([path]) => path)).toEqual(Object.keys(runs.made(run)));
        expect(runExport.facts.lastValues()).toEqual({ 'acc__top-1': 5, loss: 1 / 6 });
      },
    );

    it('of no run that it only follows, or has not exported', async () => {
      const { runs, run, runExport } = await createExport();
      await runExport.removeStored();
      runs.convertsEvents = false;
      runs.observer.wantsExport = true;
      await checkAll(runs, runExport);
      await runExport.removeStored();

      expect(runExport.facts.session.isFrozen).toBe(false);
      expect(runs.show(runExport)).toEqual(SETTLED);
      expect(runs.saved(run)).toBeNull();
    });

    it('and fails if the disk does', async () => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      await runs.store(run, LOSS);
      runs.failures.remove = systemError('EIO');
      await runExport.removeStored();

      expect(runs.show(runExport)).toEqual(FAILED);
      expect(runs.notices.map(({ code }) => code)).toEqual(['NOTICE_EXPORT_FAILED']);
      expect(runs.rows(run)).toEqual([]);
    });
  });

  describe('discards the generated files of a cleaned run', () => {
    it('that has no event files any more', async () => {
      const { runs, run, runExport } = await createReleased();
      await runs.remove(run, FIRST);
      await runExport.check();
      const unmarked = Object.keys(runs.made(run)).length;
      await runs.write(run, '.plx/cleaned.json', '{}');
      await runExport.check();

      expect(unmarked).toBe(5);
      expect([runs.made(run), runs.rows(run), runs.saved(run)]).toEqual([{}, [], null]);
      expect(runs.show(runExport)).toEqual(SETTLED);
    });

    it('also of an earlier process, but only once', async () => {
      const { runs, run } = await createReleased();
      await runs.remove(run, FIRST);
      await runs.write(run, '.plx/cleaned.json', '{}');
      const known = runs.restart();
      const next = new RunExport(runs, known);
      await next.check();
      const made = runs.made(run);
      writeFileSync(`${runs.paths.exports}/${RUN}/export.jsonl`, '{"other":1}\n');
      await next.check();

      expect(made).toEqual({});
      expect(runs.saved(run)).toEqual([{ other: 1 }]);
    });

    it('unless it has event files', async () => {
      const { runs, run } = await createReleased();
      await runs.write(run, '.plx/cleaned.json', '{}');
      const known = runs.restart();
      await runs.scan(known);
      const [first] = await checkAll(runs, new RunExport(runs, known));

      expect(first).toEqual({ ...SETTLED, isDue: false });
      expect(runs.made(run)).toEqual(await runs.expected(run));
    });

    it('unless an exporter is open', async () => {
      const { runs, run, runExport } = await createExport();
      await runs.write(run, '.plx/cleaned.json', '{}');
      await checkAll(runs, runExport);
      await runs.remove(run, FIRST);
      await checkAll(runs, runExport);

      expect(Object.keys(runs.made(run))).toHaveLength(5);
      expect(runs.rows(run)).toHaveLength(5);
    });
  });

  describe('handles failures', () => {
    it('of the disk: it pauses, reports the first one, and continues from the saved state', async () => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      await runExport.save();
      await runs.append(run, FIRST, ...someRecords(3, 4));
      const cause = systemError('ENOSPC');
      runs.failures.append = cause;
      const pauses: number[] = [];
      const beganMs = runs.nowMs;
      for (let tries = 0; tries < 6; tries += 1) {
        await runExport.check();
        expect(runs.show(runExport)).toEqual({ ...FAILED, behindMs: runs.nowMs - beganMs });
        const failedMs = runs.nowMs;
        while (!runExport.isDue(runs.nowMs)) runs.nowMs += 500;
        pauses.push(runs.nowMs - failedMs);
        expect(runExport.isDue(runs.nowMs - 1)).toBe(false);
      }
      const { problem } = runExport;
      const rows = runs.rows(run);
      delete runs.failures.append;
      runs.takeOpened();
      const shown = await checkAll(runs, runExport);

      expect(pauses).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
      expect(problem).toBeInstanceOf(StateDirectoryError);
      expect(problem?.message).toBe(
        `${runs.paths.exports}: could not export event files: ENOSPC: simulated by a test`,
      );
      expect(problem?.cause).toBe(cause);
      expect(runs.notices).toEqual([
        { code: 'NOTICE_EXPORT_FAILED', message: `${RUN}: ${problem?.message}` },
      ]);
      expect(rows).toEqual([]);
      expect(runs.takeOpened()[0]).toBe('01/export.jsonl');
      expect(runExport.problem).toBeNull();
      expect(shown.at(-1)).toMatchObject({
        outcome: 'settled',
        hasMore: false,
        isCaughtUp: true,
        behindMs: 0,
      });
      expect(runs.made(run)).toEqual(await runs.expected(run));
      expect(runs.rows(run).map(([path]) => path)).toEqual(Object.keys(runs.made(run)));
    });

    it('of the disk with a short pause again after a success', async () => {
      const { runs, run, runExport } = await createExport();
      for (let failures = 0; failures < 2; failures += 1) {
        runs.failures.append = systemError('EIO');
        await runExport.check();
        await runExport.check();
        delete runs.failures.append;
        runs.nowMs += 10_000;
        await checkAll(runs, runExport);
        await runs.append(run, FIRST, ...someRecords(1, 4 + failures));
      }
      runs.failures.append = systemError('EIO');
      await runExport.check();
      const due = [4999, 5000].map((ms) => runExport.isDue(runs.nowMs + ms));

      expect(due).toEqual([false, true]);
      expect(runs.notices.map(({ code }) => code)).toEqual(Array(3).fill('NOTICE_EXPORT_FAILED'));
    });

    it('of the disk between two steps, with nothing to do immediately', async () => {
      const { runs, run, runExport } = await createExport();
      await runs.write(run, WORKER, ...someRecords(3));
      await runExport.check();
      runs.failures.append = systemError('ENOSPC');
      await runExport.check();

      expect(runs.show(runExport)).toEqual(FAILED);
    });

    it('of a save', async () => {
      const { runs, runExport } = await createExport();
      await checkAll(runs, runExport);
      runs.failures.save = systemError('ENOSPC');
      await runExport.save();

      expect(runs.show(runExport)).toEqual(FAILED);
      expect(runExport.problem).toBeInstanceOf(StateDirectoryError);
    });

    it('of this program by rejecting', async () => {
      const { runs, run, runExport } = await createExport();
      const bug = new Error('a bug');
      runs.failures.append = bug;
      await expect(runExport.check()).rejects.toBe(bug);
      delete runs.failures.append;
      const other = new RunExport(runs, run);
      await checkAll(runs, other);
      runs.failures.save = bug;
      await expect(other.save()).rejects.toBe(bug);
      await runs.store(run, LOSS);
      runs.failures.remove = bug;
      await expect(other.removeStored()).rejects.toBe(bug);

      expect(runs.notices).toEqual([]);
    });

    it('of one event file: it exports the others, and tries again after the interval', async () => {
      const { runs, run, runExport } = await createExport();
      await runs.write(run, WORKER, ...someRecords(3));
      linkSync(runs.pathOf(run, FIRST), runs.pathOf(run, 'other-name'));
      await runs.scan(run);
      runs.allowHardLinks = false;
      const shown = await checkAll(runs, runExport);
      const { problem } = runExport;
      const made = Object.keys(runs.made(run)).filter((path) => path.startsWith('events/metric'));
      const due = [999, 1000].map((ms) => runExport.isDue(runs.nowMs + ms));
      runs.allowHardLinks = true;
      runs.nowMs += 1000;
      await checkAll(runs, runExport);

      expect(shown.at(-1)).toEqual(FAILED);
      expect(problem).toBeInstanceOf(FileError);
      expect(problem).toMatchObject({ code: 'ERR_FILE_OUTSIDE', path: FIRST });
      expect(made).toEqual(['events/metric/worker-1__acc__top-1.plx', 'events/metric/worker-1__loss.plx']);
      expect(due).toEqual([false, true]);
      expect(runs.notices).toEqual([]);
      expect(runExport.problem).toBeNull();
      expect(runs.made(run)).toEqual(await runs.expected(run));
    });
  });

  describe('skips damaged records', () => {
    const damaged = Buffer.alloc(64, 7);

    it('of a live run in a watch only after 30 s', async () => {
      const { runs, run, runExport } = await createExport();
      await runs.append(run, FIRST, damaged, ...someRecords(2, 4));
      await runs.write(run, WORKER, ...someRecords(2), damaged, ...someRecords(2, 2));
      const { nowMs } = runs;
      const [first] = await checkAll(runs, runExport);
      const waiting = runs.show(runExport);
      const rows = [rowCount(runs.made(run))];
      for (const afterMs of [1000, 29_999, 30_000]) {
        runs.nowMs = nowMs + afterMs;
        await checkAll(runs, runExport);
        rows.push(rowCount(runs.made(run)));
      }

      expect(first).toEqual(BUSY);
      expect(waiting).toEqual({ ...BUSY, hasMore: false, isDue: false });
      expect(rows).toEqual([4, 4, 4, 6]);
      expect(runs.show(runExport)).toMatchObject({ outcome: 'settled', isCaughtUp: true });
      expect(runs.made(run)).toEqual(await runs.expected(run));
    });

    it.each([
      ['of a run that is over', false, true],
      ['in a single sync', true, false],
    ])('%s at once', async (_when, isLive, isWatching) => {
      const { runs, run, runExport } = await createExport();
      await runs.append(run, FIRST, damaged, ...someRecords(2, 4));
      runs.setLiveness(run, isLive ? 'live' : 'ended');
      runs.isWatching = isWatching;
      const shown = await checkAll(runs, runExport);

      expect(shown.at(-1)).toMatchObject({ outcome: 'settled', isCaughtUp: true });
      expect(runs.made(run)).toEqual(await runs.expected(run));
    });

    it('30 s after damage was found at their offset', async () => {
      const { runs, run, runExport } = await createExport();
      await runs.append(run, FIRST, damaged, ...someRecords(2, 4));
      await checkAll(runs, runExport);
      runs.nowMs += 20_000;
      // The page has arrived, and the next one is damaged.
      await runs.write(run, FIRST, ...someRecords(6), damaged, ...someRecords(2, 6));
      await checkAll(runs, runExport);
      const rows = [rowCount(runs.made(run))];
      for (const laterMs of [29_999, 1]) {
        runs.nowMs += laterMs;
        await checkAll(runs, runExport);
        rows.push(rowCount(runs.made(run)));
      }

      expect(rows).toEqual([6, 6, 8]);
    });

    it('not when the bytes turn out to be valid', async () => {
      const { runs, run, runExport } = await createExport();
      await runs.append(run, FIRST, damaged);
      await checkAll(runs, runExport);
      runs.nowMs += 1000;
      await runs.write(run, FIRST, ...someRecords(6));
      await checkAll(runs, runExport);

      expect(runs.show(runExport)).toMatchObject({ outcome: 'settled', isCaughtUp: true });
      expect(runs.made(run)).toEqual(await runs.expected(run));
    });
  });

  describe('keeps the inventory up to date', () => {
    it('when an event file was rewritten', async () => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      const { session } = runExport.facts;
      runs.nowMs += 1;
      await runs.write(
        run,
        FIRST,
        toRecord(toEvent(7, 1_700_000_000, scalarValue('other', 1))),
        ...someRecords(1),
      );
      await runExport.check();
      const restarted = [runs.rows(run), runs.show(runExport), runs.exported.length];
      await checkAll(runs, runExport);

      expect(restarted).toEqual([[], BUSY, 3]);
      expect(runExport.facts.session).toBe(session);
      expect(runs.made(run)).toEqual(await runs.expected(run));
      expect(runs.rows(run).map(([path]) => path)).toEqual(Object.keys(runs.made(run)));
      expect(runExport.facts.lastValues()).toEqual({ 'acc__top-1': 0, loss: 1, other: 1 });
    });

    it('with files of an earlier process only once they have caught up with their objects', async () => {
      const { runs, run, runExport } = await createExport();
      await runs.write(run, SECOND, ...someRecords(4, 4));
      await checkAll(runs, runExport);
      const file = await runs.io.fileSystem.lstat(`${runs.paths.exports}/${RUN}/${LOSS}`);
      writeFileSync(`${runs.paths.exports}/${RUN}/export.jsonl`, '');
      const known = runs.restart();
      await runs.scan(known);
      runs.storeAs(known, LOSS, file);
      const next = new RunExport(runs, known);
      const rows: [size: number | undefined, others: number][] = [];
      for (let checks = 0; checks < 2; checks += 1) {
        await next.check();
        const found = runs.rows(known);
        rows.push([found.find(([path]) => path === LOSS)?.[1], found.length]);
      }

      expect(rows).toEqual([
        [undefined, 4],
        [file.sizeBytes, 7],
      ]);
    });

    it('in the same way when the saved state of a released export is lost', async () => {
      const { runs, run, runExport } = await createExport();
      await runs.write(run, SECOND, ...someRecords(4, 4));
      await checkAll(runs, runExport);
      await runExport.release();
      await runs.store(run, LOSS);
      const sizes = [new Map(runs.rows(run)).get(LOSS)];
      writeFileSync(`${runs.paths.exports}/${RUN}/export.jsonl`, '');
      await runs.append(run, SECOND, ...someRecords(1, 8));
      await runExport.check();
      sizes.push(new Map(runs.rows(run)).get(LOSS));
      const written = readFileSync(`${runs.paths.exports}/${RUN}/${LOSS}`).length;
      await checkAll(runs, runExport);

      expect(written).toBeLessThan(sizes[0]!);
      expect(sizes[1]).toBe(sizes[0]);
      expect(runs.made(run)).toEqual(await runs.expected(run));
      expect(new Map(runs.rows(run)).get(LOSS)).toBe(runs.made(run)[LOSS]!.length);
    });

    it('with stored files that an earlier process has removed', async () => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      const file = await runs.io.fileSystem.lstat(`${runs.paths.exports}/${RUN}/${LOSS}`);
      await runs.store(run, LOSS);
      await runExport.removeStored();
      await runExport.release();
      const known = runs.restart();
      await runs.scan(known);
      runs.storeAs(known, LOSS, file);
      await checkAll(runs, new RunExport(runs, known));
      const { table } = runs.inventory;
      const id = runs.idOf(known, LOSS);

      expect([table.has(id, FLAG.generated), table.has(id, FLAG.onDisk)]).toEqual([true, false]);
      expect(runs.rows(known)).toHaveLength(4);
    });

    it('with a file without rows that the store turns out to have, and saves that', async () => {
      const { runs, run, runExport } = await createExport();
      await runs.write(run, FIRST, startRecord(0), ...someRecords(4));
      await checkAll(runs, runExport);
      await runs.write(run, SECOND, startRecord(0));
      await checkAll(runs, runExport);
      await runExport.release();
      const before = runs.made(run);
      const known = runs.restart();
      await runs.scan(known);
      runs.inventory.setObject(runs.idOf(known, LOSS), { etag: 'etag', sizeBytes: 99 });
      const next = new RunExport(runs, known);
      await checkAll(runs, next);

      expect(before).toEqual({});
      expect(runs.made(run)).toEqual({ [LOSS]: 'step|timestamp|metric\n\n' });
      expect(next.isDue(runs.nowMs + 1000)).toBe(true);
    });

    it('with files that a resumed run has made shorter than their objects', async () => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      for (const path of Object.keys(runs.made(run))) await runs.store(run, path);
      await runs.write(run, SECOND, startRecord(2), ...someRecords(1, 2));
      await checkAll(runs, runExport);
      const shortened = [...runs.inventory.shortened].map((id) => runs.inventory.relPathOf(id)).sort();

      expect(runs.made(run)).toEqual(await runs.expected(run));
      expect(shortened).toEqual(expect.arrayContaining(['events/metric/acc__top-1.plx', LOSS]));
      const size = readFileSync(`${runs.paths.exports}/${RUN}/${LOSS}`).length;
      expect(runs.rows(run)).toContainEqual([LOSS, size]);
    });

    it.each([
      ['stored', FLAG.stored],
      ['being sent', FLAG.taken],
    ])('with a file without rows when one with superseded rows is %s', async (_state, flag) => {
      const { runs, run, runExport } = await createExport();
      await runs.write(run, FIRST, startRecord(0), ...someRecords(4));
      await checkAll(runs, runExport);
      runs.inventory.table.set(runs.idOf(run, LOSS), flag);
      await runs.write(run, SECOND, startRecord(0));
      await checkAll(runs, runExport);

      expect(runs.made(run)).toEqual({ [LOSS]: 'step|timestamp|metric\n\n' });
    });

    it.each([
      { what: 'is stored', objectBytes: 0, isStored: true, made: [] },
      { what: 'is not stored', objectBytes: 0, isStored: false, made: [LOSS] },
      { what: 'has another size in the store', objectBytes: 1, isStored: true, made: [LOSS] },
    ])('without a removed file that $what: $made is generated again', async (row) => {
      const { runs, run, runExport } = await createExport();
      await checkAll(runs, runExport);
      await runs.store(run, LOSS);
      await runExport.removeStored();
      const { table } = runs.inventory;
      const id = runs.idOf(run, LOSS);
      table.objectBytes[id]! += row.objectBytes;
      table.set(id, FLAG.stored, row.isStored);
      await runExport.release();
      await runs.write(run, WORKER, ...someRecords(1));
      await checkAll(runs, runExport);

      expect(Object.keys(runs.made(run)).filter((path) => path === LOSS)).toEqual(row.made);
    });
  });

  it('reports no plugins of a run that it only follows', async () => {
    const { runs, run, runExport } = await createExport();
    await runs.append(run, FIRST, toRecord(toEvent(9, 1_700_000_000, foreignValue('mesh', 'bunny'))));
    runs.convertsEvents = false;
    runs.observer.wantsExport = true;
    await checkAll(runs, runExport);

    expect(runExport.facts.counts.unexported).toEqual({ mesh: 1 });
    expect(runs.notices).toEqual([]);
  });

  it('reports plugins without a kind in Polyaxon once, also over several processes', async () => {
    const { runs, run, runExport } = await createExport();
    await runs.append(run, FIRST, toRecord(toEvent(9, 1_700_000_000, foreignValue('mesh', 'bunny'))));
    await checkAll(runs, runExport);
    await runExport.save();
    const known = runs.restart();
    await runs.scan(known);
    const next = new RunExport(runs, known);
    await runs.append(
      known,
      FIRST,
      toRecord(toEvent(10, 1_700_000_000, foreignValue('mesh', 'bunny'), scalarValue('loss', 3))),
    );
    await checkAll(runs, next);

    expect(runs.notices).toEqual([
      {
        code: 'NOTICE_EXPORT',
        message: `${RUN}: Polyaxon has no kind for values of the plugin mesh; only TensorBoard shows them`,
      },
    ]);
  });
});

/** What is exported of the first log directory alone. */
async function exportAtFirst(runs: ExportedRuns, run: KnownRun) {
  const other = new ExportedRuns();
  const copy = other.addRun();
  await other.write(copy, FIRST, readFileSync(runs.pathOf(run, FIRST)));
  return exportAtOnce(other.pathOf(copy, LOGS));
}
