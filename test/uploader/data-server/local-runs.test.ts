/** The data server on local files that grow, are replaced, rotated, damaged and deleted. */

import fs, { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { openLocalEventFile } from '../../../src/format/reader/event-file-bytes.js';
import { DataClass, type Event, type SummaryMetadata } from '../../../src/format/wire/messages.js';
import { FollowedRuns } from '../../../uploader/data-server/followed-runs.js';
import { LocalRuns } from '../../../uploader/data-server/local-runs.js';
import { findLocalRunName } from '../../../uploader/data-server/run-name.js';
import { startDataServer } from '../../../uploader/data-server/start-data-server.js';
import { waitFor } from '../../support/child-server.js';
import { call, listRuns, readSeries } from '../../support/data-provider-client.js';
import { encodeRecords, scalars, sessionStart } from '../../support/scalar-files.js';
import { createTempDir } from '../../support/temp-dir.js';

const NAME = 'events.out.tfevents.1.host';

async function serve(
  directory: string,
  { reloadSeconds = 3600, capacity = 10_000 } = {},
): Promise<{ port: number; problems: string[] }> {
  const problems: string[] = [];
  const table = new LocalRuns(directory, {
    ...{ clock: systemClock, reloadSeconds, capacity, nameOf: findLocalRunName },
    onProblem: (problem) => problems.push(problem),
  });
  const server = await startDataServer({ table, host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    await server.close();
    await table.close();
  });
  table.start();
  await table.settle();
  return { port: server.port, problems };
}

function createRun(
  directory: string,
  run: string,
  events: Parameters<typeof encodeRecords>[0],
  name = NAME,
): string {
  mkdirSync(join(directory, run), { recursive: true });
  const path = join(directory, run, name);
  writeFileSync(path, encodeRecords(events));
  return path;
}

async function awaitSteps(port: number, run: string, steps: string): Promise<void> {
  await waitFor(`the steps ${steps}`, async () => {
    const found = (await readSeries(port, run, 'loss')).map(([step]) => step).join();
    return found === steps || undefined;
  });
}

describe('LocalRuns', () => {
  it('reports growth, new files, new runs and removed runs by file watching alone', async () => {
    const directory = createTempDir();
    const path = createRun(directory, 'a', scalars('loss', [[0, 1]]));
    const { port } = await serve(directory);

    appendFileSync(path, encodeRecords(scalars('loss', [[1, 2]])));
    await awaitSteps(port, 'a', '0,1');
    createRun(directory, 'a', scalars('loss', [[2, 2]]), 'events.out.tfevents.2.host');
    await awaitSteps(port, 'a', '0,1,2');
    createRun(directory, 'deep/b', scalars('loss', [[7, 2]]));
    await awaitSteps(port, 'deep/b', '7');
    rmSync(join(directory, 'a'), { recursive: true });

    await waitFor('the removal', async () => (await listRuns(port)).join() === 'deep/b' || undefined);
  });

  it('reports a directory that cannot be read, and shows the others', async () => {
    const directory = createTempDir();
    createRun(directory, 'a', scalars('loss', [[0, 1]]));
    createRun(directory, 'b', scalars('loss', [[0, 1]]));
    const { readdir } = fs.promises;
    fs.promises.readdir = ((path: string, ...rest: []) =>
      path === join(directory, 'a')
        ? Promise.reject(Object.assign(new Error('EIO: i/o error, scandir'), { code: 'EIO' }))
        : readdir(path, ...rest)) as typeof readdir;
    syncBuiltinESMExports();
    onTestFinished(() => {
      fs.promises.readdir = readdir;
      syncBuiltinESMExports();
    });

    const { port, problems } = await serve(directory);

    expect(await listRuns(port)).toEqual(['b']);
    expect(problems).toEqual([`${join(directory, 'a')} cannot be read: EIO: i/o error, scandir`]);
  });

  it('continues at half a record once the rest arrives', async () => {
    const directory = createTempDir();
    const path = createRun(directory, 'a', scalars('loss', [[0, 1]]));
    const next = encodeRecords(
      scalars('loss', [
        [1, 2],
        [2, 3],
      ]),
    );
    appendFileSync(path, next.subarray(0, 20));
    const { port } = await serve(directory);

    expect(await readSeries(port, 'a', 'loss')).toEqual([['0', 1]]);
    appendFileSync(path, next.subarray(20));

    await awaitSteps(port, 'a', '0,1,2');
  });

  it('reads a file again that was replaced by another of the same size or a larger one, or truncated', async () => {
    const directory = createTempDir();
    const path = createRun(
      directory,
      'a',
      scalars('loss', [
        [0, 1],
        [1, 1],
      ]),
    );
    const { port } = await serve(directory);

    writeFileSync(
      `${path}.partial`,
      encodeRecords(
        scalars('loss', [
          [5, 1],
          [6, 1],
          [7, 1],
        ]),
      ),
    );
    renameSync(`${path}.partial`, path);
    await awaitSteps(port, 'a', '5,6,7');
    writeFileSync(path, encodeRecords(scalars('loss', [[9, 1]])));

    await awaitSteps(port, 'a', '9');
  });

  it('drops what was in files that are deleted, and reads files whose name comes before', async () => {
    const directory = createTempDir();
    const second = createRun(directory, 'a', scalars('loss', [[5, 1]]), 'events.out.tfevents.2.host');
    const { port } = await serve(directory);

    createRun(directory, 'a', scalars('loss', [[1, 1]]), 'events.out.tfevents.1.host');
    await awaitSteps(port, 'a', '1,5');
    rmSync(second);

    await awaitSteps(port, 'a', '1');
  });

  it('shows runs of polytrack by name and status, except those with embeddings', async () => {
    const root = createTempDir();
    const uuid = (digit: string) => digit.repeat(32);
    const setStatus = (digit: string, status: string) =>
      writeFileSync(join(root, uuid(digit), 'run.plx.json'), JSON.stringify({ name: 'a b', status }));
    for (const [digit, status] of [
      ['1', 'running'],
      ['2', 'succeeded'],
      ['3', 'failed'],
    ] as const) {
      createRun(root, `${uuid(digit)}/outputs/tensorboard/eval`, scalars('loss', [[1, 1]]));
      setStatus(digit, status);
    }
    createRun(root, `${uuid('4')}/outputs/tensorboard`, scalars('loss', [[1, 1]]));
    writeFileSync(join(root, uuid('3'), 'outputs/tensorboard/eval/projector_config.pbtxt'), '');
    const links = createTempDir();
    symlinkSync(join(root, uuid('1'), 'outputs/tensorboard'), join(links, 'my link'));

    const direct = await serve(root, { reloadSeconds: 0.1 });
    const linked = await serve(links);

    expect(await listRuns(direct.port)).toEqual([
      `${uuid('3')}/outputs/tensorboard/eval`,
      `${uuid('4')}/outputs/tensorboard`,
      'a b-11111111 (running)/eval',
      'a b-22222222/eval',
    ]);
    expect(await listRuns(linked.port)).toEqual(['my link (running)/eval']);

    setStatus('1', 'succeeded');
    await waitFor(
      'the status',
      async () => (await listRuns(direct.port)).includes('a b-11111111/eval') || undefined,
    );
  });

  it('shows values that come before the metadata of their tag, also in an earlier file', async () => {
    const directory = createTempDir();
    const value = (step: number, tag: string, metadata?: SummaryMetadata): Event => ({
      ...{ wallTime: step, step },
      what: {
        kind: 'summary',
        values: [
          {
            ...{ tag, ...(metadata && { metadata }) },
            value: { kind: 'tensor', tensor: { dtype: 1, shape: [], floatVal: Float32Array.of(step) } },
          },
        ],
      },
    });
    const metadata = { pluginName: 'scalars', dataClass: DataClass.SCALAR };
    createRun(directory, 'a', [value(1, 'loss'), value(1, 'acc')]);
    const late = 'events.out.tfevents.2.host';
    const path = createRun(directory, 'a', [value(2, 'acc', metadata), value(3, 'acc')], late);
    const { port } = await serve(directory);

    expect(await readSeries(port, 'a', 'acc')).toEqual([
      ['1', 1],
      ['2', 2],
      ['3', 3],
    ]);
    appendFileSync(path, encodeRecords([value(2, 'loss', metadata)]));

    await awaitSteps(port, 'a', '1,2');
    expect(await readSeries(port, 'a', 'acc')).toHaveLength(3);
  });

  it('continues after damage', async () => {
    const directory = createTempDir();
    const [first, damaged, last] = [[0], [1], [2]].map(([step]) =>
      encodeRecords(scalars('loss', [[step!, 1]])),
    );
    damaged![20]! ^= 255;
    mkdirSync(join(directory, 'a'));
    writeFileSync(join(directory, 'a', NAME), Buffer.concat([first!, damaged!, last!]));

    const { port } = await serve(directory);

    expect(await readSeries(port, 'a', 'loss')).toEqual([
      ['0', 1],
      ['2', 1],
    ]);
  });

  it('loses no point of two writers of one directory, whichever is read first', async () => {
    const directory = createTempDir();
    const [early, late] = [
      [0, 1, 2, 3],
      [0, 1, 2],
    ];
    const points = (steps: number[]): [number, number][] => steps.map((step) => [step, step]);
    createRun(directory, 'a', [sessionStart(0, 1), ...scalars('loss', points(early!), 10)]);
    createRun(
      directory,
      'a',
      [sessionStart(0, 11), ...scalars('loss', points(late!), 11)],
      'events.out.tfevents.2.host',
    );

    const { port } = await serve(directory);

    expect(await readSeries(port, 'a', 'loss')).toHaveLength(7);
  });

  it('hides the points that a resumed run logs again', async () => {
    const directory = createTempDir();
    createRun(directory, 'a', [
      sessionStart(0, 1),
      ...scalars(
        'loss',
        [
          [0, 0],
          [1, 1],
          [2, 2],
        ],
        10,
      ),
    ]);
    createRun(
      directory,
      'a',
      [sessionStart(1, 20), ...scalars('loss', [[1, 10]], 21)],
      'events.out.tfevents.2.host',
    );

    const { port } = await serve(directory);

    expect(await readSeries(port, 'a', 'loss')).toEqual([
      ['0', 0],
      ['1', 10],
    ]);
  });

  it('keeps the first, the last, the extremes and the first NaN of a series that it thins out', async () => {
    const directory = createTempDir();
    const values = Array.from({ length: 5000 }, (_, step) => Math.sin(step / 100));
    values[1234] = 50;
    values[2345] = -50;
    values[3456] = Number.NaN;
    createRun(
      directory,
      'a',
      scalars(
        'loss',
        values.map((value, step) => [step, value]),
      ),
    );
    const { port } = await serve(directory, { capacity: 100 });

    const all = await readSeries(port, 'a', 'loss');
    const few = await readSeries(port, 'a', 'loss', 20);

    expect(all.length).toBeLessThan(220);
    expect(few.length).toBeLessThan(25);
    for (const found of [all, few]) {
      const steps = found.map(([step]) => Number(step));
      expect(steps).toEqual([...steps].sort((a, b) => a - b));
      expect(steps).toEqual(expect.arrayContaining([0, 1234, 2345, 3456, 4999]));
    }
    expect(await readSeries(port, 'a', 'loss', 1)).toEqual([['4999', expect.closeTo(values[4999]!)]]);
  });

  it('returns steps beyond 2^53 exactly', async () => {
    const directory = createTempDir();
    const [event] = scalars('loss', [[0, 1]]);
    createRun(directory, 'a', [event!, { ...event!, step: 2n ** 53n + 1n }, { ...event!, step: -5 }]);

    const { port } = await serve(directory);

    expect((await readSeries(port, 'a', 'loss')).map(([step]) => step)).toEqual([
      '0',
      '9007199254740993',
      '-5',
    ]);
  });
});

describe('FollowedRuns', () => {
  it('reads a run that gets another name only once', async () => {
    const path = createRun(createTempDir(), 'a', scalars('loss', [[1, 1]]));
    let opened = 0;
    const list = (name: string, isChanged: boolean) => {
      const open = () => {
        opened++;
        return openLocalEventFile(path);
      };
      return [{ name, files: [{ name: NAME, location: path, isChanged, open }] }];
    };
    const followed = new FollowedRuns({ capacity: 10, onProblem: () => {} });
    onTestFinished(() => followed.close());

    followed.update(list('a (running)', true));
    await followed.settle();
    followed.update(list('a', false));
    await followed.settle();

    expect(followed.runs.map(({ name }) => name)).toEqual(['a']);
    expect(followed.runs[0]!.numbersOf('loss').count).toBe(1);
    expect(opened).toBe(1);
  });
});

describe('startDataServer', () => {
  it('answers unknown blobs with the status of gRPC', async () => {
    const { port } = await serve(createTempDir());

    expect(await call(port, 'ReadBlob', { blobKey: 'xyz' })).toMatchObject({
      status: 5,
      detail: expect.stringContaining('xyz'),
    });
    expect(await call(port, 'ListRuns')).toMatchObject({ status: 0, messages: [{}] });
  });

  it('rejects calls without the token', async () => {
    const table = { location: '', runs: [], refresh: async () => {} };
    const server = await startDataServer({ table, host: '127.0.0.1', port: 0, token: 'secret' });
    onTestFinished(() => server.close());

    const results = [];
    for (const authorization of [undefined, 'Bearer wrong', 'secret', 'Bearer secret'])
      results.push((await call(server.port, 'ListRuns', {}, authorization ? { authorization } : {})).status);

    expect(results).toEqual([16, 16, 16, 0]);
  });
});
