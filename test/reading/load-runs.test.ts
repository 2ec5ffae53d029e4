import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  CodedError,
  type LoadedRun,
  loadRuns,
  Run,
  type RunFolder,
  type RunSource,
} from '../../src/index.js';
import { createLocalSource } from '../../src/reading/local-source.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';
import { makeRun, writeFiles } from '../uploader/support/run-tree.js';

const UUID = 'a'.repeat(32);
const OTHER = 'b'.repeat(32);

async function all(runs: AsyncIterable<LoadedRun>): Promise<LoadedRun[]> {
  const found: LoadedRun[] = [];
  for await (const run of runs) found.push(run);
  return found;
}

async function only(source: string): Promise<LoadedRun> {
  const [run, ...others] = await all(loadRuns(source));
  expect(others).toEqual([]);
  return run!;
}

async function failure(work: () => Promise<unknown>): Promise<CodedError> {
  const error = await work().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CodedError);
  return error as CodedError;
}

describe('loadRuns', () => {
  it('reads what a run has recorded', async () => {
    const root = createTempDir();
    const run = new Run({
      root,
      uuid: UUID,
      name: 'first',
      project: 'acme/demo',
      tags: ['a', 'b'],
      ...NO_CAPTURE,
    });
    run.logInputs({ lr: 0.1, nested: { depth: 3 } });
    run.logMetric('loss', 0.5, { step: 3 });
    run.logOutputs({ best: 1 });
    await run.end();

    const read = await only(root);

    expect(read).toMatchObject({
      uuid: UUID,
      name: 'first',
      owner: 'acme',
      project: 'demo',
      status: 'succeeded',
      tags: ['a', 'b'],
      inputs: { lr: 0.1, nested: { depth: 3 } },
      outputs: { loss: 0.5, best: 1 },
      location: join(root, 'runs', UUID),
      problems: [],
    });
    expect(read.createdAt).toBeInstanceOf(Date);
    expect(read.finishedAt!.getTime()).toBeGreaterThanOrEqual(read.startedAt!.getTime());
    expect(read.durationSeconds).toBeGreaterThanOrEqual(0);
    expect((await read.artifacts()).artifacts).toContainEqual(
      expect.objectContaining({ name: 'tensorboard', path: 'outputs/tensorboard', isInput: false }),
    );
  });

  it('reads the run of a run directory, and of a root only the runs with the given digits', async () => {
    const root = createTempDir();
    makeRun(root, {}, UUID);
    const directory = makeRun(root, {}, OTHER);

    expect((await only(directory)).uuid).toBe(OTHER);
    expect((await all(loadRuns(root))).map(({ uuid }) => uuid)).toEqual([UUID, OTHER]);
    expect((await all(loadRuns(root, { uuids: ['BBBB-BB'] }))).map(({ uuid }) => uuid)).toEqual([OTHER]);
    expect(await all(loadRuns(root, { uuids: ['c'] }))).toEqual([]);
  });

  it('includes what workers have logged and the main process has not merged yet', async () => {
    const root = createTempDir();
    const worker = { tags: ['w'], inputs: { rank: 1 }, order: { inputs: { rank: 2 } } };
    makeRun(root, { '.plx/worker-1.json': JSON.stringify(worker) });

    expect(await only(root)).toMatchObject({ tags: ['w'], inputs: { rank: 1 } });
  });

  it('uses the status of the end marker for a run whose run file was not updated', async () => {
    const root = createTempDir();
    makeRun(root, {
      '.plx/end-main.json': JSON.stringify({ status: 'failed', ended_at: '2026-01-02T00:00:00Z' }),
    });

    expect(await only(root)).toMatchObject({
      status: 'failed',
      finishedAt: new Date('2026-01-02T00:00:00Z'),
    });
  });

  it.each([
    ['is cut short', '{"uuid": "a', 'is not JSON'],
    ['is no object', '"text"', 'is not a JSON object'],
    ['is nested deeply', '['.repeat(5000) + ']'.repeat(5000), 'is not JSON'],
    ['is too large', `{"name":"${'x'.repeat(16 * 2 ** 20)}"}`, 'expected at most 16777216'],
  ])('F117: reports a run file that %s as a problem of its run', async (_, content, message) => {
    const root = createTempDir();
    makeRun(root, { 'run.plx.json': content }, UUID);
    makeRun(root, {}, OTHER);

    const [damaged, whole] = await all(loadRuns(root));

    expect(damaged).toMatchObject({ uuid: UUID, name: null, status: null, tags: [], inputs: {} });
    expect(damaged!.problems).toMatchObject([
      { code: 'ERR_RUN_FILE', message: expect.stringContaining(message) },
    ]);
    expect(whole).toMatchObject({ uuid: OTHER, problems: [] });
  });

  it('F117: reports a missing run file, one that is a directory, and damaged files of workers', async () => {
    const root = createTempDir();
    rmSync(join(makeRun(root, {}, UUID), 'run.plx.json'));
    const other = makeRun(root, { '.plx/worker-1.json': '{' }, OTHER);
    rmSync(join(other, 'run.plx.json'));
    mkdirSync(join(other, 'run.plx.json'));

    const runs = await all(loadRuns(root));

    expect(runs.map(({ uuid, problems }) => [uuid, problems.map(({ message }) => message)])).toEqual([
      [UUID, [expect.stringContaining('run.plx.json: does not exist')]],
      [
        OTHER,
        [
          expect.stringContaining('is not a regular file'),
          expect.stringContaining('worker-1.json: is not JSON'),
        ],
      ],
    ]);
  });

  it('reads no more than 2 % of the data before the first run and its metrics', async () => {
    const root = createTempDir();
    const run = new Run({ root, uuid: '0'.repeat(32), ...NO_CAPTURE });
    for (let step = 0; step < 2000; step++) run.logMetric('loss', step, { step });
    await run.end();
    for (let i = 1; i < 100; i++)
      cpSync(join(root, 'runs', run.uuid), join(root, 'runs', String(i).padStart(32, '0')), {
        recursive: true,
      });
    const source = new CountingSource(root);
    const runs = loadRuns(source)[Symbol.asyncIterator]();

    const { value: first } = await runs.next();
    await (first as LoadedRun).metrics();

    expect(source.bytes).toBeGreaterThan(100_000);
    expect(source.bytes).toBeLessThan(0.02 * sizeOf(root));
    await runs.return?.();
  });

  it('throws for a folder that has no runs, and for wrong options', async () => {
    const directory = createTempDir();
    mkdirSync(join(directory, 'empty/runs'), { recursive: true });

    expect(await failure(() => all(loadRuns(directory)))).toMatchObject({ code: 'ERR_RUNS_NOT_FOUND' });
    expect(await failure(() => all(loadRuns(join(directory, 'absent'))))).toMatchObject({
      code: 'ERR_RUNS_NOT_FOUND',
      message: expect.stringContaining('does not exist'),
    });
    expect(await all(loadRuns(join(directory, 'empty')))).toEqual([]);
    for (const call of [
      () => loadRuns(5 as never),
      () => loadRuns(''),
      () => loadRuns(directory, { uuids: ['xyz'] }),
      () => loadRuns(directory, { uuids: 'a' as never }),
      () => loadRuns(directory, { readAhead: 0 }),
      () => loadRuns(directory, { wrong: 1 } as never),
    ])
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
  });

  it('ends with the reason of an aborted signal', async () => {
    const root = createTempDir();
    makeRun(root, {}, UUID);
    const reason = new Error('enough');

    await expect(all(loadRuns(root, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    await expect((await only(root)).metrics({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('LoadedRun', () => {
  it('reads metrics in columns', async () => {
    const root = createTempDir();
    const run = new Run({ root, ...NO_CAPTURE });
    for (let step = 0; step < 20_000; step++)
      run.logMetric('loss', 1 / (step + 1), { step, wallTime: 1.7e9 + step });
    run.logMetric('val/acc', 0.25, { step: 7 });
    run.logMetric('large', 1, { step: 2n ** 60n });
    await run.end();
    const worker = new Run({ root, uuid: run.uuid, worker: '3', ...NO_CAPTURE });
    worker.logMetric('loss', 9, { step: 1 });
    await worker.end();
    const read = await only(root);

    const { metrics, problems } = await read.metrics();
    const [loss, acc, large, ofWorker] = metrics;

    expect(problems).toEqual([]);
    expect(metrics.map(({ name }) => name)).toEqual(['loss', 'val/acc', 'large', '3/loss']);
    expect(loss!.values).toEqual(Float64Array.from({ length: 20_000 }, (_, i) => 1 / (i + 1)));
    expect(loss!.steps).toEqual(Float64Array.from({ length: 20_000 }, (_, i) => i));
    expect(loss!.wallTimes).toEqual(Float64Array.from({ length: 20_000 }, (_, i) => 1.7e9 + i));
    expect(loss!.exactSteps).toBeUndefined();
    expect(acc).toMatchObject({ steps: Float64Array.of(7), values: Float64Array.of(0.25) });
    expect(large!.exactSteps).toEqual(BigInt64Array.of(2n ** 60n));
    expect(ofWorker).toMatchObject({ tag: 'loss', logDirectory: '3', values: Float64Array.of(9) });
    expect((await read.metrics({ names: ['3/loss'] })).metrics).toEqual([ofWorker]);
  });

  it('leaves out what a resumed run logs again', async () => {
    const root = createTempDir();
    const first = new Run({ root, uuid: UUID, ...NO_CAPTURE });
    for (let step = 0; step < 10; step++) first.logMetrics({ loss: step, rare: step }, { step });
    await first.end();
    const second = new Run({ root, uuid: UUID, resume: { fromStep: 6 }, ...NO_CAPTURE });
    second.logMetric('loss', 100, { step: 6 });
    await second.end();
    const run = await only(root);

    const { metrics } = await run.metrics();
    const last = await run.lastMetrics();

    expect(metrics.map(({ name, values }) => [name, [...values]])).toEqual([
      ['loss', [0, 1, 2, 3, 4, 5, 100]],
      ['rare', [0, 1, 2, 3, 4, 5]],
    ]);
    expect(last.metrics.map(({ name, value, step }) => [name, value, step])).toEqual([
      ['loss', 100, 6],
      ['rare', 5, 5],
    ]);
    expect((await run.lastMetrics({ names: ['rare'] })).metrics).toMatchObject([{ value: 5 }]);
  });

  it('reads only the end of the files for the last values of named metrics', async () => {
    const root = createTempDir();
    const run = new Run({ root, uuid: UUID, ...NO_CAPTURE });
    run.logMetric('once', 1, { step: 0 });
    for (let step = 0; step < 30_000; step++) run.logMetric('loss', step, { step });
    await run.end();
    const source = new CountingSource(root);
    const [read] = await all(loadRuns(source));

    source.bytes = 0;
    const { metrics } = await read!.lastMetrics({ names: ['loss'] });
    const ofTail = source.bytes;
    const both = await read!.lastMetrics({ names: ['loss', 'once'] });

    expect(metrics).toMatchObject([{ name: 'loss', value: 29_999, step: 29_999 }]);
    expect(ofTail).toBeLessThanOrEqual(2 * 256 * 1024);
    expect(both.metrics.map(({ name, value }) => [name, value])).toEqual([
      ['once', 1],
      ['loss', 29_999],
    ]);
  });

  it('F117: skips damage in event files, and reports it', async () => {
    const root = createTempDir();
    const run = new Run({ root, uuid: UUID, ...NO_CAPTURE });
    for (let step = 0; step < 100; step++) run.logMetric('loss', step, { step });
    await run.end();
    const directory = join(root, 'runs', UUID, 'outputs/tensorboard');
    const path = join(directory, readdirSync(directory)[0]!);
    const bytes = readFileSync(path);
    bytes[3000]! ^= 0xff;
    writeFileSync(path, bytes);
    truncateSync(path, bytes.length - 3);
    const read = await only(root);

    const { metrics, problems } = await read.metrics({ names: ['loss'] });

    expect(metrics[0]!.values.length).toBe(98);
    expect(problems).toMatchObject([{ code: 'ERR_EVENT_FILE_DAMAGED', path }]);
    expect((await read.lastMetrics()).problems).toMatchObject([{ code: 'ERR_EVENT_FILE_DAMAGED' }]);
  });

  it('reports that the event files of a run were deleted on purpose', async () => {
    const root = createTempDir();
    const directory = makeRun(root, { '.plx/cleaned.json': JSON.stringify({ store: 's3://bucket/runs' }) });
    writeFiles(directory, { 'outputs/model.bin': 'x' });

    const { metrics, problems } = await (await only(root)).metrics();

    expect(metrics).toEqual([]);
    expect(problems).toMatchObject([{ code: 'ERR_RUN_CLEANED', store: 's3://bucket/runs' }]);
  });

  it('rejects wrong options', async () => {
    const root = createTempDir();
    makeRun(root);
    const run = await only(root);

    for (const options of [{ names: 'loss' }, { kind: 'scalar' }, { nmes: [] }])
      expect(await failure(() => run.metrics(options as never))).toMatchObject({
        code: 'ERR_OPTION_INVALID',
      });
  });
});

/** A local root that counts the bytes that are read. */
class CountingSource implements RunSource {
  readonly location: string;
  bytes = 0;
  readonly #source: RunSource;

  constructor(root: string) {
    this.location = root;
    this.#source = createLocalSource(root);
  }

  async *listRuns(options: Parameters<RunSource['listRuns']>[0]): AsyncGenerator<RunFolder> {
    for await (const folder of this.#source.listRuns(options)) yield this.#count(folder);
  }

  async close(): Promise<void> {}

  #count(folder: RunFolder): RunFolder {
    const { uuid, location } = folder;
    return {
      uuid,
      location,
      findCleanedStore: () => folder.findCleanedStore(),
      listFiles: (directory) => folder.listFiles(directory),
      readFile: async (path, options) => {
        const bytes = await folder.readFile(path, options);
        this.bytes += bytes?.length ?? 0;
        return bytes;
      },
      openFile: async (path) => {
        const file = await folder.openFile(path);
        return {
          findSize: () => file.findSize(),
          close: () => file.close(),
          read: async (buffer, position) => {
            const count = await file.read(buffer, position);
            this.bytes += count;
            return count;
          },
        };
      },
    };
  }
}

function sizeOf(directory: string): number {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(directory, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}
