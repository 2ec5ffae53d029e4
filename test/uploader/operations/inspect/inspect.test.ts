import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SummaryWriter } from '../../../../src/index.js';
import type { FileCheck } from '../../../../uploader/operations/inspect/fsck.js';
import type { RunInspection } from '../../../../uploader/operations/inspect/inspect.js';
import { plot } from '../../../../uploader/operations/inspect/plot.js';
import { runCli } from '../../../support/cli.js';
import { FIXTURES, WRITERS } from '../../../support/expected-runs.js';
import { describeWithPeers } from '../../../support/peers.js';
import { runPython } from '../../../support/python.js';
import { createTempDir } from '../../../support/temp-dir.js';

/** Counts with the functions of `tensorboard --inspect`: for each run, kind and tag, the steps in file order. */
const INSPECTOR = `
import itertools, json, os, sys
from tensorboard.backend.event_processing import event_file_inspector as inspector
out = {}
records = {}
for directory, _, files in os.walk(sys.argv[1]):
    names = sorted(name for name in files if 'tfevents' in name)
    if not names:
        continue
    events = itertools.chain(*[inspector.generator_from_event_file(os.path.join(directory, name)) for name in names])
    found = inspector.get_field_to_observations_map(events)
    run = os.path.relpath(directory, sys.argv[1])
    for name in names:
        records[os.path.join(directory, name)] = len(list(inspector.generator_from_event_file(os.path.join(directory, name))))
    out[run] = {field: [[o['tag'], str(o['step'])] for o in list_] for field, list_ in found.items() if list_}
print(json.dumps({'runs': out, 'records': records}))
`;

/** The inspector's name for each form. */
const FIELDS: Record<string, string> = {
  tensor: 'tensor',
  simpleValue: 'scalars',
  image: 'images',
  audio: 'audio',
  histogram: 'histograms',
};

type Counts = Record<string, { count: number; first: string; last: string; min: string; max: string }>;

async function inspectByUs(path: string): Promise<Record<string, Counts>> {
  const { stdout, code } = await runCli('inspect', path, '--json');
  expect(code).toBe(0);
  const { runs } = JSON.parse(stdout) as { runs: RunInspection[] };
  return Object.fromEntries(
    runs.map(({ run, tags, otherEvents }) => {
      const counts: Counts = {};
      for (const { tag, form, count, firstStep, lastStep, minStep, maxStep } of tags) {
        if (form === 'none') continue;
        const [first, last, min, max] = [firstStep, lastStep, minStep, maxStep].map(String) as [
          string,
          string,
          string,
          string,
        ];
        counts[`${FIELDS[form]} ${tag}`] = { count, first, last, min, max };
      }
      return [
        run,
        { ...counts, ...(otherEvents.graphDef ? { graph: { count: otherEvents.graphDef } } : {}) } as Counts,
      ];
    }),
  );
}

function toCounts(fields: Record<string, [tag: string, step: string][]>): Counts {
  const counts: Counts = {};
  for (const [field, observations] of Object.entries(fields)) {
    if (field.startsWith('sessionlog')) continue;
    if (field === 'graph') {
      counts.graph = { count: observations.length } as Counts[string];
      continue;
    }
    for (const tag of new Set(observations.map(([name]) => name))) {
      const steps = observations.filter(([name]) => name === tag).map(([, step]) => step);
      const sorted = steps.map(BigInt).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      const [first, last] = [steps[0]!, steps.at(-1)!];
      counts[`${field} ${tag}`] = {
        count: steps.length,
        first,
        last,
        min: String(sorted[0]),
        max: String(sorted.at(-1)),
      };
    }
  }
  return counts;
}

describeWithPeers(['python'], 'polytrack inspect, fsck and tensorboard --inspect', () => {
  it.each(WRITERS)("match TensorBoard's in all files of %s", async (writer) => {
    const { stdout } = await runPython(INSPECTOR, [join(FIXTURES, writer)]);
    const theirs = JSON.parse(stdout) as {
      runs: Record<string, Record<string, [string, string][]>>;
      records: Record<string, number>;
    };

    const ours = await inspectByUs(join(FIXTURES, writer));

    // A step that does not fit a double is returned as text.
    expect(ours).toEqual(
      Object.fromEntries(Object.entries(theirs.runs).map(([run, fields]) => [run, toCounts(fields)])),
    );

    const { stdout: report } = await runCli('fsck', join(FIXTURES, writer), '--json');
    const { files } = JSON.parse(report) as { files: FileCheck[] };
    expect(Object.fromEntries(files.map(({ path, records }) => [path, records]))).toEqual(theirs.records);
    expect(files.flatMap(({ problems }) => problems)).toEqual([]);
  });
});

describe('polytrack inspect', () => {
  it("shows files, tags, and one tag's values with a plot", async () => {
    const directory = join(createTempDir(), 'logs');
    const writer = new SummaryWriter(join(directory, 'run 1'));
    for (let step = 0; step < 50; step++)
      writer.addScalar('loss', 1 / (step + 1), step, { wallTime: 1_700_000_000 });
    writer.addText('note', 'hello', 3);
    await writer.close();

    const all = await runCli('inspect', directory);
    const one = await runCli('inspect', directory, '--tag', 'loss');
    const text = await runCli('inspect', directory, '--tag', 'note', '--run', 'run 1');

    expect(all.code).toBe(0);
    expect(all.stdout).toMatch(/^run run 1\n {2}events\.out\.tfevents.*: .* kB, 53 records; by polytrack\n/);
    expect(all.stdout).toMatch(/loss +scalars +50 +0 to 49 +2023-11-14T22:13:20.000Z/);
    expect(one.stdout).toMatch(/1 ┤•/);
    expect(one.stdout).toMatch(/49 {2}2023-11-14T22:13:20.000Z {2}0.02\n/);
    expect(text.stdout).toMatch(/3 {2}.* {2}hello/);
  });

  it('reports damage and a partial record, also by the exit code', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    writer.addScalar('loss', 1);
    await writer.close();
    appendFileSync(writer.currentFile!, Uint8Array.of(1, 2, 3));

    const half = await runCli('inspect', directory);
    appendFileSync(writer.currentFile!, 'these bytes are no record at all');
    const damaged = await runCli('inspect', directory);

    expect(half).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('3 B of an incomplete record at the end'),
    });
    expect(damaged).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('1 damaged range: see polytrack fsck'),
    });
  });

  it('refuses a path without event files and a missing tag', async () => {
    const directory = createTempDir();
    expect(await runCli('inspect', directory)).toMatchObject({
      code: 2,
      stderr: `${directory}: no event files\n`,
    });
    expect(await runCli('inspect', join(directory, 'gone'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ENOENT'),
    });
    mkdirSync(join(directory, 'run'));
    writeFileSync(join(directory, 'run', 'x.tfevents'), '');
    expect(await runCli('inspect', directory, '--tag', 'loss')).toMatchObject({ code: 2 });
  });
});

describe('plot', () => {
  it('draws the smallest value at the bottom and the first step on the left', () => {
    const points = [0, 1, 2, 3].map((step) => ({ step, value: step * step }));

    expect(plot(points, 4, 4)).toEqual(['9 ┤   •', '  ┤', '  ┤  •', '0 ┤••', '   0  3']);
  });

  it('omits non-finite values, and handles a single value and the largest doubles', () => {
    expect(plot([{ step: 0, value: Number.NaN }])).toEqual([]);
    expect(plot([{ step: 5, value: 2 }], 3, 3)[1]).toBe('  ┤ •');
    const wide = plot(
      [
        { step: 0, value: -Number.MAX_VALUE },
        { step: 1, value: Number.MAX_VALUE },
      ],
      2,
      2,
    );
    expect(wide[0]).toMatch(/1\.79769e\+308 ┤ •/);
  });
});
