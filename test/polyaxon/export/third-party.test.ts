/** Event files of third-party writers: every value is exported or counted. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import { type ExportCounts, Exporter } from '../../../src/polyaxon/export/exporter.js';
import { toPythonFloat } from '../../../src/polyaxon/number-text.js';
import { decodeRecords } from '../../support/decode-records.js';
import { type ExpectedFile, FIXTURES, listExpectedFiles } from '../../support/expected-runs.js';
import { ExportedFiles } from '../../support/exported-files.js';

interface ExpectedValue {
  readonly tag: string;
  readonly simpleValue?: number | string;
}
interface ExpectedEvent {
  readonly what: string;
  readonly step: string;
  readonly values?: readonly ExpectedValue[];
}

const files = listExpectedFiles();
const GRAPHS = ['graph_def', 'meta_graph_def', 'tagged_run_metadata'];

function project(file: ExpectedFile) {
  const exporter = new Exporter();
  const written = new ExportedFiles();
  const { records } = decodeRecords(new Uint8Array(readFileSync(join(FIXTURES, file.path))));
  for (const data of records) exporter.push(decodeEvent(data));
  return { exporter, written: written.take(exporter) };
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function accountedFor({ exported, inputs, previews, unexported, invalid }: ExportCounts): number {
  return sum(exported) + inputs + previews + sum(unexported) + sum(invalid);
}

describe('Exporter with files of third-party writers', () => {
  it.each(files.map((file) => [file.path, file] as const))(
    'accounts for every value of %s',
    (_path, file) => {
      const events = file.events as unknown as readonly ExpectedEvent[];
      const values = events.flatMap((event) => event.values ?? []);
      const graphs = events.filter(({ what }) => GRAPHS.includes(what));

      const { exporter, written } = project(file);

      const { counts } = exporter;
      expect(counts.values).toBe(values.length + graphs.length);
      expect(accountedFor(counts)).toBe(counts.values);
      expect(counts.invalid).toEqual({});
      for (const { path, kind, summary } of exporter.artifacts()) {
        const isText = kind === 'text';
        expect(written.text(path).split('\n'), path).toHaveLength(summary.step!.count + 1);
        expect(written.text(path).startsWith(isText ? '\n{"timestamp": "' : 'step|timestamp|'), path).toBe(
          true,
        );
      }
    },
  );

  it.each(files.filter(({ path }) => path.includes('scalars')).map((file) => [file.path, file] as const))(
    'keeps the numbers of %s unchanged',
    (_path, file) => {
      const events = file.events as unknown as readonly ExpectedEvent[];
      const expected = events.flatMap(({ step, values = [] }) =>
        values.flatMap(({ tag, simpleValue }) =>
          tag === 'loss' && simpleValue !== undefined
            ? [`${step} ${toPythonFloat(Number(simpleValue))}`]
            : [],
        ),
      );
      if (expected.length === 0) return;

      const { written } = project(file);

      const [header, ...rows] = written.text('events/metric/loss.plx').split('\n');
      expect(header).toBe('step|timestamp|metric');
      expect(rows.map((row) => `${row.split('|')[0]} ${row.split('|')[2]}`)).toEqual(expected);
    },
  );

  it('exports every kind that Polyaxon has', () => {
    const kinds = files.flatMap((file) => Object.keys(project(file).exporter.counts.rows));

    expect([...new Set(kinds)].toSorted()).toEqual([
      'audio',
      'curve',
      'histogram',
      'image',
      'metric',
      'text',
    ]);
  });

  it('converts hyperparameters to inputs', () => {
    const inputs = files
      .filter(({ path }) => path.includes('hparams'))
      .map((file) => ({ path: file.path, inputs: project(file).written.inputs }))
      .filter((run) => Object.keys(run.inputs).length > 0);

    expect(inputs.length).toBeGreaterThanOrEqual(3);
    for (const run of inputs) expect(run.inputs, run.path).toMatchObject({ lr: expect.any(Number) });
  });
});
