/** What log directories of third-party writers become: runs, parts of runs, or nothing. */

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FsPath } from '../../../../uploader/base/io/file-system.js';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { LayoutRules } from '../../../../uploader/pipeline/scan/layout-rules.js';
import type { ScannerOptions } from '../../../../uploader/pipeline/scan/scanner.js';
import { toImportedUuid } from '../../../../uploader/run-directory/run-uuid.js';
import { FIXTURES } from '../../../support/expected-runs.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { below, CONFIG, LOG_FILE, type Logs, PAIR, SESSION, scalars, writeLogs } from '../../support/logs.js';
import { writeFiles } from '../../support/run-tree.js';
import { createScanner } from '../../support/scan.js';
import { wrapFileSystem } from '../../support/wrapped-file-system.js';

/** Scans once; returns the run of each log directory. */
async function scan(
  root: string,
  options: Partial<ScannerOptions> = {},
): Promise<Record<string, string | null>> {
  const { scanner, sink } = createScanner(root, options);
  await scanner.scanAll();
  expect(scanner.problems).toEqual([]);
  const runs = Object.fromEntries(
    scanner.layout.map(({ path, runPath }) => [path || '.', runPath && runPath]),
  );
  // Each file is in the run that the layout names.
  for (const { runUuid, relPath } of sink.files.values()) {
    const run = scanner.layout.find((each) => each.runUuid === runUuid);
    expect(relPath.startsWith('outputs/tensorboard/')).toBe(true);
    expect(run, relPath).toBeDefined();
  }
  return runs;
}

describe('log directories', () => {
  it.each<[string, Logs, Record<string, string | null>]>([
    ['one log directory', { '.': [scalars()] }, { '.': '' }],
    ['several', { a: [scalars()], 'b/c': [scalars()] }, { a: 'a', 'b/c': 'b/c' }],
    [
      'a sweep with its configuration at the root',
      { '.': [CONFIG], t0: [SESSION], t1: [scalars('acc'), SESSION], t2: [scalars('acc')] },
      { '.': null, t0: 't0', t1: 't1', t2: 't2' },
    ],
    [
      'a sweep whose root has values too',
      { '.': [CONFIG, scalars('best')], t0: [SESSION], t1: [SESSION] },
      { '.': '', t0: 't0', t1: 't1' },
    ],
    [
      'a sweep of Keras with phases, of which one trial has only begun',
      {
        '.': [CONFIG],
        t0: [SESSION],
        ...below('t0', PAIR),
        t1: [SESSION],
        't1/train': [scalars()],
        t2: [],
      },
      {
        '.': null,
        t0: 't0',
        't0/train': 't0',
        't0/validation': 't0',
        t1: 't1',
        't1/train': 't1',
        t2: 't2',
      },
    ],
    ['phases below the root', PAIR, { train: '', validation: '' }],
    [
      'phases below directories at any depth',
      { ...below('a', PAIR), ...below('b/lr=0.1', PAIR) },
      {
        'a/train': 'a',
        'a/validation': 'a',
        'b/lr=0.1/train': 'b/lr=0.1',
        'b/lr=0.1/validation': 'b/lr=0.1',
      },
    ],
    [
      'phases and a configuration in one directory',
      { '.': [CONFIG], ...PAIR },
      { '.': '', train: '', validation: '' },
    ],
    [
      'a directory with events and its evaluation',
      { m: [scalars('loss')], 'm/eval': [scalars('loss')] },
      { m: 'm', 'm/eval': 'm' },
    ],
    [
      'another writer of a run with phases',
      { ...below('a', PAIR), 'a/metrics': [scalars('lr')] },
      { 'a/metrics': 'a', 'a/train': 'a', 'a/validation': 'a' },
    ],
    [
      'phases, with the session in one of them',
      { 'a/train': [SESSION, scalars()], 'a/validation': [scalars()] },
      { 'a/train': 'a', 'a/validation': 'a' },
    ],
    [
      'runs that are called like phases',
      { train: [scalars()], train2: [scalars()], val: [scalars()] },
      { train: 'train', train2: 'train2', val: 'val' },
    ],
    ['a run called test', { test: [scalars()], other: [scalars()] }, { test: 'test', other: 'other' }],
    [
      'the lines of add_scalars of PyTorch and tensorboardX',
      {
        r: [],
        'r/a_loss_train': [scalars('a/loss')],
        'r/a_loss_test': [scalars('a/loss')],
        'r/b/train': [scalars('b')],
        'r/b/test': [scalars('b')],
      },
      { r: 'r', 'r/a_loss_train': 'r', 'r/a_loss_test': 'r', 'r/b/train': 'r', 'r/b/test': 'r' },
    ],
    [
      'add_hparams of PyTorch in a run with its own values',
      { r: [scalars()], 'r/1700000000.25': [SESSION, scalars('hparam/acc')] },
      { r: 'r', 'r/1700000000.25': 'r' },
    ],
    [
      'add_hparams of PyTorch in a loop',
      { r: [], 'r/1700000000.2': [SESSION], 'r/1700000000.3': [SESSION], 'r/1700000001.1': [SESSION] },
      {
        r: 'r',
        'r/1700000000.2': 'r',
        'r/1700000000.3': 'r/1700000000.3',
        'r/1700000001.1': 'r/1700000001.1',
      },
    ],
    [
      'add_hparams of PyTorch with names',
      { r: [], 'r/one': [CONFIG, SESSION], 'r/two': [CONFIG, SESSION] },
      { r: null, 'r/one': 'r/one', 'r/two': 'r/two' },
    ],
    [
      'trials that are named after their times',
      { '.': [CONFIG], '1700000000.2': [SESSION], '1700000000.3': [SESSION] },
      { '.': null, '1700000000.2': '1700000000.2', '1700000000.3': '1700000000.3' },
    ],
    [
      'metrics of a session in a directory below it',
      { t: [SESSION, scalars()], 't/holdout': [scalars()] },
      { t: 't', 't/holdout': 't' },
    ],
    [
      'runs below a directory with events',
      { '.': [scalars()], a: [scalars()], ...below('b', PAIR) },
      { '.': '', a: 'a', 'b/train': 'b', 'b/validation': 'b' },
    ],
    ['an empty event file', { a: [] }, { a: 'a' }],
    ['a configuration alone', { a: [CONFIG] }, { a: 'a' }],
  ])('%s', async (_, logs, expected) => {
    const root = createTempDir();
    writeLogs(root, logs);

    expect(await scan(root)).toEqual(expected);
  });

  it('of the reference writers', async () => {
    const runs = await scan(join(FIXTURES, 'tensorflow'));

    expect(runs).toMatchObject({
      hparams: null,
      'hparams/trial-1': 'hparams/trial-1',
      'hparams/trial-2': 'hparams/trial-2',
      'keras/train': 'keras',
      'keras/validation': 'keras',
    });
    expect(await scan(join(FIXTURES, 'tensorboardx'))).toMatchObject({
      'scalars-multi': 'scalars-multi',
      'scalars-multi/loss/train': 'scalars-multi',
      'scalars-multi/loss/validation': 'scalars-multi',
    });
  });

  it('keep a `train` directory that has other files, such as a checkpoint, apart', async () => {
    const root = createTempDir();
    writeLogs(root, { 'a/train': [scalars()], 'b/train': [scalars()] });
    writeFiles(root, { 'a/train/last.pt': 'weights' });

    expect(await scan(root)).toEqual({ 'a/train': 'a/train', 'b/train': 'b' });
  });

  it('send the other files of a run with phases too, and those of a root that is no run not at all', async () => {
    const root = createTempDir();
    writeLogs(root, { '.': [CONFIG], t0: [SESSION], ...below('t0', PAIR) });
    writeFiles(root, { 'notes.txt': 'x', 't0/model.keras': 'x', 't0/checkpoints/1': 'x' });
    const { scanner, sink } = createScanner(root);
    await scanner.scanAll();

    const paths = [...sink.files.values()].map(({ relPath }) => relPath.slice('outputs/tensorboard/'.length));
    expect(paths.sort()).toEqual([
      'checkpoints/1',
      LOG_FILE,
      'model.keras',
      `train/${LOG_FILE}`,
      `validation/${LOG_FILE}`,
    ]);
    expect(scanner.skipped).toEqual([{ path: LOG_FILE, reason: 'hparams-configuration' }]);
  });
});

describe('random log directories', () => {
  const NAMES = ['', 'train', 'validation', 'test', 'a', 'loss_a', '1700000000.5', '1700000001.5'];
  const RECORDS = [
    [],
    [CONFIG],
    [SESSION],
    [scalars('loss')],
    [scalars('epoch_loss')],
    [scalars('loss'), SESSION],
  ];
  const path = fc
    .array(fc.constantFrom(...NAMES), { maxLength: 3 })
    .map((names) => names.filter((name) => name !== '').join('/') || '.');
  const logs = fc.dictionary(path, fc.constantFrom(...RECORDS), { minKeys: 1, maxKeys: 8 });

  it('each are in one run or reported, whatever the order in which the file system lists them', async () => {
    await fc.assert(
      fc.asyncProperty(logs, async (given) => {
        const root = createTempDir();
        writeLogs(root, given);
        const layouts = await Promise.all(
          [false, true].map(async (isReversed) => {
            const readDirectory = async (directory: FsPath): Promise<Buffer[]> => {
              const names = (await nodeFileSystem.readDirectory(directory)).sort(Buffer.compare);
              return isReversed ? names.reverse() : names;
            };
            const { scanner, sink } = createScanner(root, { fileSystem: wrapFileSystem({ readDirectory }) });
            await scanner.scanAll();
            const stored = [...sink.files.values()].map(({ runUuid, relPath }) => {
              const { runPath } = scanner.layout.find((each) => each.runUuid === runUuid)!;
              return join(runPath!, relPath.slice('outputs/tensorboard/'.length));
            });
            const found = [...stored, ...scanner.skipped.map((each) => each.path)].sort();
            expect(found).toEqual(
              Object.keys(given)
                .map((each) => join(each, LOG_FILE))
                .sort(),
            );
            expect(scanner.problems).toEqual([]);
            return scanner.layout.map(({ path: of, runPath }) => [of, runPath]);
          }),
        );
        expect(layouts[0]).toEqual(layouts[1]);
      }),
      { numRuns: 150 },
    );
  });
});

describe('--group and --split', () => {
  const LOGS = { '.': [CONFIG], ...below('a', PAIR), 'b/x': [SESSION], 'b/y': [SESSION] };
  const USUAL = { '.': null, 'a/train': 'a', 'a/validation': 'a', 'b/x': 'b/x', 'b/y': 'b/y' };

  it.each<[string, { group?: string[]; split?: string[] }, Record<string, string | null>]>([
    ['a group', { group: ['b'] }, { ...USUAL, 'b/x': 'b', 'b/y': 'b' }],
    [
      'the whole path',
      { group: ['.'] },
      { '.': '', 'a/train': '', 'a/validation': '', 'b/x': '', 'b/y': '' },
    ],
    ['a split', { split: ['/a'] }, { ...USUAL, 'a/train': 'a/train', 'a/validation': 'a/validation' }],
    [
      'a split of everything',
      { split: ['.'] },
      {
        '.': '',
        'a/train': 'a/train',
        'a/validation': 'a/validation',
        'b/x': 'b/x',
        'b/y': 'b/y',
      },
    ],
    [
      'a group in a split',
      { split: ['.'], group: ['b'] },
      { '.': '', 'a/train': 'a/train', 'a/validation': 'a/validation', 'b/x': 'b', 'b/y': 'b' },
    ],
    ['a pattern that matches nothing', { group: ['nothing'] }, USUAL],
  ])('%s', async (_, patterns, expected) => {
    const root = createTempDir();
    writeLogs(root, LOGS);

    expect(await scan(root, { layoutRules: new LayoutRules(patterns) })).toEqual(expected);
  });
});

describe('a growing log directory', () => {
  const UUID_OF = (path: string): string => toImportedUuid('a root', path);

  async function watch(
    root: string,
    states: readonly Logs[],
    adoptAfterMs = 2_000,
  ): Promise<[string, string | null][][]> {
    const clock = new FakeClock(1_700_000_000);
    const { scanner } = createScanner(root, { clock, adoptAfterMs });
    const layouts: [string, string | null][][] = [];
    for (const logs of states) {
      writeLogs(root, logs);
      for (let count = 0; count < 60; count += 1) {
        await scanner.scanDue();
        clock.seconds += 0.25;
      }
      layouts.push(scanner.layout.map(({ path, runUuid }) => [path || '.', runUuid]));
    }
    return layouts;
  }

  it('gets a run for each trial as it appears', async () => {
    const layouts = await watch(createTempDir(), [
      { '.': [CONFIG] },
      { t0: [] },
      { t0: [scalars('acc')] },
      { t0: [scalars('acc'), SESSION], t1: [SESSION] },
    ]);

    expect(layouts[0]).toEqual([['.', null]]);
    expect(layouts[2]).toEqual([
      ['.', null],
      ['t0', UUID_OF('t0')],
    ]);
    expect(layouts[3]).toEqual([
      ['.', null],
      ['t0', UUID_OF('t0')],
      ['t1', UUID_OF('t1')],
    ]);
  });

  it('keeps the run of `train` when `validation` appears an epoch later', async () => {
    const layouts = await watch(createTempDir(), [
      { 'a/train': [scalars()] },
      { 'a/validation': [scalars()] },
    ]);

    expect(layouts).toEqual([
      [['a/train', UUID_OF('a')]],
      [
        ['a/train', UUID_OF('a')],
        ['a/validation', UUID_OF('a')],
      ],
    ]);
  });

  it('recognises phases whose directory was there before their event files', async () => {
    const root = createTempDir();
    mkdirSync(join(root, 'a/train'), { recursive: true });
    const layouts = await watch(root, [{ 'a/metrics': [scalars('lr')] }, { 'a/train': [scalars()] }]);

    // What was a run remains one.
    expect(layouts.at(-1)).toEqual([
      ['a/metrics', UUID_OF('a/metrics')],
      ['a/train', UUID_OF('a')],
    ]);
  });

  it('keeps its runs when a directory above them gets event files', async () => {
    const root = createTempDir();
    mkdirSync(join(root, 'sweep'));
    const layouts = await watch(root, [
      { 'sweep/t0': [SESSION], ...below('sweep/t1', PAIR) },
      { sweep: [scalars('best')] },
    ]);

    const trials = [
      ['sweep/t0', UUID_OF('sweep/t0')],
      ['sweep/t1/train', UUID_OF('sweep/t1')],
      ['sweep/t1/validation', UUID_OF('sweep/t1')],
    ];
    expect(layouts).toEqual([trials, [['sweep', UUID_OF('sweep')], ...trials]]);
  });

  it('gets the same runs from a watch that sees it grow as from a scan that finds it complete', async () => {
    const states: Logs[] = [
      { '.': [CONFIG], r: [] },
      { 'r/1700000000.5': [SESSION], t0: [SESSION] },
      { 't0/train': [scalars()], r: [scalars()], 'r/loss_a': [scalars('loss')] },
      { 't0/validation': [scalars()], 'k/train': [scalars()] },
      { 'k/validation': [scalars()] },
    ];
    const root = createTempDir();
    const watched = (await watch(root, states)).at(-1)!;
    const { scanner } = createScanner(root);
    await scanner.scanAll();

    expect(watched).toEqual(scanner.layout.map(({ path, runUuid }) => [path || '.', runUuid]));
    expect(new Set(watched.map(([, uuid]) => uuid))).toEqual(
      new Set([null, UUID_OF('r'), UUID_OF('t0'), UUID_OF('k')]),
    );
  });

  it('loses the runs of directories that are removed, and no others', async () => {
    const root = createTempDir();
    writeLogs(root, { '.': [CONFIG], t0: [SESSION], ...below('k', PAIR) });
    const { scanner, sink } = createScanner(root);
    await scanner.scanAll();
    rmSync(join(root, 'k'), { recursive: true });
    await scanner.scanAll();

    expect(scanner.layout.map(({ path }) => path)).toEqual(['', 't0']);
    expect(sink.gone).toContain(UUID_OF('k'));
    expect(sink.gone).not.toContain(UUID_OF('t0'));
  });
});
