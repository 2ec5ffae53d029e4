/** Compares what the model says of many runs with what a TensorBoard answers over HTTP: tags, points, and errors. */

import { PAGES } from '../../../src/format/visibility/pages.js';
import { REASON_CODES, SHOWN } from '../../../src/format/visibility/reasons.js';
import type { ShownRun } from '../../../src/format/visibility/run-visibility.js';
import { tensorboard as plugins } from '../../../src/format/wire/generated/plugins.js';
import type { TensorBoard } from '../../support/tensorboard.js';
import { toMark } from './random-programs.js';

export type ReaderName = 'fast' | 'python';

/** A series as a page shows it: the wall times of its points in order, or `error`. */
type Series = readonly string[] | 'error';

/** By plugin and tag. */
type Shown = Map<string, Map<string, Series>>;

/** The pages that have a list of tags and a request for each tag. */
const COMPARED = ['scalars', 'images', 'audio', 'histograms', 'text', 'pr_curves', 'mesh'];

/** What the model expects of each plugin and tag of a run. */
export function expectedOf(run: ShownRun, reader: ReaderName): Shown {
  const shown: Shown = new Map(COMPARED.map((plugin) => [plugin, new Map()]));
  const viewer = run.viewers[reader]!;
  const { points } = run;
  const byTag: number[][] = points.tags.map(() => []);
  const parts: MeshPart[] = [];
  for (let point = 0; point < points.count; point++) byTag[points.tagIndexOf(point)]!.push(point);
  for (const [index, tag] of points.tags.entries()) {
    const view = viewer.tagView(index);
    const plugin = view?.plugin;
    const page = plugin === undefined ? undefined : PAGES[plugin];
    if (plugin === undefined || !shown.has(plugin) || page!.dataClass !== view!.metadata!.dataClass) continue;
    const served = byTag[index]!.filter((point) => {
      const code = viewer.codes.at(point);
      const isNull = reader === 'fast' && code === REASON_CODES.noData && page!.dataClass === 2;
      return code === SHOWN || code === REASON_CODES.misread || code === REASON_CODES.broken || isNull;
    });
    const isListed = reader === 'python' || served.length > 0;
    if (!isListed) continue;
    if (plugin === 'mesh' || (reader === 'python' && page!.dataClass === 3)) {
      served.sort(
        (a, b) => Number(points.stepOf(a) > points.stepOf(b)) - Number(points.stepOf(a) < points.stepOf(b)),
      );
    }
    const hasFailed = viewer.failures.some((failure) => failure.tag === tag);
    const times = served.map((point) => `${points.stepOf(point)}@${points.wallTimeOf(point)}`);
    if (plugin === 'mesh')
      parts.push({ ...readMeshData(view!.metadata!.content), series: hasFailed ? 'error' : times });
    else shown.get(plugin)!.set(tag, hasFailed ? 'error' : times);
  }
  shown.set('mesh', joinMeshes(parts));
  return shown;
}

/** One of the tags of a mesh: its vertices, faces or colors. */
interface MeshPart {
  readonly name: string;
  readonly contentType: number;
  readonly series: Series;
}

function readMeshData(content: Uint8Array = new Uint8Array()): Omit<MeshPart, 'series'> {
  const { name, contentType } = plugins.MeshPluginData.decode(content);
  return { name: name!, contentType: contentType! };
}

/** A mesh is listed once, with the points of all its tags, here in the order of their content types. */
function joinMeshes(parts: readonly MeshPart[]): Map<string, Series> {
  const meshes = new Map<string, Series>();
  for (const { name, series } of [...parts].sort((a, b) => a.contentType - b.contentType)) {
    const earlier = meshes.get(name) ?? [];
    meshes.set(name, earlier === 'error' || series === 'error' ? 'error' : [...earlier, ...series]);
  }
  return meshes;
}

/** Asks TensorBoard for the same. */
export async function askTensorBoard(
  board: TensorBoard,
  expected: ReadonlyMap<string, Shown>,
  reader: ReaderName,
): Promise<Map<string, Shown>> {
  const answers = new Map<string, Shown>([...expected.keys()].map((run) => [run, new Map()]));
  const requests: (() => Promise<void>)[] = [];
  for (const plugin of COMPARED) {
    const lists = await readTags(board, plugin);
    for (const run of expected.keys()) {
      const series = new Map<string, Series>();
      answers.get(run)!.set(plugin, series);
      for (const tag of lists.get(run) ?? []) {
        requests.push(async () => {
          const answer = await readSeries(board, plugin, run, tag);
          // The fast reader lists a tag of images none of which is shown; the model does not tell it from one that is not listed.
          if (reader === 'python' || answer.length > 0) series.set(tag, answer);
        });
      }
    }
  }
  await runAll(requests);
  return answers;
}

/** Compares what has no series: the graph of each run, and the layouts of all runs. Returns a line for each difference. */
export async function compareSpecials(
  board: TensorBoard,
  runs: ReadonlyMap<string, ShownRun>,
  reader: ReaderName,
): Promise<string[]> {
  const lines: string[] = [];
  const note = (subject: string, wanted: unknown, found: unknown): void => {
    const [a, b] = [JSON.stringify(wanted ?? null), JSON.stringify(found ?? null)];
    if (a !== b) lines.push(`${subject}: model ${shorten(a)}, TensorBoard ${shorten(b)}`);
  };
  const layouts: string[] = [];
  for (const [name, run] of runs) {
    const [graph] = shownMarks(run, reader, '__run_graph__');
    const answer = await board.getBytes('plugin/graphs/graph', { run: name }).catch(() => undefined);
    const found =
      answer === undefined ? undefined : /name: "(t[\d.]+)"/.exec(Buffer.from(answer).toString())?.[1];
    note(`${name} graph`, graph, found);
    for (const mark of shownMarks(run, reader, 'custom_scalars__config__')) layouts.push(`${name}:${mark}`);
  }
  const layout = (await board.get('plugin/custom_scalars/layout')) as { category?: { title: string }[] };
  note('layouts', layouts.sort(), (layout.category ?? []).map(({ title }) => title).sort());
  return lines;
}

/** The marks of the shown points of a tag. */
function shownMarks(run: ShownRun, reader: ReaderName, tag: string): string[] {
  const { points, viewers } = run;
  const marks: string[] = [];
  for (let point = 0; point < points.count; point++) {
    const isShown =
      points.tags[points.tagIndexOf(point)] === tag && viewers[reader]!.codes.at(point) === SHOWN;
    if (isShown) marks.push(toMark(points.wallTimeOf(point)));
  }
  return marks;
}

/** A readable line for each difference. */
export function differences(
  expected: ReadonlyMap<string, Shown>,
  answers: ReadonlyMap<string, Shown>,
): string[] {
  const lines: string[] = [];
  for (const [run, shown] of expected) {
    for (const plugin of COMPARED) {
      const wanted = shown.get(plugin)!;
      const found = answers.get(run)!.get(plugin)!;
      for (const tag of new Set([...wanted.keys(), ...found.keys()])) {
        const a = JSON.stringify(wanted.get(tag) ?? 'not listed');
        const b = JSON.stringify(found.get(tag) ?? 'not listed');
        if (a !== b) lines.push(`${run} ${plugin} ${tag}: model ${shorten(a)}, TensorBoard ${shorten(b)}`);
      }
    }
  }
  return lines;
}

function shorten(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}… (${text.length})` : text;
}

async function readTags(board: TensorBoard, plugin: string): Promise<Map<string, string[]>> {
  const answer = (await board.get(`plugin/${plugin}/tags`)) as Record<string, object | string[]>;
  return new Map(
    Object.entries(answer).map(([run, tags]) => [run, Array.isArray(tags) ? tags : Object.keys(tags)]),
  );
}

type Point =
  | readonly [number, number | bigint]
  | { readonly wall_time: number; readonly step: number | bigint; readonly content_type?: number };

async function readSeries(board: TensorBoard, plugin: string, run: string, tag: string): Promise<Series> {
  const route = plugin === 'mesh' ? 'meshes' : plugin;
  let answer: unknown;
  try {
    answer = await board.get(`plugin/${plugin}/${route}`, { run, tag, sample: 0 });
  } catch {
    return 'error';
  }
  const points = (plugin === 'pr_curves' ? (answer as Record<string, Point[]>)[run]! : answer) as Point[];
  const typeOf = (point: Point): number => ('step' in point ? (point.content_type ?? 0) : 0);
  return points
    .sort((a, b) => typeOf(a) - typeOf(b))
    .map((point) => ('step' in point ? `${point.step}@${point.wall_time}` : `${point[1]}@${point[0]}`));
}

async function runAll(requests: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...requests];
  const work = async (): Promise<void> => {
    for (let request = waiting.pop(); request !== undefined; request = waiting.pop()) await request();
  };
  await Promise.all(Array.from({ length: 8 }, work));
}
