import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { toProgressLine } from '../../../uploader/commands/progress-line.js';
import { type Progress, ProgressState } from '../../../uploader/commands/progress-state.js';
import { countColumns } from '../../../uploader/commands/text-columns.js';
import { runCli } from '../../support/cli.js';
import { describeWithPeers } from '../../support/peers.js';
import { createSharedTempDir } from '../../support/temp-dir.js';
import { runInTerminal, toFrames } from '../../support/terminal.js';
import { makeRun, RUN } from '../support/run-tree.js';

const KEY = `${RUN}/outputs/model.bin`;

/** A sync of two files of 1 MB that has sent a quarter of them in 5 s. */
function startUpload(): ProgressState {
  const state = new ProgressState(false);
  state.take({ kind: 'scanned', runs: 1, files: 2, sizeBytes: 2e6 }, 0);
  state.take({ kind: 'planned', uploads: 2, uploadBytes: 2e6, verifications: 0, unchanged: 0 }, 0);
  state.take({ kind: 'started', key: KEY, sizeBytes: 1e6, reason: 'new' }, 0);
  state.at(0);
  state.take({ kind: 'sent', key: KEY, sizeBytes: 5e5 }, 4_000);
  return state;
}

const retry = { kind: 'retry', operation: 'PUT', attempt: 2, delayMs: 4_000, cause: null } as const;

describe('ProgressState', () => {
  it('knows rate, time left and the current file', () => {
    expect(startUpload().at(5_000)).toEqual({
      phase: 'uploading',
      files: { done: 0, planned: 2 },
      bytes: { done: 5e5, planned: 2e6 },
      rate: 1e5,
      leftMs: 15_000,
      file: { key: KEY, others: 0 },
      waiting: null,
    } satisfies Progress);
  });

  it('changes with time alone: the rate falls, and a retry is counted down until something is sent', () => {
    const state = startUpload();
    for (let ms = 0; ms <= 20_000; ms += 200) state.at(ms);

    expect(state.at(20_200).rate).toBe(0);

    state.take(retry, 20_200);
    expect(state.at(21_200).waiting).toEqual({ kind: 'retry', attempt: 2, forMs: 3_000 });
    expect(state.at(30_000).waiting).toEqual({ kind: 'retry', attempt: 2, forMs: 0 });
    expect(state.at(30_000).leftMs).toBe(null);

    state.take({ kind: 'sent', key: KEY, sizeBytes: 1 }, 30_000);
    expect(state.at(30_000).waiting).toBe(null);
  });

  it('says how long the store has not answered, and why it is paused', () => {
    const state = startUpload();

    state.take({ kind: 'store-unavailable', forMs: 10_000 }, 5_000);
    expect(state.at(8_000).waiting).toEqual({ kind: 'store', sinceMs: 13_000 });
    state.take({ kind: 'paused', reason: '/root: gone' }, 9_000);
    expect(state.at(9_000).waiting).toEqual({ kind: 'paused', reason: '/root: gone' });
    state.take({ kind: 'resumed' }, 10_000);
    state.take({ kind: 'store-available', afterMs: 15_000 }, 10_000);
    expect(state.at(10_000).waiting).toBe(null);
  });

  it('never counts more of a file than its size, however often it is sent again', () => {
    const state = startUpload();
    for (let i = 0; i < 5; i++) state.take({ kind: 'sent', key: KEY, sizeBytes: 1e6 }, 5_000);

    expect(state.at(5_000).bytes).toEqual({ done: 1e6, planned: 2e6 });
  });
});

describe('toProgressLine', () => {
  const uploading: Progress = {
    phase: 'uploading',
    files: { done: 12, planned: 40 },
    bytes: { done: 34e5, planned: 123e5 },
    rate: 12e5,
    leftMs: 8_000,
    file: { key: `${RUN}/outputs/checkpoints/損失/a very long name of a model.bin`, others: 3 },
    waiting: null,
  };
  const states: Record<string, Progress> = {
    uploading,
    retry: { ...uploading, leftMs: null, waiting: { kind: 'retry', attempt: 3, forMs: 4_200 } },
    outage: { ...uploading, leftMs: null, waiting: { kind: 'store', sinceMs: 65_000 } },
    paused: { ...uploading, leftMs: null, waiting: { kind: 'paused', reason: '/data/plx-runs: gone' } },
    scanning: { ...uploading, phase: 'scanning', file: null },
    comparing: { ...uploading, phase: 'comparing', file: null },
    finishing: { ...uploading, phase: 'finishing', files: { done: 40, planned: 40 }, file: null },
    following: { ...uploading, phase: 'following' },
  };

  it.each([40, 79, 119])('fits %i columns in every state', async (columns) => {
    const lines = Object.entries(states).map(([name, state]) => {
      const line = toProgressLine(state, columns, false);
      expect(countColumns(line)).toBeLessThanOrEqual(columns);
      return `${name}\n${line}\n`;
    });

    await expect(lines.join('')).toMatchFileSnapshot(`golden/progress-${columns}.txt`);
  });

  it('paints only what it waits for, and only with colours', () => {
    expect(toProgressLine(uploading, 79, true)).not.toContain('\u001b');
    expect(toProgressLine(states.retry!, 79, true)).toContain(
      '\u001b[33mretrying in 5 s (attempt 3)\u001b[39m',
    );
    expect(toProgressLine(states.retry!, 79, false)).not.toContain('\u001b');
  });

  it('shows hostile names on one line', () => {
    const file = { key: `${RUN}/a\u001b[2J\nb`, others: 0 };

    expect(toProgressLine({ ...uploading, file }, 119, true)).toContain('a\\u001b[2J\\nb');
  });
});

describeWithPeers(['python'], 'progress in a terminal', () => {
  const home = createSharedTempDir();
  const root = join(home, 'root');
  const store = `file://${join(home, 'store')}`;

  beforeAll(() => {
    vi.stubEnv('POLYTRACK_STATE_DIR', join(home, 'state'));
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'made up');
    vi.stubEnv('TERM', 'xterm-256color');
    mkdirSync(join(home, 'store'));
    const name = 'outputs/a model with a very long name 損失関数の実験.bin';
    makeRun(root, { [name]: new Uint8Array(400_000), 'outputs/b.bin': new Uint8Array(400_000) });
  });
  afterAll(() => vi.unstubAllEnvs());

  it('draws one line, which fits 80 columns, with rate, time left and file', async () => {
    // At this bandwidth the upload takes seconds on any machine.
    const { code, text } = await runInTerminal(80, ['sync', root, '--store', store, '--bandwidth', '200kB']);

    const frames = toFrames(text);
    expect(code).toBe(0);
    expect(frames[1]).toBe('scanning');
    const bars = frames.filter((frame) => /[█░]/.test(frame));
    for (const frame of bars) expect(countColumns(frame)).toBeLessThan(80);
    expect(bars.some((frame) => /files {2}.* of .* {2}.*B\/s {2}\d+ s left/.test(frame))).toBe(true);
    expect(bars.some((frame) => frame.includes('.bin'))).toBe(true);
    expect(text).toContain('\u001b[32mComplete\u001b[39m: 4 stored');
  });

  it.each([
    ['', true],
    ['1', false],
  ])('shows that it retries, in colour unless NO_COLOR is set (%s)', async (noColor, isPainted) => {
    vi.stubEnv('NO_COLOR', noColor);
    const endpoint = ['--endpoint', 'http://127.0.0.1:1', '--region', 'us-east-1'];

    const { code, text } = await runInTerminal(80, [
      ...['sync', root, '--store', 's3://bucket/team', ...endpoint, '--retry-timeout', '5'],
    ]);

    expect(code).toBe(1);
    expect(toFrames(text).some((frame) => /retrying in \d+ s \(attempt \d+\)/.test(frame))).toBe(true);
    expect(text.includes('\u001b[33mretrying in')).toBe(isPainted);
    expect(text.includes('\u001b[31mIncomplete')).toBe(isPainted);
    vi.stubEnv('NO_COLOR', '');
  });

  it('follows runs with a line below what it has stored', async () => {
    const live = `file://${join(home, 'live')}`;
    mkdirSync(join(home, 'live'));
    const ended = join(home, 'ended');
    makeRun(ended, { 'run.plx.json': JSON.stringify({ uuid: RUN, name: 'ended', status: 'succeeded' }) });

    const { code, text } = await runInTerminal(80, ['sync', ended, '--store', live, '--live']);

    const frames = toFrames(text);
    expect(code).toBe(0);
    expect(frames.some((frame) => frame.startsWith('watching  '))).toBe(true);
    expect(frames.some((frame) => frame.startsWith(`stored ${RUN}/run.plx.json`))).toBe(true);
  });

  it('prints plain lines on a terminal that cannot replace a line, and when piped', async () => {
    vi.stubEnv('TERM', 'dumb');
    const { text } = await runInTerminal(80, ['sync', root, '--store', store]);
    const { stderr, stdout } = await runCli('sync', root, '--store', store);

    expect(text).toContain('found 4 files');
    expect(stderr).toContain('found 4 files');
    for (const each of [text, stderr, stdout]) {
      expect(each).not.toContain('\u001b');
      expect(each).not.toMatch(/[█░]/);
    }
    vi.stubEnv('TERM', 'xterm-256color');
  });
});
