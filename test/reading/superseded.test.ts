/** Metrics that are read back are those of Polyaxon's files, for random programs: restarts, damage, other plugins, steps beyond 2^53. */

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EventFileReader, listEventFiles, type ReadEvent, SessionStatus } from '../../src/format/index.js';
import { Restarts } from '../../src/format/restarts.js';
import { retractedTags } from '../../src/format/wire/retraction-value.js';
import { loadRuns } from '../../src/index.js';
import { Exporter } from '../../src/polyaxon/export/exporter.js';
import { writeRandomProgram } from '../format/visibility/random-programs.js';
import { createTempDir } from '../support/temp-dir.js';
import { makeRun } from '../uploader/support/run-tree.js';

const PROGRAMS = 60;

it(`metrics and last metrics are those of Polyaxon's files, for ${PROGRAMS} random programs`, async () => {
  const root = createTempDir();
  for (let seed = 1; seed <= PROGRAMS; seed++) {
    const directory = makeRun(root, {}, String(seed).padStart(32, '0'));
    await writeRandomProgram(seed, join(directory, 'outputs/tensorboard'));
  }
  let points = 0;
  for await (const run of loadRuns(root)) {
    const expected = await exportMetrics(join(run.location, 'outputs/tensorboard'));
    const { metrics } = await run.metrics();
    const last = await run.lastMetrics();
    const rows = metrics.map(({ tag, steps, values }) => [
      tag,
      ...Array.from(steps, (step, i) => toRow(step, values[i]!)),
    ]);
    const lastRows = last.metrics.map(({ tag, step, value }) => [tag, toRow(Number(step), value)]);
    points += rows.reduce((sum, { length }) => sum + length - 1, 0);

    expect(rows.sort(), run.location).toEqual(expected.sort());
    expect(lastRows.sort(), run.location).toEqual(expected.map((each) => [each[0], each.at(-1)]).sort());
    for (const [name, row] of lastRows) {
      const [named] = (await run.lastMetrics({ names: [name!] })).metrics;
      expect([named!.tag, toRow(Number(named!.step), named!.value)], run.location).toEqual([name, row]);
    }
  }
  expect(points).toBeGreaterThan(500);
});

/** Each metric, and its rows. */
async function exportMetrics(directory: string): Promise<string[][]> {
  const [found] = await listEventFiles(directory);
  const files = found?.files ?? [];
  const restarts = new Restarts();
  await readAll(directory, files, (fileName, { event, offset }) => {
    const { what, step } = event;
    const isStart = what.kind === 'sessionLog' && what.status === SessionStatus.START;
    if (isStart) restarts.add({ fileName, offset, step });
    for (const tag of retractedTags(event)) restarts.add({ fileName, offset, step, tag });
  });
  const exporter = new Exporter();
  await readAll(directory, files, (fileName, { event, offset }) => {
    exporter.push(event, '', restarts.endStepAt(fileName, offset));
  });
  const appends = new Map(
    exporter.take().appends.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()]),
  );
  return exporter.series.flatMap(({ kind, rawName, name }) => {
    if (kind !== 'metric') return [];
    const [, ...rows] = (appends.get(`events/metric/${name}.plx`) ?? '').trimEnd().split('\n');
    const points = rows
      .map((row) => row.split('|'))
      .map(([step, , value]) => toRow(Number(step), Number(value || Number.NaN)));
    return points.length === 0 ? [] : [[rawName, ...points]];
  });
}

/** Polyaxon's files have no NaN and no infinities. */
function toRow(step: number, value: number): string {
  return `${step} ${Number.isFinite(value) ? value : 'not finite'}`;
}

async function readAll(
  directory: string,
  files: readonly string[],
  onRecord: (fileName: string, record: ReadEvent) => void,
): Promise<void> {
  for (const name of files) {
    await using reader = new EventFileReader(join(directory, name), { onDamage: 'skip' });
    for await (const record of reader.read()) onRecord(name, record);
  }
}
