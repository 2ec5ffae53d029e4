/** The files on disk after each way in which a process can end, with real processes: the table of docs/lifecycle.md. */

import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EndMarker, HeartbeatFile } from '../../src/run-directory/heartbeat.js';
import { spawnScript } from '../support/child-script.js';
import { waitFor } from '../support/child-server.js';
import { readRunFile, readValues } from '../support/read-run.js';
import { createSharedTempDir } from '../support/temp-dir.js';

const METRICS = 500;
const KEEP_ALIVE = 'setInterval(() => {}, 1000);';

interface Ending {
  readonly how: string;
  /** The code that the program runs after logging. */
  readonly body: string;
  /** Sent once the code has run: the program has installed its handlers or flushed, and prints `ready`. */
  readonly signal?: NodeJS.Signals;
  readonly nodeOptions?: string;
  readonly exitCode: number | null;
  readonly exitSignal?: NodeJS.Signals;
  readonly status: string;
  readonly message?: RegExp;
  /** Null if the process could not write a marker; then only the heartbeat exists. */
  readonly marker: { readonly exit_code: number | null; readonly signal: string | null } | null;
  /** Set if only flushed data survives. */
  readonly losesUnflushed?: true;
}

const ENDINGS: readonly Ending[] = [
  {
    how: 'end() and nothing left to do',
    body: 'await run.end();',
    exitCode: 0,
    status: 'succeeded',
    marker: { exit_code: null, signal: null },
  },
  {
    how: 'nothing left to do, without end()',
    body: '',
    exitCode: 0,
    status: 'succeeded',
    marker: { exit_code: 0, signal: null },
  },
  {
    how: 'process.exit(0)',
    body: 'process.exit(0);',
    exitCode: 0,
    status: 'succeeded',
    marker: { exit_code: 0, signal: null },
  },
  {
    how: 'process.exit(3)',
    body: 'process.exit(3);',
    exitCode: 3,
    status: 'failed',
    message: /exit code 3/,
    marker: { exit_code: 3, signal: null },
  },
  {
    how: 'process.exitCode = 4 and nothing left to do',
    body: 'process.exitCode = 4;',
    exitCode: 4,
    status: 'failed',
    message: /exit code 4/,
    marker: { exit_code: 4, signal: null },
  },
  {
    how: 'an uncaught error',
    body: "setTimeout(() => { throw new TypeError('no gradient'); });",
    exitCode: 1,
    status: 'failed',
    message: /Uncaught error: TypeError: no gradient/,
    marker: { exit_code: 1, signal: null },
  },
  {
    how: 'an unhandled rejection',
    body: "void Promise.reject(new RangeError('loss is NaN'));",
    exitCode: 1,
    status: 'failed',
    message: /Unhandled rejection: RangeError: loss is NaN/,
    marker: { exit_code: 1, signal: null },
  },
  {
    how: 'an await that is never settled',
    body: 'await new Promise(() => {});',
    exitCode: 13,
    status: 'failed',
    message: /exit code 13/,
    marker: { exit_code: 13, signal: null },
  },
  ...(['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map(
    (signal): Ending => ({
      how: signal,
      body: KEEP_ALIVE,
      signal,
      exitCode: null,
      exitSignal: signal,
      status: 'stopped',
      message: new RegExp(`Received ${signal}`),
      marker: { exit_code: null, signal },
    }),
  ),
  {
    how: 'SIGTERM, handled with process.exit(0)',
    body: `process.on('SIGTERM', () => process.exit(0)); ${KEEP_ALIVE}`,
    signal: 'SIGTERM',
    exitCode: 0,
    status: 'stopped',
    marker: { exit_code: 0, signal: 'SIGTERM' },
  },
  {
    how: 'SIGINT, handled with end()',
    body: `const timer = ${KEEP_ALIVE} process.on('SIGINT', async () => { await run.end(); clearInterval(timer); });`,
    signal: 'SIGINT',
    exitCode: 0,
    status: 'stopped',
    marker: { exit_code: null, signal: null },
  },
  {
    how: 'SIGINT, ignored by the program, and a normal end',
    body: `process.on('SIGINT', () => setTimeout(() => clearInterval(timer), 1)); const timer = ${KEEP_ALIVE}`,
    signal: 'SIGINT',
    exitCode: 0,
    status: 'succeeded',
    marker: { exit_code: 0, signal: null },
  },
  {
    how: 'SIGTERM, handled with process.exitCode = 143',
    body: `const timer = ${KEEP_ALIVE} process.on('SIGTERM', () => { clearInterval(timer); process.exitCode = 143; });`,
    signal: 'SIGTERM',
    exitCode: 143,
    status: 'stopped',
    marker: { exit_code: 143, signal: 'SIGTERM' },
  },
  {
    how: 'SIGTERM, handled with work and then process.exit(0)',
    body: `process.on('SIGTERM', async () => { await run.flush(); setTimeout(() => process.exit(0), 1); }); ${KEEP_ALIVE}`,
    signal: 'SIGTERM',
    exitCode: 0,
    status: 'stopped',
    marker: { exit_code: 0, signal: 'SIGTERM' },
  },
  {
    how: 'process.exit(9) in a later exit handler',
    body: "process.on('exit', () => process.exit(9));",
    exitCode: 9,
    status: 'failed',
    message: /exit code 9/,
    marker: { exit_code: 9, signal: null },
  },
  {
    how: 'process.exit(9) in an exit handler that runs before all others',
    body: "process.prependListener('exit', () => process.exit(9)); process.exit(0);",
    exitCode: 9,
    status: 'failed',
    message: /exit code 9/,
    marker: { exit_code: 9, signal: null },
  },
  {
    how: 'process.exit(3), which a later exit handler changes to 0',
    body: "process.on('exit', () => { process.exitCode = 0; }); process.exit(3);",
    exitCode: 0,
    status: 'succeeded',
    marker: { exit_code: 0, signal: null },
  },
  {
    how: 'process.exitCode = 5 in a later exit handler',
    body: "process.on('exit', () => { process.exitCode = 5; });",
    exitCode: 5,
    status: 'failed',
    message: /exit code 5/,
    marker: { exit_code: 5, signal: null },
  },
  {
    how: 'an error in an exit handler',
    body: "process.prependListener('exit', () => { throw new TypeError('in the handler'); });",
    exitCode: 1,
    status: 'failed',
    message: /Uncaught error: TypeError: in the handler/,
    marker: { exit_code: 1, signal: null },
  },
  {
    how: 'an uncaught value that has no text',
    body: 'setTimeout(() => { throw Object.create(null); });',
    exitCode: 1,
    status: 'failed',
    message: /Uncaught error/,
    marker: { exit_code: 1, signal: null },
  },
  {
    how: 'an error that the program handles, and a normal end',
    body: "process.on('uncaughtException', () => {}); setTimeout(() => { throw new Error('handled'); });",
    exitCode: 0,
    status: 'succeeded',
    marker: { exit_code: 0, signal: null },
  },
  {
    how: 'kill -9',
    body: `await run.flush(); ${KEEP_ALIVE}`,
    signal: 'SIGKILL',
    exitCode: null,
    exitSignal: 'SIGKILL',
    status: 'running',
    marker: null,
    losesUnflushed: true,
  },
  {
    how: 'out of memory',
    body: 'await run.flush(); const kept = []; for (;;) kept.push(new Array(100000).fill({}));',
    nodeOptions: '--max-old-space-size=40',
    exitCode: null,
    exitSignal: 'SIGABRT',
    status: 'running',
    marker: null,
    losesUnflushed: true,
  },
  {
    how: 'process.abort()',
    body: 'await run.flush(); process.abort();',
    exitCode: null,
    exitSignal: 'SIGABRT',
    status: 'running',
    marker: null,
    losesUnflushed: true,
  },
];

describe('a process that ends by', () => {
  let base: string;
  beforeAll(() => {
    base = createSharedTempDir();
  });

  it.concurrent.each(ENDINGS)('F71: $how', async (ending) => {
    const root = join(base, String(ENDINGS.indexOf(ending)));
    const child = spawnScript(
      'Run',
      `const run = new Run({ root: ${JSON.stringify(root)}, trackCode: false, flushIntervalMs: 3600000 });
       for (let step = 0; step < ${METRICS}; step++) run.logMetric('loss', step, { step });
       run.logInputs({ rate: 0.5 });
       process.stdout.write(run.paths.run + '\\n');
       ${ending.body}
       process.stdout.write('ready\\n');`,
      { NODE_OPTIONS: ending.nodeOptions ?? '' },
    );
    let output = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const exited = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    if (ending.signal !== undefined) {
      await waitFor('the program to be ready', () => output.includes('ready') || undefined);
      child.kill(ending.signal);
    }

    const [exitCode, exitSignal] = await exited;

    expect([exitCode, exitSignal]).toEqual([ending.exitCode, ending.exitSignal ?? null]);
    const runDirectory = output.split('\n')[0]!;
    const record = readRunFile(runDirectory);
    const last = record.status_conditions.at(-1)!;
    expect(record.status).toBe(ending.status);
    expect(record.inputs).toEqual({ rate: 0.5 });
    if (ending.message !== undefined) expect(last.message).toMatch(ending.message);
    const values = await readValues(join(runDirectory, 'outputs/tensorboard'));
    expect(values.filter(({ tag }) => tag === 'loss')).toHaveLength(METRICS);
    expect(values.filter(({ tag }) => tag === '_hparams_/session_start_info')).not.toHaveLength(0);
    if (ending.losesUnflushed === undefined) expect(record.outputs).toMatchObject({ loss: METRICS - 1 });
    const marker = readMarker(runDirectory);
    if (ending.marker === null) expect(marker).toBeNull();
    else expect(marker).toMatchObject({ ...ending.marker, status: ending.status });
    expect(readHeartbeat(runDirectory)).toMatchObject({ pid: child.pid, interval_ms: 10_000 });
  });
});

function readMarker(runDirectory: string): EndMarker | null {
  const path = join(runDirectory, '.plx/end-main.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as EndMarker) : null;
}

function readHeartbeat(runDirectory: string): HeartbeatFile {
  return JSON.parse(readFileSync(join(runDirectory, '.plx/heartbeat-main.json'), 'utf8')) as HeartbeatFile;
}
