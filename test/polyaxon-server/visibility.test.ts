/** The model of what Polyaxon shows agrees with Polyaxon's server, point by point, for random programs. */

import { appendFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { EventFileReader, listEventFiles, type ReadEvent, SessionStatus } from '../../src/format/index.js';
import { Restarts } from '../../src/format/restarts.js';
import { readVisibility } from '../../src/format/visibility/read-run.js';
import type { ShownRun } from '../../src/format/visibility/run-visibility.js';
import type { PointEvent } from '../../src/format/visibility/viewer.js';
import { retractedTags } from '../../src/format/wire/retraction-value.js';
import { Exporter } from '../../src/polyaxon/export/exporter.js';
import { PolyaxonViewer } from '../../src/polyaxon/export/polyaxon-viewer.js';
import { writeRandomProgram } from '../format/visibility/random-programs.js';
import { ServedRun } from '../polyaxon/served-run.js';
import { describeWithPeers } from '../support/peers.js';
import { type PolyaxonServer, startViewer } from '../support/polyaxon.js';
import { createTempDir } from '../support/temp-dir.js';
import { makeRun } from '../uploader/support/run-tree.js';

/** Set `POLYTRACK_VISIBILITY_PROGRAMS` for a long run, and `POLYTRACK_VISIBILITY_SEED` for other programs. */
const PROGRAMS = Number(process.env.POLYTRACK_VISIBILITY_PROGRAMS ?? 300);
const SEED = Number(process.env.POLYTRACK_VISIBILITY_SEED ?? 1);
const AT_ONCE = 300;

const BATCHES = Array.from({ length: Math.ceil(PROGRAMS / AT_ONCE) }, (_, batch) => {
  const first = SEED + batch * AT_ONCE;
  return [first, Math.min(SEED + PROGRAMS, first + AT_ONCE) - 1] as const;
});

/** The Polyaxon kinds that values of TensorBoard's plugins become. */
const KINDS = ['metric', 'image', 'audio', 'histogram', 'text', 'curve'];

describeWithPeers(['polyaxon'], 'the model of visibility', () => {
  it.each(BATCHES)('agrees with a Polyaxon server for random programs %i to %i', async (first, last) => {
    const root = createTempDir();
    const runs = new Map<string, ShownRun>();
    for (let seed = first; seed <= last; seed++) {
      const uuid = String(seed).padStart(32, '0');
      const directory = join(root, uuid);
      await writeRandomProgram(seed, directory);
      const [found] = await listEventFiles(directory);
      runs.set(
        uuid,
        await readVisibility(directory, found!.files, {
          viewers: { polyaxon: (state) => new RecordingViewer(state) },
        }),
      );
      await convert(directory, found!.files, makeRun(root, {}, uuid));
    }

    await using server = await startViewer(root);
    const differences: string[] = [];
    for (const [uuid, run] of runs) {
      const found = compare(expectedOf(run), await servedOf(server, root, uuid));
      differences.push(...found.map((line) => `seed-${Number(uuid)} ${line}`));
    }
    expect(differences).toEqual([]);
  });
});

/** Converts event files as the uploader does: past damage, and without the rows that a restart supersedes. */
async function convert(directory: string, files: readonly string[], target: string): Promise<void> {
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
  const { appends, assets } = exporter.take();
  for (const { path, bytes } of [...assets, ...appends]) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    appendFileSync(join(target, path), bytes);
  }
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

/** For each event, the series that have a point of it. Names differ between the model and Polyaxon, so only their number is compared. */
type Shown = Map<string, Set<string>>;

function addPoint(shown: Shown, series: string, step: number | bigint, wallTime: number): void {
  // The server sends milliseconds. A wall time that is not finite is replaced.
  const isPlain = wallTime > 1.6e9 && wallTime < 2e9;
  const event = `${Number(step)}@${isPlain ? Math.floor(wallTime * 1000) : 'other'}`;
  shown.set(event, (shown.get(event) ?? new Set()).add(series));
}

/** Also remembers the plugin of each value, because Polyaxon has a series for each kind. */
class RecordingViewer extends PolyaxonViewer {
  readonly plugins: string[] = [];

  override addEvent(event: PointEvent): void {
    super.addEvent(event);
    for (const [i, { plugin }] of event.values.entries()) {
      this.plugins[event.firstPoint + i] = plugin ?? this.tagView(event.tagIndices[i]!)?.plugin ?? '';
    }
  }
}

function expectedOf({ points, viewers }: ShownRun): Shown {
  const shown: Shown = new Map();
  const { codes, plugins } = viewers.polyaxon as RecordingViewer;
  for (let point = 0; point < points.count; point++) {
    if (codes.at(point) !== 0 || plugins[point] === 'hparams') continue;
    const series = `${points.tags[points.tagIndexOf(point)]} ${plugins[point]}`;
    addPoint(shown, series, points.stepOf(point), points.wallTimeOf(point));
  }
  return shown;
}

function compare(model: Shown, polyaxon: Shown): string[] {
  return [...new Set([...model.keys(), ...polyaxon.keys()])].flatMap((event) => {
    const [a, b] = [model.get(event)?.size ?? 0, polyaxon.get(event)?.size ?? 0];
    return a === b ? [] : [`${event}: model ${a}, Polyaxon ${b}`];
  });
}

async function servedOf(server: PolyaxonServer, root: string, uuid: string): Promise<Shown> {
  const served = new ServedRun(server, { owner: 'acme', project: 'demo', uuid }, { force: false });
  const shown: Shown = new Map();
  for (const kind of KINDS) {
    const names = readNames(join(root, 'runs', uuid, 'events', kind));
    if (names.length === 0) continue;
    for (const { name, data } of await served.events(`events/${kind}`, { names: names.join(',') })) {
      for (const [i, step] of data.step!.entries()) {
        addPoint(shown, `${name} ${kind}`, Number(step), Date.parse(String(data.timestamp![i])) / 1000);
      }
    }
  }
  return shown;
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory).map((file) => file.replace(/\.plx$/, ''));
  } catch {
    return [];
  }
}
