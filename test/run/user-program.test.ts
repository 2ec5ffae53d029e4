/** F67: tracking does not touch the program: neither its callbacks nor promises that it ignores can end it. */

import { once } from 'node:events';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Run, type RunOptions, SummaryWriter, tracking } from '../../src/index.js';
import { spawnScript } from '../support/child-script.js';
import { readValues } from '../support/read-run.js';
import { NO_CAPTURE, startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

const bug = (): never => {
  throw new Error('bug in the callback');
};
const rejection = () => Promise.reject(new Error('bug in the callback')) as never;
const BROKEN = { wallTime: bug, monotonicMs: bug, sleep: bug };

/** Collects promises that reject unhandled, which would end the program. */
function watchRejections(): unknown[] {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  return unhandled;
}

const turns = async () => {
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
};

describe('the callbacks of a program', () => {
  const OPTIONS: readonly (readonly [string, RunOptions])[] = [
    ['onWarning throws', { onWarning: bug }],
    ['onWarning rejects', { onWarning: rejection }],
    ['onWarning throws with onError: warn', { onWarning: bug, onError: 'warn' }],
    ['onError throws', { onError: bug }],
    ['onError rejects', { onError: rejection }],
    ['filter throws', { filter: bug }],
    ['filter rejects', { filter: rejection }],
    ['clock throws', { clock: BROKEN }],
    [
      'clock returns NaN',
      { clock: { ...BROKEN, wallTime: () => Number.NaN, monotonicMs: () => Number.NaN } },
    ],
  ];

  it.each(OPTIONS)('F67: do not reach the program or lose an event when %s', async (_how, options) => {
    vi.spyOn(process, 'emitWarning').mockReturnValue(undefined);
    const unhandled = watchRejections();
    const run = new Run({ root: createTempDir(), ...NO_CAPTURE, ...options });
    run.logMetric('loss', 1, { step: 5 });
    run.logMetric('loss', 2, { step: 1 }); // a warning
    run.logText('text', 'half \ud800', { step: 1 }); // a warning
    await run.logArtifact('/no/such/file').catch(() => 'misuse');
    await run.end();
    await turns();

    expect(await readValues(run.paths.tensorboard)).toHaveLength(3);
    expect(run.status).toBe('succeeded');
    expect(unhandled).toEqual([]);
    vi.restoreAllMocks();
  });

  it('F67: do not keep another writer from writing when they throw at exit', async () => {
    const root = createTempDir();
    const child = spawnScript(
      'SummaryWriter, Run',
      `import { rmSync, writeFileSync } from 'node:fs';
       const options = { flushIntervalMs: 3600000, onError: () => { throw new Error('bug'); }, onWarning: () => { throw new Error('bug'); } };
       const first = new SummaryWriter(${JSON.stringify(join(root, 'first'))}, options);
       const run = new Run({ root: ${JSON.stringify(root)}, uuid: 'a'.repeat(32), trackCode: false, trackEnv: false, trackLogs: false, collectResources: false, ...options });
       const last = new SummaryWriter(${JSON.stringify(join(root, 'last'))}, options);
       for (const writer of [first, last]) writer.addScalar('loss', 1, 1);
       run.logMetric('loss', 1, { step: 1 });
       // The first writer cannot write at exit.
       rmSync(${JSON.stringify(join(root, 'first'))}, { recursive: true });
       writeFileSync(${JSON.stringify(join(root, 'first'))}, '');`,
    );
    const [code] = (await once(child, 'close')) as [number];

    expect(code).toBe(0);
    expect(await readValues(join(root, 'last'))).toHaveLength(1);
    expect(await readValues(join(root, 'runs', 'a'.repeat(32), 'outputs/tensorboard'))).toHaveLength(1);
  });
});

describe('an exit handler', () => {
  it('F67: may remove the directory of a run, which is not created again', async () => {
    const root = join(createTempDir(), 'root');
    const child = spawnScript(
      'Run, SummaryWriter',
      `import { rmSync } from 'node:fs';
       const root = ${JSON.stringify(root)};
       const run = new Run({ root, trackCode: false });
       const writer = new SummaryWriter(root + '/log');
       run.logMetric('loss', 1);
       writer.addScalar('loss', 1);
       process.on('exit', () => { rmSync(root, { recursive: true }); console.log('removed'); });`,
    );
    const [code] = (await once(child, 'close')) as [number];

    expect(code).toBe(0);
    expect(existsSync(root)).toBe(false);
  });
});

describe('promises that a program does not await', () => {
  const CALLS: readonly (readonly [string, (run: Run) => unknown])[] = [
    ['logArtifact', (run) => run.logArtifact('/no/such/file')],
    ['logArtifact with a step', (run) => run.logArtifact('/no/such/file', { step: 1 })],
    ['logModel', (run) => run.logModel('/no/such/file')],
    ['logFileRef', (run) => run.logFileRef('/no/such/file')],
    ['logDirRef', (run) => run.logDirRef('/no/such/file')],
    ['logModelRef', (run) => run.logModelRef('/no/such/file')],
    ['logDataRef', (run) => run.logDataRef('', {})],
    ['logTensorboardRef', (run) => run.logTensorboardRef('', { name: '' })],
    ['logArtifactRef', (run) => run.logArtifactRef('x', 'no kind' as 'file', { skipHash: true })],
  ];

  it.each(CALLS)('F67: report a failed %s, which rejects if it is awaited', async (_name, call) => {
    const unhandled = watchRejections();
    const { run, warnings } = startRun();

    call(run);
    await vi.waitFor(() => expect(warnings.map(({ code }) => code)).toContain('WARN_CALL_REJECTED'));
    await expect(call(run)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) });
    await run.end();

    expect(warnings).toHaveLength(1);
    expect(unhandled).toEqual([]);
  });

  it('F67: are reported when a method of an ended run is called', async () => {
    const unhandled = watchRejections();
    const { run, warnings } = startRun();
    await run.end();

    run.getTensorboardPath();
    run.getTensorboardPath('more');
    void run.logArtifact(import.meta.filename);
    await turns();
    await run.flush();

    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('ERR_CLOSED'),
      expect.stringContaining('ERR_CLOSED'),
    ]);
    expect(unhandled).toEqual([]);
  });

  it('F67: are reported when the disk rejects the writes of flush, end and close', async () => {
    const unhandled = watchRejections();
    const root = createTempDir();
    const { run, errors } = startRun({ root });
    const writer = new SummaryWriter(join(root, 'log'), { onError: (error) => errors.push(error) });
    for (const directory of [run.paths.run, join(root, 'log')]) {
      rmSync(directory, { recursive: true });
      writeFileSync(directory, 'a file');
    }
    run.logMetric('loss', 1);
    writer.addScalar('loss', 1);

    void run.flush();
    void writer.flush();
    await expect(writer.flush()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
    await expect(run.flush()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
    void run.end();
    void writer.close();
    await turns();

    await expect(run.end()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
    expect(errors.map(({ code }) => code)).toContain('ERR_RUN_WRITE');
    expect(readdirSync(root)).toContain('log');
    expect(unhandled).toEqual([]);
  });

  it('F67: are reported by tracking, which has no other owner', async () => {
    const unhandled = watchRejections();
    const root = createTempDir();
    const errors: unknown[] = [];
    const run = tracking.init({ root, ...NO_CAPTURE, onError: (error) => errors.push(error) });
    rmSync(run.paths.run, { recursive: true });
    writeFileSync(run.paths.run, 'a file');
    run.logMetric('loss', 1);

    void tracking.end();
    await vi.waitFor(() => expect(errors).not.toEqual([]));
    await turns();

    expect(unhandled).toEqual([]);
  });
});
