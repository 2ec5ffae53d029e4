/**
 * Compares two run directories after the same calls, and lists each file or field that differs.
 *
 * Event files are compared byte for byte. Times that no call has given and the values of system metrics are replaced on both
 * sides.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PNG } from 'pngjs';
import { isEventFileName } from '../../src/format/event-file-name.js';

export interface Difference {
  /** A path in the run directory; for a field of a JSON file followed by `: ` and the field. */
  readonly subject: string;
  /** The content on each side; undefined if it is missing. */
  readonly theirs: string | undefined;
  readonly ours: string | undefined;
}

/** The system metrics that Python samples. The additional ones of polytrack depend on the machine and count as one, `<more>`. */
const PYTHON_METRICS = /^(load|cpu|memory|gpu_.*)$/;

/** The year of all times that the calls give; other times are from the clock. */
const GIVEN_YEAR = '2024';

export function compareDirectories(theirs: string, ours: string): Difference[] {
  const [left, right] = [describeDirectory(theirs), describeDirectory(ours)];
  const subjects = [...new Set([...left.keys(), ...right.keys()])].sort();
  return subjects
    .map((subject) => ({ subject, theirs: left.get(subject), ours: right.get(subject) }))
    .filter((difference) => difference.theirs !== difference.ours);
}

/** Returns a text for each file, empty directory and field. */
function describeDirectory(root: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of listPaths(root, '')) {
    const [subject, entries] = describePath(root, path);
    for (const [field, text] of entries) found.set(field === '' ? subject : `${subject}: ${field}`, text);
  }
  return found;
}

function listPaths(root: string, directory: string): string[] {
  const names = readdirSync(join(root, directory));
  if (names.length === 0 && directory !== '') return [`${directory}/`];
  return names.flatMap((name) => {
    const path = directory === '' ? name : `${directory}/${name}`;
    return statSync(join(root, path)).isDirectory() ? listPaths(root, path) : [path];
  });
}

type Entries = readonly (readonly [field: string, text: string])[];

function describePath(root: string, path: string): [subject: string, entries: Entries] {
  if (path.endsWith('/')) return [path, [['', 'an empty directory']]];
  const bytes = readFileSync(join(root, path));
  const text = bytes.toString('utf8');
  if (path.startsWith('resources/metric/')) return [toMetricPath(path), [['', withoutReadings(text)]]];
  if (path.endsWith('.plx')) return [path, [['', withoutClock(text)]]];
  if (path === 'run.plx.json') return [path, toFields(JSON.parse(text), root)];
  if (path === 'lineages.plx.json') return [path, toFields(byName(JSON.parse(text)), root)];
  if (path.endsWith('.png')) return [path, [['', describePng(bytes)]]];
  // Each library records different facts about the environment. The names of event files contain times.
  if (path === 'outputs/env.json') return [path, [['', 'facts']]];
  if (isEventFileName(path)) return [path.replace(/(?:tf|plx)events.*/, 'events…'), [['', 'events']]];
  return [path, [['', bytes.toString('base64')]]];
}

/** Python omits a fraction of 0; Polyaxon event files always have six digits. */
const TIMESTAMP = /\b(\d{4})-\d\d-\d\d(?: \d\d:\d\d:\d\d\.\d{6}|T\d\d:\d\d:\d\d(?:\.\d{6})?)\+00:00/g;

function withoutClock(text: string): string {
  return text.replace(TIMESTAMP, (time, year: string) => (year === GIVEN_YEAR ? time : '<now>'));
}

function toMetricPath(path: string): string {
  const name = basename(path, '.plx');
  return PYTHON_METRICS.test(name) ? path : path.replace(name, '<more>');
}

/** Reduces system metrics to their form, which is the same in each row. */
function withoutReadings(text: string): string {
  const rows = withoutClock(text).replace(/(?<=<now>\|)[\d.e+-]+/g, '<number>');
  return [...new Set(rows.split('\n'))].join('\n');
}

interface Artifact {
  readonly name: string;
  readonly kind: string;
  readonly summary: { readonly metric?: object };
}

function byName(artifacts: readonly Artifact[]): Record<string, unknown> {
  return Object.fromEntries(
    artifacts.map(({ name, ...artifact }) => {
      const { summary } = artifact;
      if (artifact.kind !== 'system') return [name, artifact];
      const readings = Object.fromEntries(Object.keys(summary.metric ?? {}).map((key) => [key, '<number>']));
      const known = { ...artifact, summary: { ...summary, metric: readings } };
      return PYTHON_METRICS.test(name) ? [name, known] : ['<more>', { kind: artifact.kind }];
    }),
  );
}

/** Returns the path and text of every primitive value of a JSON document. */
function toFields(value: unknown, root: string, path = ''): Entries {
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([key, inner]) =>
      toFields(inner, root, path === '' ? key : `${path}.${key}`),
    );
  }
  const field = typeof value === 'number' && /^(duration|wait_time)$/.test(path) ? '<number>' : value;
  const text = JSON.stringify(field).replaceAll(root, '<run>');
  return [[path, withoutClock(text)]];
}

function describePng(bytes: Buffer): string {
  const { width, height, data } = PNG.sync.read(bytes);
  return `${width}×${height} ${data.toString('hex')}`;
}
