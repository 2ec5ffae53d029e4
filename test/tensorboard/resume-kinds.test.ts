/**
 * Everything that can be logged survives a crash and a resume from an earlier step: both of TensorBoard's readers answer all requests, show
 * each step once, and no page is empty. Checked once TensorBoard starts, and again while it is running.
 */

import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TagIndex } from '../../src/format/index.js';
import { Run, SummaryWriter } from '../../src/index.js';
import { openPage } from '../support/browser.js';
import { waitFor } from '../support/child-server.js';
import {
  type Kinds,
  RUN_KINDS,
  RUN_KINDS_FOR_POLYAXON,
  RUN_KINDS_WITHOUT_STEP,
  WRITER_KINDS,
  WRITER_KINDS_WITHOUT_STEP,
} from '../support/logged-kinds.js';
import { both, type Check, draws, shows, showsImages } from '../support/page-checks.js';
import { describeWithPeers } from '../support/peers.js';
import { readValues } from '../support/read-run.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

/** A program's log, of either class. */
interface OpenLog {
  /** Logs all kinds at a step. */
  log(step: number): Promise<void>;
  /** Returns a copy of what a crash leaves now. */
  crash(): Promise<Directory>;
  end(): Promise<void>;
}

/** A directory that can be resumed. */
interface Directory {
  /** The directory of the event files. */
  readonly path: string;
  resume(fromStep: number): OpenLog;
}

const quiet = () => {};

async function logAll<T>(kinds: Kinds<T>, log: T, step: number): Promise<void> {
  for (const [name, call] of Object.entries(kinds)) await call(log, name, step);
}

function openWriter(kinds: Kinds<SummaryWriter>, path = createTempDir(), fromStep?: number): OpenLog {
  const options = fromStep === undefined ? {} : { resume: { fromStep } };
  const writer = new SummaryWriter(path, { onWarning: quiet, ...options });
  return {
    log: (step) => logAll(kinds, writer, step),
    crash: async () => {
      await writer.flush();
      const copy = createTempDir();
      cpSync(path, copy, { recursive: true });
      return { path: copy, resume: (step) => openWriter(kinds, copy, step) };
    },
    end: () => writer.close(),
  };
}

function openRun(
  kinds: Kinds<Run>,
  root = createTempDir(),
  resumed?: { uuid: string; fromStep: number },
): OpenLog {
  const options = resumed === undefined ? {} : { uuid: resumed.uuid, resume: { fromStep: resumed.fromStep } };
  const run = new Run({ root, ...NO_CAPTURE, onWarning: quiet, ...options });
  const { uuid } = run;
  return {
    log: (step) => logAll(kinds, run, step),
    crash: async () => {
      await run.flush();
      const copy = createTempDir();
      cpSync(root, copy, { recursive: true, verbatimSymlinks: true });
      const path = run.paths.tensorboard.replace(root, copy);
      return { path, resume: (fromStep) => openRun(kinds, copy, { uuid, fromStep }) };
    },
    end: () => run.end(),
  };
}

/** The plugins that show steps, with their routes, and how a route names the steps of one series. */
const ROUTES = {
  scalars: 'scalars',
  images: 'images',
  audio: 'audio',
  histograms: 'histograms',
  distributions: 'distributions',
  text: 'text',
  pr_curves: 'pr_curves',
  mesh: 'meshes',
} as const;
type Plugin = keyof typeof ROUTES;
const PLUGINS = Object.keys(ROUTES) as Plugin[];

type Point = [wallTime: number, step: number, value: unknown] | { step: number; content_type?: number };

/** The steps of each series of a run, as a reader shows them, by plugin and tag. Throws unless all requests succeed. */
async function readSteps(board: TensorBoard, run: string): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = {};
  for (const plugin of PLUGINS) {
    const all = (await board.get(`plugin/${plugin}/tags`)) as Record<string, string[] | object>;
    const tags = all[run] ?? [];
    for (const tag of Array.isArray(tags) ? tags : Object.keys(tags)) {
      const answer = await board.get(`plugin/${plugin}/${ROUTES[plugin]}`, { run, tag, sample: 0 });
      const points = (plugin === 'pr_curves' ? (answer as Record<string, Point[]>)[run]! : answer) as Point[];
      // A mesh has a point for each of its parts.
      const parts = plugin === 'mesh' ? 2 : 1;
      const steps = points.map((point) => (Array.isArray(point) ? point[1] : point.step));
      found[`${plugin} ${tag}`] = steps.filter((_, i) => i % parts === 0);
    }
  }
  return found;
}

/** The series that should be shown of what was logged, each with these steps. */
function expectedSteps(directory: string, steps: number[]): Record<string, number[]> {
  const index = new TagIndex();
  const expected: Record<string, number[]> = {};
  for (const value of readValues(directory)) {
    const plugin = index.metadataOf(value)?.pluginName ?? '';
    const name = plugin === 'mesh' ? value.tag.replace(/_[A-Z]+$/, '') : value.tag;
    if (PLUGINS.includes(plugin as Plugin)) expected[`${plugin} ${name}`] = steps;
    if (plugin === 'histograms') expected[`distributions ${name}`] = steps;
  }
  return expected;
}

/** Each page, with what must be on it for the runs of this test. */
const PAGES: Readonly<Record<string, Check>> = {
  timeseries: shows('addHistogram', 'addHistogramRaw', 'writer/resumed', 'writer/late'),
  scalars: both(shows('addScalar', 'addScalarSeries'), draws('vz-line-chart2', 2)),
  images: both(shows('addImage', 'logImage'), showsImages([12, 12])),
  audio: both(shows('addAudio', 'logAudio'), draws('audio', 2)),
  distributions: both(shows('addHistogram', 'logHistogram'), draws('vz-distribution-chart path.area', 3)),
  histograms: both(shows('addHistogram', 'logHistogram'), draws('vz-histogram-timeseries path.outline', 3)),
  text: shows('addText', 'logText', 'text of 10', 'text of 120'),
  pr_curves: both(shows('addPrCurve', 'logPrCurve'), draws('vz-line-chart2 path.line', 1)),
  mesh: draws('canvas', 2),
  custom_scalars: shows('addCustomScalars', 'logCustomScalars'),
  hparams: shows('addHparams'),
  graphs: async (page) => (await page.locator('svg text').count()) >= 2,
  projector: async (page) => {
    for (const frame of page.frames()) {
      const counts = frame.getByText(/Points:\s*20.*Dimension:\s*3/s).last();
      if ((await counts.count()) > 0 && (await counts.isVisible())) return true;
    }
    return false;
  },
};

/** Methods of `Run` that log no values of a series, and those that log files and references. */
const OTHER_RUN_METHODS = [
  ...[
    'logOutputs',
    'logMeta',
    'logTags',
    'logProgress',
    'logStatus',
    'logSucceeded',
    'logStopped',
    'logFailed',
  ],
  ...['logArtifact', 'logModel', 'logArtifactRef', 'logFileRef', 'logDirRef', 'logModelRef', 'logDataRef'],
  ...['logTensorboardRef', 'logArtifactLineage', 'logEnv', 'logCodeRef'],
  // `log` calls the methods of its values; a score belongs to a trace, not to a step.
  ...['log', 'logScore'],
];

describe('the table of kinds', () => {
  it('has every method that logs', () => {
    const methods = (prototype: object | null, start: string): string[] =>
      prototype === null
        ? []
        : [
            ...Object.getOwnPropertyNames(prototype).filter((name) => name.startsWith(start)),
            ...methods(Object.getPrototypeOf(prototype) as object | null, start),
          ];

    const writerKinds = [...Object.keys(WRITER_KINDS), ...Object.keys(WRITER_KINDS_WITHOUT_STEP)];
    expect(methods(SummaryWriter.prototype, 'add').sort()).toEqual(writerKinds.sort());
    const runKinds = [RUN_KINDS, RUN_KINDS_WITHOUT_STEP, RUN_KINDS_FOR_POLYAXON].flatMap(Object.keys);
    expect(methods(Run.prototype, 'log').sort()).toEqual([...runKinds, ...OTHER_RUN_METHODS].sort());
  });
});

describeWithPeers(['tensorboard', 'chromium'], 'all kinds after a crash and a resume', () => {
  it('F115: are on their pages, each step once, in both readers, at the start and while TensorBoard runs', async () => {
    const logdir = createTempDir();
    const open = {
      writer: () => openWriter(WRITER_KINDS),
      run: () => openRun({ ...RUN_KINDS, ...RUN_KINDS_FOR_POLYAXON }),
    };
    const lives = new Map<string, { directory: Directory; life: OpenLog }>();
    const expected: Record<string, Record<string, number[]>> = {};
    const start = async (run: string, first: OpenLog, steps: number[], fromStep: number) => {
      for (const step of steps) await first.log(step);
      const directory = await first.crash();
      await first.end();
      const life = directory.resume(fromStep);
      mkdirSync(join(logdir, run, '..'), { recursive: true });
      symlinkSync(directory.path, join(logdir, run));
      lives.set(run, { directory, life });
    };
    const expectSteps = (late: number[], others: number[]) => {
      for (const [run, { directory }] of lives) {
        if (run.includes('without-step')) continue;
        expected[run] = expectedSteps(directory.path, run.endsWith('late') ? late : others);
      }
    };

    for (const [name, create] of Object.entries(open)) {
      await start(`${name}/resumed`, create(), [10, 120], 100);
      // Its only points stay until the first new ones: TensorBoard fails for series without points.
      await start(`${name}/late`, create(), [120], 100);
    }
    for (const [name, call] of Object.entries(WRITER_KINDS_WITHOUT_STEP))
      await start(`writer/without-step-${name}`, openWriter({ [name]: call }), [0], 0);
    for (const [name, call] of Object.entries(RUN_KINDS_WITHOUT_STEP))
      await start(`run/without-step-${name}`, openRun({ [name]: call }), [0], 0);
    expectSteps([120], [10]);

    const boards = [true, false].map((fast) => TensorBoard.start({ logdir, fast }));
    const check = async (): Promise<void> => {
      for (const board of await Promise.all(boards)) {
        for (const [run, steps] of Object.entries(expected)) {
          const read = () => readSteps(board, run).catch(String);
          await expect.poll(read, { timeout: 120_000, message: run }).toEqual(steps);
        }
        await checkWholeRuns(board);
      }
    };
    await check();
    await checkPages(await Promise.all(boards));

    for (const run of Object.keys(expected)) {
      const { life } = lives.get(run)!;
      for (const step of [110, 130]) await life.log(step);
    }
    await Promise.all([...lives.values()].map(({ life }) => life.end()));
    expectSteps([110, 130], [10, 110, 130]);
    await check();

    const again = Object.keys(expected).map((run) => lives.get(run)!.directory.resume(115));
    expectSteps([110], [10, 110]);
    await check();
    await Promise.all(again.map((life) => life.end()));
  }, 900_000);
});

/** Checks what belongs to whole runs: graphs, hyperparameters, layouts and embeddings. */
async function checkWholeRuns(board: TensorBoard): Promise<void> {
  const graphs = (await board.get('plugin/graphs/info')) as Record<string, { run_graph: boolean }>;
  const withGraph = Object.keys(graphs).filter((run) => graphs[run]!.run_graph);
  expect(withGraph.sort()).toEqual(
    ['run/without-step-log', 'writer/without-step-add'].flatMap((start) =>
      ['Graph', 'LayersModel', 'OnnxGraph'].map((kind) => `${start}${kind}`),
    ),
  );
  const { category } = (await board.get('plugin/custom_scalars/layout')) as { category: { title: string }[] };
  expect(category.map(({ title }) => title)).toEqual(
    expect.arrayContaining(['addCustomScalars', 'logCustomScalars']),
  );
  const { sessionGroups } = (await board.post('plugin/hparams/session_groups', {
    allowedStatuses: ['STATUS_UNKNOWN', 'STATUS_SUCCESS', 'STATUS_FAILURE', 'STATUS_RUNNING'],
    colParams: [],
    startIndex: 0,
    sliceSize: 100,
  })) as { sessionGroups: { hparams: object; metricValues: { value: number }[] }[] };
  expect(sessionGroups).toContainEqual(
    expect.objectContaining({
      hparams: { addHparams: 3 },
      metricValues: [expect.objectContaining({ value: 0.5 })],
    }),
  );
  expect(await board.get('plugin/projector/runs')).toEqual(
    expect.arrayContaining(['run/without-step-logEmbedding', 'writer/without-step-addEmbedding']),
  );
}

/** Opens every page of each TensorBoard, of which none may be empty or request what fails. */
async function checkPages(boards: readonly TensorBoard[]): Promise<void> {
  const page = await openPage('about:blank');
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
  });
  for (const { url } of boards) {
    for (const [name, check] of Object.entries(PAGES)) {
      await page.goto(`${url}/#${name}`);
      await page.reload();
      await waitFor(`the page ${name}`, async () => (await check(page)) || undefined);
    }
  }
  expect(problems).toEqual([]);
}
