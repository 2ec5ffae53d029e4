/** How log directories of third-party writers keep their runs from one upload to the next. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toImportedUuid } from '../../../uploader/run-directory/run-uuid.js';
import { runCli } from '../../support/cli.js';
import { createTempDir } from '../../support/temp-dir.js';
import { below, CONFIG, LOG_FILE, type Logs, PAIR, SESSION, scalars, writeLogs } from '../support/logs.js';
import { createHarness, type Harness, readStore } from '../support/sync-harness.js';

const SWEEP: Logs = { '.': [CONFIG], t0: [SESSION, scalars('acc')], t1: [SESSION, scalars('acc')] };
const IN_RUN = 'outputs/tensorboard';

/** A harness whose log directories are below `logs`. */
function createLogs(logs: Logs): { harness: Harness; path: string; uuidOf: (path: string) => string } {
  const harness = createHarness();
  const path = join(harness.root, 'logs');
  writeLogs(path, logs);
  return { harness, path, uuidOf: (of) => toImportedUuid('seed', of) };
}

function toCodes({ notices }: { notices: readonly { code: string }[] }): string[] {
  return notices.map(({ code }) => code);
}

describe('log directories that were stored before', () => {
  it('stay in one run, while new ones get their own, until the user splits them', async () => {
    const { harness, path, uuidOf } = createLogs(SWEEP);
    const config = { path, uuidSeed: 'seed' };
    await harness.sync({ config: { ...config, group: ['.'] } });
    const whole = readStore(harness.store, uuidOf(''));
    expect(Object.keys(whole)).toHaveLength(3);

    const again = await harness.sync({ config });
    expect(again.runs).toEqual([uuidOf('')]);
    expect(again).toMatchObject({ isComplete: true, bytes: { sent: 0 } });
    expect(toCodes(again)).toEqual(['NOTICE_LAYOUT_KEPT']);
    expect(again.notices[0]?.message).toContain('(t0 and 1 more)');

    writeLogs(path, { t2: [SESSION] });
    const grown = await harness.sync({ config });
    expect(new Set(grown.runs)).toEqual(new Set([uuidOf(''), uuidOf('t2')]));
    expect(Object.keys(readStore(harness.store, uuidOf('t2')))).toEqual([`${IN_RUN}/${LOG_FILE}`]);

    const split = await harness.sync({ config: { ...config, split: ['t*'] } });
    expect(new Set(split.runs)).toEqual(new Set(['', 't0', 't1', 't2'].map(uuidOf)));
    expect(toCodes(split)).toEqual(['NOTICE_LAYOUT_REPLACED']);
    expect(split).toMatchObject({ isComplete: true });
    expect(readStore(harness.store, uuidOf(''))).toEqual(whole);

    const after = await harness.sync({ config });
    expect(new Set(after.runs)).toEqual(new Set(split.runs));
    expect(after.bytes.sent).toBe(0);
    expect(toCodes(after)).toEqual([]);
  });

  it('stay separate runs until the user groups them', async () => {
    const { harness, path, uuidOf } = createLogs(below('exp', PAIR));
    const config = { path, uuidSeed: 'seed' };
    await harness.sync({ config: { ...config, split: ['.'] } });

    const again = await harness.sync({ config });
    expect(new Set(again.runs)).toEqual(new Set(['exp/train', 'exp/validation'].map(uuidOf)));
    expect(toCodes(again)).toEqual(['NOTICE_LAYOUT_KEPT']);
    expect(again.bytes.sent).toBe(0);

    const grouped = await harness.sync({ config: { ...config, group: ['exp'] } });
    expect(grouped.runs).toEqual([uuidOf('exp')]);
    expect(toCodes(grouped)).toEqual(['NOTICE_LAYOUT_REPLACED']);
    expect(Object.keys(readStore(harness.store, uuidOf('exp'))).sort()).toEqual([
      `${IN_RUN}/train/${LOG_FILE}`,
      `${IN_RUN}/validation/${LOG_FILE}`,
    ]);

    const after = await harness.sync({ config });
    expect(after.runs).toEqual([uuidOf('exp')]);
    expect(toCodes(after)).toEqual([]);
  });

  it('stay in their runs for a watch too, which reports that once', async () => {
    const { harness, path, uuidOf } = createLogs({ ...SWEEP, ...below('exp', PAIR) });
    const config = { path, uuidSeed: 'seed' };
    await harness.sync({ config: { ...config, group: ['.'], split: ['exp'] } });
    const before = new Set(harness.store.objects.keys());

    const running = harness.startWatch({ config });
    await running.until('all directories are reported', () =>
      harness.events.some(({ kind }) => kind === 'notice'),
    );
    writeLogs(path, { t2: [SESSION] });
    await running.until(
      'the new trial is stored',
      () => `${IN_RUN}/${LOG_FILE}` in readStore(harness.store, uuidOf('t2')),
    );
    const report = await running.stop();

    expect(new Set(report.runs)).toEqual(new Set(['', 'exp/train', 'exp/validation', 't2'].map(uuidOf)));
    expect(new Set(toCodes(report))).toEqual(new Set(['NOTICE_LAYOUT_KEPT']));
    const added = [...harness.store.objects.keys()].filter((key) => !before.has(key));
    expect(added.filter((key) => !key.includes('/.plx/'))).toEqual([`${uuidOf('t2')}/${IN_RUN}/${LOG_FILE}`]);
  });

  it('are stored under the present layout too when the state is lost, which is reported', async () => {
    const { harness, path, uuidOf } = createLogs({ ...SWEEP, ...below('exp', PAIR) });
    const config = { path, uuidSeed: 'seed' };
    await harness.sync({ config: { ...config, group: ['.'] } });
    await harness.sync({ config: { ...config, split: ['.'] } });
    rmSync(harness.stateDirectory, { recursive: true });
    const before = new Map(harness.store.objects);

    const report = await harness.sync({ config });
    expect(new Set(report.runs)).toEqual(new Set(['exp', 't0', 't1'].map(uuidOf)));
    expect(new Set(toCodes(report))).toEqual(new Set(['NOTICE_LAYOUT_REPLACED']));
    const messages = report.notices.map(({ message }) => message).join('\n');
    for (const former of ['', 'exp/train']) expect(messages).toContain(`the store has run ${uuidOf(former)}`);
    for (const [key, { bytes }] of before)
      if (!key.includes('/.plx/')) expect(harness.store.objects.get(key)?.bytes, key).toEqual(bytes);
    expect(toCodes(await harness.sync({ config }))).toEqual([]);
  });

  it('F102: of a run with phases get a separate run when they are replaced by those of another experiment', async () => {
    const { harness, path, uuidOf } = createLogs(below('exp', PAIR));
    const config = { path, uuidSeed: 'seed' };
    await harness.sync({ config });
    const first = readStore(harness.store, uuidOf('exp'));
    rmSync(join(path, 'exp'), { recursive: true });
    for (const phase of ['train', 'validation']) {
      writeLogs(path, { [`exp/${phase}`]: [scalars('other')] });
      const { renameSync } = await import('node:fs');
      renameSync(join(path, 'exp', phase, LOG_FILE), join(path, 'exp', phase, `${LOG_FILE}.2`));
    }

    const report = await harness.sync({ config });
    expect(report.runs).toHaveLength(1);
    expect(report.runs).not.toEqual([uuidOf('exp')]);
    expect(readStore(harness.store, uuidOf('exp'))).toEqual(first);
    rmSync(harness.stateDirectory, { recursive: true });
    expect((await harness.sync({ config })).runs).toEqual(report.runs);
  });
});

describe('--dry-run', () => {
  it.each(['import', 'sync'])('of %s prints what each log directory becomes, and why', async (command) => {
    const root = createTempDir();
    writeLogs(root, { ...SWEEP, ...below('exp', PAIR), 'exp/metrics': [scalars('lr')] });
    const { code, stdout } = await runCli(
      ...[command, root, '--store', `file://${createTempDir()}`, '--state-dir', createTempDir()],
      ...['--dry-run', '--split', 'nothing'],
    );

    expect(code).toBe(1);
    expect(stdout).toContain(
      [
        'Log directories (6) and their runs (3):',
        '  . → no run (only the configuration of a sweep)',
        '  exp/metrics → run exp (beside train, validation, …)',
        '  exp/train → run exp (train, validation, … are phases of one run)',
        '  exp/validation → run exp (train, validation, … are phases of one run)',
        '  t0 → run t0 (it has a HParams session)',
        '  t1 → run t1 (it has a HParams session)',
      ].join('\n'),
    );
  });

  it.each([
    [['--group', '--split'], '--group and --split'],
    [['--as-run', '--group', 'a'], '--as-run'],
    [['--split', '../a'], 'does not name a directory below the path'],
    [['--group', ''], 'value is empty'],
  ])('%s is refused', async (flags, text) => {
    const { code, stderr } = await runCli('import', createTempDir(), '--store', 'file:///nothing', ...flags);

    expect(code).toBe(2);
    expect(stderr).toContain(text);
  });
});
