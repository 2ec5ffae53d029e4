import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EventFileWriter } from '../../../../src/format/index.js';
import { SHOWN } from '../../../../src/format/visibility/reasons.js';
import type { ShownRun } from '../../../../src/format/visibility/run-visibility.js';
import { nodeIo } from '../../../../uploader/base/io/io.js';
import { compact } from '../../../../uploader/operations/compact/compact.js';
import { toRecord, writeRandomProgram } from '../../../format/visibility/random-programs.js';
import { runCli } from '../../../support/cli.js';
import { startRun } from '../../../support/start-run.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { createCrashingFileSystem } from '../../support/crashing-file-system.js';
import { watchSyncs, wrapFileSystem } from '../../support/wrapped-file-system.js';
import { describeShown, readShown } from './shown-series.js';

/** Set `POLYTRACK_COMPACT_PROGRAMS` for a long run, and `POLYTRACK_COMPACT_SEED` for other programs. */
const PROGRAMS = Number(process.env.POLYTRACK_COMPACT_PROGRAMS ?? 60);
const SEED = Number(process.env.POLYTRACK_COMPACT_SEED ?? 1);
/** The share of programs, all of them damaged, of which no single file can show the same: none of the 60, one or two of 500. */
const MAX_DIFFERING = 0.01;
const FIXTURES = fileURLToPath(new URL('../../../../fixtures', import.meta.url));

async function writePrograms(directory: string, first: number, count: number): Promise<void> {
  for (let seed = first; seed < first + count; seed++)
    await writeRandomProgram(seed, join(directory, `seed-${seed}`));
}

/** A tag of scalars in three lives. The second begins at step 3, and the third repeats a step out of order. */
async function writeLives(directory: string): Promise<void> {
  let wallTime = 1_700_000_000;
  for (const steps of [
    [0, 1, 2, 3, 4],
    [3, 4, 5],
    [6, 7],
  ]) {
    const resume = steps[0] === 0 ? {} : { resume: { fromStep: steps[0]! } };
    const writer = new EventFileWriter(directory, resume);
    for (const step of steps) writer.writeScalar('loss', step / 8, step, wallTime++);
    await writer.close();
  }
}

function stepsOf(run: ShownRun): (number | bigint)[] {
  return Array.from({ length: run.points.count }, (_, point) => run.points.stepOf(point));
}

/** Whether both readers show every point. */
function isAgreed({ points, viewers }: ShownRun): boolean {
  return Object.values(viewers).every(({ codes }) =>
    Array.from({ length: points.count }, (_, point) => codes.at(point)).every((code) => code === SHOWN),
  );
}

function eventFilesOf(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.includes('tfevents'))
    .sort();
}

describe('compact', () => {
  it('writes a copy with one file for each run, of which both readers show the same, for random programs', async () => {
    const [source, output] = [join(createTempDir(), 'in'), join(createTempDir(), 'out')];
    await writePrograms(source, SEED, PROGRAMS);
    const before = await readShown(source);

    const report = await compact(source, { output });

    const after = await readShown(output);
    const wrong: string[] = [];
    for (const { run, outcome } of report.runs) {
      const [a, b] = [describeShown(before.get(run)!), describeShown(after.get(run)!)];
      if (!isEqual(a, b)) wrong.push(`${run} ${outcome}: shown differently`);
      if (outcome === 'compacted' && eventFilesOf(join(output, run)).length !== 1)
        wrong.push(`${run}: several files`);
      const steps = stepsOf(after.get(run)!);
      const isSorted = steps.every((step, i) => i === 0 || steps[i - 1]! <= step);
      if (outcome === 'compacted' && isAgreed(after.get(run)!) && !isSorted) wrong.push(`${run}: not sorted`);
    }
    expect(wrong).toEqual([]);
    const kept = report.runs.filter(({ outcome }) => outcome === 'kept');
    for (const { error } of kept) expect(error).toMatchObject({ code: 'ERR_COMPACT_DIFFERS' });
    expect(kept.length).toBeLessThanOrEqual(PROGRAMS * MAX_DIFFERING);
  });

  it('leaves a clean file unchanged in a second call, for random programs', async () => {
    const source = createTempDir();
    await writePrograms(join(source, 'in'), SEED, PROGRAMS / 3);
    const first = await compact(join(source, 'in'), { output: join(source, 'out') });

    const second = await compact(join(source, 'out'), { output: join(source, 'again') });

    const before = await readShown(join(source, 'out'));
    const agreed = first.runs.filter(
      ({ run, outcome }) => outcome === 'compacted' && isAgreed(before.get(run)!),
    );
    expect(agreed.length).toBeGreaterThan(0);
    for (const { run } of agreed) expect(second.runs.find((each) => each.run === run)!.outcome).toBe('clean');
    const after = await readShown(join(source, 'again'));
    for (const [run, shown] of before)
      expect(describeShown(after.get(run)!), run).toEqual(describeShown(shown));
  });

  it.each(['keras', 'pytorch', 'tensorboardx', 'tensorflow'])(
    'shows the same of the files of %s',
    async (writer) => {
      const output = join(createTempDir(), 'out');
      const before = await readShown(join(FIXTURES, writer));

      const report = await compact(join(FIXTURES, writer), { output });

      const after = await readShown(output);
      expect(report.runs.filter(({ outcome }) => outcome === 'kept')).toEqual([]);
      for (const [run, shown] of before) {
        expect(describeShown(after.get(run)!), run).toEqual(describeShown(shown));
        expect(eventFilesOf(join(output, run)), run).toHaveLength(1);
      }
    },
  );

  it('leaves out superseded points, and sorts the others', async () => {
    const directory = createTempDir();
    await writeLives(join(directory, 'logs'));

    const report = await compact(join(directory, 'logs'));

    expect(report).toMatchObject({ output: join(directory, 'logs-compact'), isComplete: true });
    expect(report.runs).toMatchObject([{ run: '.', outcome: 'compacted', files: 3, superseded: 2 }]);
    const after = (await readShown(join(directory, 'logs-compact'))).get('.')!;
    expect(stepsOf(after)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(isAgreed(after)).toBe(true);
  });

  it('only says what it would do in a dry run', async () => {
    const directory = createTempDir();
    await writeLives(join(directory, 'logs'));

    const report = await compact(join(directory, 'logs'), { isDryRun: true });

    expect(report.runs).toMatchObject([{ outcome: 'planned', superseded: 2 }]);
    expect(readdirSync(directory)).toEqual(['logs']);
  });

  it('never overwrites a directory', async () => {
    const directory = createTempDir();
    await writeLives(join(directory, 'logs'));
    mkdirSync(join(directory, 'logs-compact'));
    writeFileSync(join(directory, 'logs-compact', 'mine'), '');

    await expect(compact(join(directory, 'logs'))).rejects.toMatchObject({ code: 'ERR_COMPACT_TARGET' });
    await expect(
      compact(join(directory, 'logs'), { output: join(directory, 'logs/in') }),
    ).rejects.toMatchObject({
      code: 'ERR_COMPACT_TARGET',
    });
  });

  it.each([
    ['a length', 8],
    ['data', 13],
  ])('shows the same if viewers stop at different places, for a wrong CRC of %s', async (_, damagedByte) => {
    const directory = createTempDir();
    const logs = join(directory, 'logs');
    await writeLives(logs);
    const path = join(logs, eventFilesOf(logs)[1]!);
    const bytes = readFileSync(path);
    // The fourth record: after the version, the session start and a value.
    let offset = 0;
    for (let i = 0; i < 3; i++) offset += Number(bytes.readBigUInt64LE(offset)) + 16;
    bytes[offset + damagedByte]! ^= 1;
    writeFileSync(path, bytes);
    const before = (await readShown(logs)).get('.')!;

    const copied = await compact(logs);
    const copy = (await readShown(join(directory, 'logs-compact'))).get('.')!;
    const inPlace = await compact(logs, { isInPlace: true, olderThanMs: 0 });
    const replaced = (await readShown(logs)).get('.')!;

    const codes = Object.values(before.viewers).map((viewer) =>
      stepsOf(before).map((_step, point) => viewer.codes.at(point)),
    );
    expect(new Set(codes.map((each) => JSON.stringify(each))).size).toBeGreaterThan(1);
    for (const { runs } of [copied, inPlace]) expect(runs).toMatchObject([{ outcome: 'compacted' }]);
    for (const after of [copy, replaced]) expect(describeShown(after)).toEqual(describeShown(before));
    for (const name of ['logs', 'logs-compact']) expect(eventFilesOf(join(directory, name))).toHaveLength(1);
  });

  it('shows the same if a wall time is not a number, at which one reader stops', async () => {
    const logs = join(createTempDir(), 'logs');
    mkdirSync(logs);
    for (const [file, times] of [
      [1, 2, Number.NaN, 4],
      [5, 6, 7],
    ].entries()) {
      const records = times.map((wallTime, i) => {
        const value = { tag: 'loss', value: { kind: 'simpleValue', simpleValue: i } } as const;
        return toRecord({ wallTime, step: file * 2 + i, what: { kind: 'summary', values: [value] } });
      });
      const version = { kind: 'fileVersion', fileVersion: 'brain.Event:2' } as const;
      const path = join(logs, `events.out.tfevents.${file}.host`);
      writeFileSync(path, Buffer.concat([toRecord({ wallTime: 1, step: 0, what: version }), ...records]));
    }
    const before = (await readShown(logs)).get('.')!;

    const report = await compact(logs);

    const after = (await readShown(report.output!)).get('.')!;
    expect(report.runs).toMatchObject([{ outcome: 'compacted' }]);
    expect(describeShown(after)).toEqual(describeShown(before));
  });

  it('writes a file that the Python reader reads if it does not read the last one', async () => {
    const logs = join(createTempDir(), 'logs');
    await writeLives(logs);
    const last = join(logs, eventFilesOf(logs).at(-1)!);
    renameSync(last, `${last}.profile-empty`);
    const before = (await readShown(logs)).get('.')!;

    const report = await compact(logs);

    expect(report.runs).toMatchObject([{ outcome: 'compacted' }]);
    expect(describeShown((await readShown(report.output!)).get('.')!)).toEqual(describeShown(before));
  });

  it('leaves out a partial record at the end', async () => {
    const directory = createTempDir();
    await writeLives(join(directory, 'logs'));
    const path = join(directory, 'logs', eventFilesOf(join(directory, 'logs'))[2]!);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 3));

    const report = await compact(join(directory, 'logs'));

    expect(report.runs).toMatchObject([{ outcome: 'compacted' }]);
    const after = (await readShown(join(directory, 'logs-compact'))).get('.')!;
    expect(stepsOf(after)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });
});

describe('polytrack compact', () => {
  it('prints what became of each run', async () => {
    const directory = createTempDir();
    const logs = join(directory, 'logs');
    await writeLives(join(logs, 'train'));

    const dryRun = await runCli('compact', logs, '--dry-run');
    const inPlace = await runCli('compact', logs, '--in-place', '--json');
    const copied = await runCli('compact', logs);
    const again = await runCli('compact', logs);
    const empty = await runCli('compact', createTempDir());
    const replaced = await runCli('compact', logs, '--in-place', '--older-than', '0s');

    expect(dryRun).toMatchObject({ code: 0, stderr: '' });
    expect(dryRun.stdout).toMatch(
      /^train: 3 files, [\d.]+ k?B, 11 points → 1 file, 2 superseded points left out \(dry run\)\n$/,
    );
    expect(inPlace.code).toBe(1);
    expect(JSON.parse(inPlace.stdout)).toMatchObject({
      isComplete: false,
      runs: [{ run: 'train', outcome: 'kept', error: { code: 'ERR_RUN_LIVE' } }],
    });
    expect(copied.code).toBe(0);
    expect(copied.stdout).toContain(join(directory, 'logs-compact', 'train'));
    expect(again).toMatchObject({ code: 2, stdout: '' });
    expect(again.stderr).toContain('ERR_COMPACT_TARGET');
    expect(empty).toMatchObject({ code: 2, stdout: '' });
    expect(replaced.code).toBe(0);
    expect(eventFilesOf(join(logs, 'train'))).toHaveLength(1);
  });
});

describe('compact in place', () => {
  it('replaces the files, of which both readers show the same at any time, for random programs', async () => {
    const source = createTempDir();
    await writePrograms(source, SEED, PROGRAMS);
    const before = await readShown(source);
    const originals = createTempDir();
    cpSync(source, originals, { recursive: true });

    const report = await compact(source, { isInPlace: true, olderThanMs: 0 });

    const after = await readShown(source);
    const wrong: string[] = [];
    for (const { run, outcome, path } of report.runs) {
      const expected = describeShown(before.get(run)!);
      if (!isEqual(expected, describeShown(after.get(run)!))) wrong.push(`${run} ${outcome}`);
      if (outcome !== 'compacted') continue;
      // The files are deleted from the last to the first one.
      const moment = createTempDir();
      cpSync(path!, join(moment, 'last', eventFilesOf(join(source, run))[0]!), { recursive: true });
      for (const name of eventFilesOf(join(originals, run))) {
        cpSync(join(originals, run, name), join(moment, 'last', name));
        const [shown] = (await readShown(moment)).values();
        if (!isEqual(expected, describeShown(shown!))) wrong.push(`${run} with the files up to ${name}`);
      }
    }
    expect(wrong).toEqual([]);
    // Points that no viewer shows, and that a repair of the files can restore.
    const kept = report.runs.filter(({ outcome }) => outcome === 'kept');
    const differing = kept.filter(({ error }) => error!.code === 'ERR_COMPACT_DIFFERS');
    expect(differing.length).toBeLessThanOrEqual(PROGRAMS * MAX_DIFFERING);
    for (const { error } of kept.filter((run) => !differing.includes(run)))
      expect(error!.message).toMatch(/points after damage would be deleted/);
    expect(kept.length).toBeLessThan(PROGRAMS * 0.2);
  });

  it('F116: shows the same after a crash at any step, and the next call finishes', async () => {
    const original = createTempDir();
    await writeLives(original);
    const expected = describeShown((await readShown(original)).get('.')!);
    for (let crashAt = 0; ; crashAt++) {
      const directory = createTempDir();
      cpSync(original, directory, { recursive: true });
      const { fileSystem, calls } = createCrashingFileSystem(crashAt);
      const failure = await compact(directory, {
        isInPlace: true,
        olderThanMs: 0,
        io: { ...nodeIo, fileSystem },
      }).catch((error: unknown) => error);

      expect(describeShown((await readShown(directory)).get('.')!), `crash at call ${crashAt}`).toEqual(
        expected,
      );
      if (calls() <= crashAt) {
        expect(failure).not.toBeInstanceOf(Error);
        break;
      }
      // The lock of a dead process; this one lives on.
      rmSync(join(directory, 'compact.lock'), { force: true });
      await compact(directory, { isInPlace: true, olderThanMs: 0 });
      expect(describeShown((await readShown(directory)).get('.')!)).toEqual(expected);
      expect(eventFilesOf(directory), `crash at call ${crashAt}`).toHaveLength(1);
      expect(readdirSync(directory)).not.toContain('compact.partial');
    }
  });

  it('F116: syncs the new file before it takes the place of the others', async () => {
    const directory = createTempDir();
    await writeLives(directory);
    const { fileSystem, renamed } = watchSyncs();

    await compact(directory, { isInPlace: true, olderThanMs: 0, io: { ...nodeIo, fileSystem } });

    expect(eventFilesOf(directory)).toHaveLength(1);
    expect(renamed).toEqual(['synced']);
  });

  it('F116: keeps the files of a program that begins to write while the new file is published', async () => {
    const directory = createTempDir();
    await writeLives(directory);
    const names = eventFilesOf(directory);
    const fileSystem = wrapFileSystem({
      rename: async (from, to) => {
        await nodeIo.fileSystem.rename(from, to);
        appendFileSync(join(directory, names[0]!), 'x');
      },
    });

    const options = { isInPlace: true, olderThanMs: 0, io: { ...nodeIo, fileSystem } };
    const report = await compact(directory, options).catch((error: unknown) => error);

    expect(report).toMatchObject({ runs: [{ outcome: 'kept', error: { code: 'ERR_RUN_LIVE' } }] });
    expect(eventFilesOf(directory)).toEqual(names);
  });

  it('F116: replaces nothing while another program may write', async () => {
    const directory = createTempDir();
    await writeLives(directory);

    const report = await compact(directory, { isInPlace: true });

    expect(report.runs).toMatchObject([{ outcome: 'kept', error: { code: 'ERR_RUN_LIVE' } }]);
    expect(eventFilesOf(directory)).toHaveLength(3);
    const old = new Date(Date.now() - 25 * 3_600_000);
    for (const name of eventFilesOf(directory)) utimesSync(join(directory, name), old, old);
    expect((await compact(directory, { isInPlace: true })).runs).toMatchObject([{ outcome: 'compacted' }]);
  });

  it('holds the run, and waits for its end', async () => {
    const { run } = startRun();
    for (let step = 0; step < 5; step++) run.logMetric('loss', step, { step });
    await run.flush();
    const logs = join(run.paths.run, 'outputs/tensorboard');

    const live = await compact(run.paths.run, { isInPlace: true });
    await run.end();
    const resumed = startRun({
      root: run.paths.root,
      uuid: run.uuid,
      resume: { fromStep: 3 },
    }).run;
    for (let step = 3; step < 7; step++) resumed.logMetric('loss', step, { step });
    await resumed.end();
    const expected = describeShown((await readShown(logs)).get('.')!);
    const ended = await compact(run.paths.run, { isInPlace: true });

    expect(live.runs).toMatchObject([{ outcome: 'kept', error: { code: 'ERR_RUN_LIVE' } }]);
    expect(ended.runs.filter(({ run: name }) => name === 'outputs/tensorboard')).toMatchObject([
      { outcome: 'compacted' },
    ]);
    expect(describeShown((await readShown(logs)).get('.')!)).toEqual(expected);
    expect(eventFilesOf(logs)).toHaveLength(1);
    expect(existsSync(join(run.paths.run, '.plx/lock.json'))).toBe(false);
    const again = startRun({
      root: run.paths.root,
      uuid: run.uuid,
      resume: { fromStep: 6 },
    }).run;
    again.logMetric('loss', 60, { step: 6 });
    await again.end();
    const [shown] = (await readShown(logs)).values();
    expect(shown!.countTags('fast')[shown!.points.tags.indexOf('loss')]).toMatchObject({ shown: 7 });
    expect(shown!.countTags('python')[shown!.points.tags.indexOf('loss')]).toMatchObject({ shown: 7 });
  });
});

function isEqual(a: object, b: object): boolean {
  try {
    expect(a).toEqual(b);
    return true;
  } catch {
    return false;
  }
}
