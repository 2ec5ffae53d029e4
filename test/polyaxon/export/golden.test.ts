/** Exported files have the bytes of Polyaxon's Python client, and their summaries have the same fields. */

import { describe, expect, it } from 'vitest';
import { Exporter, type SeriesArtifact } from '../../../src/polyaxon/export/exporter.js';
import { ExportedFiles } from '../../support/exported-files.js';
import { polyaxonFixture, readFixtureFile, toFixtureEvent } from '../../support/polyaxon-fixture.js';

const { files, logged, resources, artifacts, outputs } = polyaxonFixture;

function project(target: 'events' | 'resources') {
  const exporter = new Exporter({ target });
  for (const call of target === 'events' ? logged : resources) exporter.push(toFixtureEvent(call));
  return { exporter, written: new ExportedFiles().take(exporter) };
}

function pathsOf(isResource: boolean): string[] {
  return files.map(({ path }) => path).filter((path) => path.startsWith('resources/') === isResource);
}

/** Fractional numbers agree to a relative error of 1e-12; everything else is equal. */
function expectSameSummary(actual: SeriesArtifact, expected: SeriesArtifact): void {
  const { metric: actualMetric, ...actualRest } = actual.summary;
  const { metric, ...rest } = expected.summary;
  expect({ ...actual, summary: actualRest }).toEqual({ ...expected, summary: rest });
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  expect(Object.keys(actual.summary)).toEqual(Object.keys(expected.summary));
  expect(Object.keys(actualMetric ?? {})).toEqual(Object.keys(metric ?? {}));
  for (const [field, value] of Object.entries(metric ?? {})) {
    const found = actualMetric?.[field as keyof typeof actualMetric] ?? null;
    const message = `${expected.name} ${field}: ${found}, expected ${value}`;
    if (value === null || found === null) expect(found, message).toBe(value);
    else expect(Math.abs(found - value), message).toBeLessThanOrEqual(Math.abs(value) * 1e-12);
  }
}

describe('Exporter', () => {
  const { exporter, written } = project('events');
  const system = project('resources');

  it('writes the same set of files as Polyaxon', () => {
    expect(written.paths).toEqual(pathsOf(false));
    expect(system.written.paths).toEqual(pathsOf(true));
    expect([...written.notices, ...system.written.notices]).toEqual([]);
  });

  it.each(pathsOf(false))('writes %s with the same bytes', (path) => {
    expect(Buffer.from(written.bytes(path)).toString('latin1')).toBe(
      Buffer.from(readFixtureFile(path)).toString('latin1'),
    );
  });

  it.each(pathsOf(true))('writes %s with the same bytes, without steps', (path) => {
    expect(system.written.text(path)).toBe(Buffer.from(readFixtureFile(path)).toString('utf8'));
  });

  it.each(artifacts.map((artifact) => [artifact.path, artifact] as const))(
    'summarizes %s like Polyaxon',
    (path, expected) => {
      const from = path.startsWith('resources/') ? system.exporter : exporter;
      const [actual] = from.artifacts(new Set([path]));

      expectSameSummary(actual!, expected);
    },
  );

  it("returns the same last values as Polyaxon's outputs", () => {
    const last = exporter.lastValues();

    expect(last).toEqual(outputs);
  });
});
