/** F74: what several processes log about one run is merged in the order in which they logged it. */

import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Run } from '../../src/run/run.js';
import { nodeFileSystem } from '../../uploader/base/io/node-file-system.js';
import { toDesiredRun } from '../../uploader/polyaxon-sync/desired-run.js';
import { readRunFiles } from '../../uploader/run-directory/run-files.js';
import { spawnScript } from '../support/child-script.js';
import { readLineage, readRunFile } from '../support/read-run.js';
import { NO_CAPTURE, startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

const UUID = 'c'.repeat(32);
type Writer = 'main' | 'a' | 'b';

/** The processes of one run, and what they should have logged. */
class Processes {
  readonly root = createTempDir();
  readonly expected = new Map<string, unknown>();
  readonly #own = { main: new Set<string>(), a: new Set<string>(), b: new Set<string>() };
  readonly #runs = new Map<Writer, Run>();

  run(writer: Writer): Run {
    const known = this.#runs.get(writer);
    if (known !== undefined) return known;
    const worker = writer === 'main' ? {} : { worker: writer };
    const { run } = startRun({ root: this.root, uuid: UUID, resume: true, ...worker });
    this.#runs.set(writer, run);
    return run;
  }

  log(writer: Writer, name: string, value: unknown, reset: boolean): void {
    this.run(writer).logOutputs({ [name]: value }, { reset });
    const own = this.#own[writer];
    // A worker knows only its own values; the main process knows all that was logged.
    if (reset)
      for (const each of writer === 'main' ? [...this.expected.keys()] : own) this.expected.delete(each);
    if (reset) own.clear();
    own.add(name);
    this.expected.set(name, value);
  }

  async restart(writer: Writer): Promise<void> {
    await this.run(writer).end();
    this.#runs.delete(writer);
    this.run(writer);
  }

  async end(): Promise<void> {
    for (const run of [...this.#runs.values()].reverse()) await run.end();
  }
}

const writer = fc.constantFrom<Writer>('main', 'a', 'b');
const action = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('log' as const),
      writer,
      name: fc.constantFrom('x', 'y', 'constructor'),
      value: fc.constantFrom(0.1, 0.9, null, 'text'),
      reset: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('flush' as const, 'restart' as const), writer }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'check' as const }) },
);

describe('the processes of one run', () => {
  it('F74: keep the value that was logged last, on disk and on the server, in every life', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 12 }), async (actions) => {
        const processes = new Processes();
        for (const each of ['main', 'a', 'b'] as const) processes.run(each);
        const directory = processes.run('main').paths.run;
        const wanted = () => Object.fromEntries(processes.expected);
        for (const each of actions) {
          if (each.kind === 'log') processes.log(each.writer, each.name, each.value, each.reset);
          else if (each.kind === 'flush') await processes.run(each.writer).flush();
          else if (each.kind === 'restart') await processes.restart(each.writer);
          else expect(await desiredOutputs(directory)).toEqual(wanted());
        }
        expect(await desiredOutputs(directory)).toEqual(wanted());
        await processes.end();

        expect(readRunFile(directory).outputs ?? {}).toEqual(wanted());
      }),
      { numRuns: 25 },
    );
  });

  it('F74: do not rewrite or number anything while nothing changes', async () => {
    const root = createTempDir();
    const { run: main } = startRun({ root, uuid: UUID, formats: ['tensorboard', 'polyaxon'] });
    const { run: worker } = startRun({ root, uuid: UUID, worker: 'a', formats: ['tensorboard', 'polyaxon'] });
    worker.logOutputs({ w: 1 });
    worker.logMetric('loss', 1);
    main.logMetric('loss', 1);
    await worker.end();
    await main.flush();
    const files = [
      'run.plx.json',
      'lineages.plx.json',
      '.plx/order-main.json',
      '.plx/order',
      '.plx/worker-a.json',
    ];
    const state = () => files.map((file) => statSync(join(main.paths.run, file)).ino);
    const before = state();

    for (let i = 0; i < 5; i++) await main.flush();

    expect(state()).toEqual(before);
    await main.end();
  });

  it('F74: keep the later entry of a lineage, whatever the dates of the files say', async () => {
    const root = createTempDir();
    const { run: main } = startRun({ root, uuid: UUID });
    const { run: worker } = startRun({ root, uuid: UUID, worker: 'a' });
    const entry = (path: string) =>
      ({ name: 'data', kind: 'data', path, summary: {}, is_input: true }) as const;
    worker.logArtifactLineage(entry('early'));
    main.logArtifactLineage(entry('late'));
    const path = join(main.paths.run, '.plx/worker-a.json');
    utimesSync(path, Date.now() / 1000 + 7200, Date.now() / 1000 + 7200);
    await main.flush();
    const found = () => readLineage(main.paths.run).find(({ name }) => name === 'data')?.path;

    expect(found()).toBe('late');
    worker.logArtifactLineage(entry('latest'));
    await worker.end();
    await main.end();
    expect(found()).toBe('latest');
  });

  it('F74: keep the order when the counter is lost', async () => {
    const root = createTempDir();
    const { run: main } = startRun({ root, uuid: UUID });
    const { run: worker } = startRun({ root, uuid: UUID, worker: 'a' });
    for (let i = 0; i < 5; i++) worker.logOutputs({ best: 0.1 });
    main.logOutputs({ best: 0.9 });
    rmSync(join(main.paths.run, '.plx/order'));
    worker.logOutputs({ best: 0.1 });
    await worker.end();
    main.logOutputs({ best: 0.8 });
    await main.end();

    expect(readRunFile(main.paths.run).outputs).toEqual({ best: 0.8 });
  });
});

describe('the files of a run', () => {
  it.each(['run.plx.json', 'lineages.plx.json', '.plx/formats-main.json'])(
    'F68: are written again by flush when another program has removed %s',
    async (name) => {
      const { run } = startRun();
      const path = join(run.paths.run, name);
      const content = readFileSync(path, 'utf8');
      rmSync(path);
      await run.flush();
      expect(readFileSync(path, 'utf8')).toBe(content);
      await run.end();
    },
  );

  it('F68: are reported when their directory is a file', async () => {
    const { run } = startRun();
    rmSync(run.paths.run, { recursive: true });
    writeFileSync(run.paths.run, '');
    await expect(run.flush()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
    rmSync(run.paths.run);
    await run.end();
    expect(existsSync(join(run.paths.run, 'run.plx.json'))).toBe(true);
  });
});

describe('processes that start with one uuid at the same time', () => {
  it('F73: are one run and refused processes', async () => {
    const root = createTempDir();
    const count = 6;
    const body = `
      import { existsSync, writeFileSync } from 'node:fs';
      const [root, uuid, name] = JSON.parse(process.env.START);
      writeFileSync(root + '/ready-' + name, '');
      while (!existsSync(root + '/go'));
      try {
        const run = new Run({ root, uuid, name, ...${JSON.stringify(NO_CAPTURE)} });
        await run.end();
        process.stdout.write('started');
      } catch (error) {
        process.stdout.write(error.code);
      }`;
    const children = Array.from({ length: count }, (_, index) =>
      spawnScript('Run', body, { START: JSON.stringify([root, UUID, `run-${index}`]) }),
    );
    const outputs = children.map((child) => text(child.stdout!));
    await expect.poll(() => readdirSync(root)).toHaveLength(count);
    writeFileSync(join(root, 'go'), '');

    const answers = await Promise.all(outputs);

    expect(answers.filter((answer) => answer === 'started')).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'ERR_RUN_EXISTS')).toHaveLength(count - 1);
    const winner = answers.indexOf('started');
    expect(readRunFile(join(root, 'runs', UUID)).name).toBe(`run-${winner}`);
  });
});

/** What the uploader sends to the server. */
async function desiredOutputs(directory: string): Promise<unknown> {
  const files = await readRunFiles(nodeFileSystem, Buffer.from(directory));
  const source = { uuid: UUID, kind: 'polyaxon', name: 'run', facts: null, liveness: 'live' } as const;
  const more = { files: files!, storedFiles: () => [], foundAt: 0, wallTime: 0 };
  return toDesiredRun({ ...source, ...more }).outputs;
}
