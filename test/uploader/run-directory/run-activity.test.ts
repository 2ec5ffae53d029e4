/** Which signs say that a run is still being written, and how long it is watched when nothing else can show it. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Io, nodeIo } from '../../../uploader/base/io/io.js';
import { RunActivity } from '../../../uploader/run-directory/run-activity.js';
import { createTempDir } from '../../support/temp-dir.js';

const HOUR_MS = 3_600_000;
const OLD = { newestMs: 0, nowMs: 48 * HOUR_MS };

let run: string;
let elapsedMs: number;
let onSleep: (atMs: number) => void;
let io: Io;
beforeEach(() => {
  run = createTempDir();
  mkdirSync(join(run, '.plx'));
  elapsedMs = 0;
  onSleep = () => undefined;
  const clock = {
    wallTime: () => elapsedMs / 1000,
    monotonicMs: () => elapsedMs,
    sleep: async (ms: number) => {
      elapsedMs += ms;
      onSleep(elapsedMs);
    },
  };
  io = { ...nodeIo, clock };
});

function write(path: string, content: unknown): void {
  writeFileSync(join(run, path), JSON.stringify(content));
}

/** A heartbeat of a writer on another host; `stampMs`: when the file was written. */
function beatElsewhere(writer = 'main', intervalMs = 1_000, beat = 1): void {
  const process = { pid: 1, hostname: 'h', space: 'elsewhere', started_ticks: null };
  write(`.plx/heartbeat-${writer}.json`, { ...process, beat, interval_ms: intervalMs });
}

/** When the file system has stamped the files that were just written, in ms. */
const FAR_FUTURE_MS = Date.now() + 48 * HOUR_MS;

async function find(
  options: { nowMs?: number; newestMs?: number; files?: string[] } = {},
): Promise<string | null> {
  const activity = await RunActivity.open(io, Buffer.from(run));
  const files = (options.files ?? []).map((name) => Buffer.from(join(run, name)));
  return activity.findSign({ ...OLD, ...options, files });
}

describe('RunActivity: the sign that a run is being written', () => {
  it('is its writer on this host, by name', async () => {
    const { pid, space, startedAt } = await nodeIo.processes.current();
    const beat = { pid, hostname: 'h', space, started_ticks: Number(startedAt), beat: 1, interval_ms: 1_000 };
    write('.plx/heartbeat-worker-2.json', beat);

    expect(await find()).toBe('its writer worker-2 runs on this host');
  });

  it('is none when all writers of this host have ended, however young the files are', async () => {
    const { space } = await nodeIo.processes.current();
    const beat = { pid: 2 ** 22 + 1, hostname: 'h', space, started_ticks: 1, beat: 1, interval_ms: 1_000 };
    write('.plx/heartbeat-main.json', beat);
    write('file', 1);

    expect(await find({ nowMs: 1, newestMs: 0, files: ['file'] })).toBeNull();
    expect(elapsedMs).toBe(0);
  });

  it.each([
    ['a file of the run', HOUR_MS, 1, 'its writer on another host was active within the last hour'],
    ['a file of the run', HOUR_MS, 0, null],
  ])('is, of a writer on another host, the age of %s', async (_, ageMs, lessMs, expected) => {
    beatElsewhere();

    expect(await find({ nowMs: FAR_FUTURE_MS, newestMs: FAR_FUTURE_MS - ageMs + lessMs })).toBe(expected);
  });

  it('is, of a writer on another host, also the age of its heartbeat alone', async () => {
    beatElsewhere();
    const now = Date.now();

    expect(await find({ nowMs: now + HOUR_MS / 2, newestMs: 0 })).toBe(
      'its writer on another host was active within the last hour',
    );
    expect(await find({ nowMs: now + 2 * HOUR_MS, newestMs: 0 })).toBeNull();
  });

  it.each([
    ['main', 1_000, 3_000],
    ['main', 5_000, 15_000],
    ['worker-1', 500_000, 600_000],
  ])(
    'watches a silent writer %s on another host for three of its beats of %d ms: %d ms',
    async (writer, intervalMs, watchedMs) => {
      beatElsewhere(writer, intervalMs);

      expect(await find({ nowMs: FAR_FUTURE_MS })).toBeNull();
      expect(elapsedMs).toBe(watchedMs);
    },
  );

  it('is a beat while it is watched', async () => {
    beatElsewhere('main', 5_000);
    onSleep = (atMs) => {
      if (atMs === 10_000) beatElsewhere('main', 5_000, 22_222);
    };

    expect(await find({ nowMs: FAR_FUTURE_MS })).toBe('it has changed while it was watched');
    expect(elapsedMs).toBe(10_000);
  });

  it('is a change of its files while it is watched, also if it has no writer', async () => {
    write('file', 1);
    onSleep = (atMs) => {
      if (atMs === 1_000) write('file', 12_345);
    };

    expect(await find({ files: ['file'] })).toBe('it has changed while it was watched');
    expect(elapsedMs).toBe(1_000);
  });

  it.each([
    [24 * HOUR_MS - 1, 'no end is recorded, and a file has changed within the last day'],
    [24 * HOUR_MS, null],
  ])('is, without a writer, the age of the files: %d ms', async (ageMs, expected) => {
    write('file', 1);

    expect(await find({ nowMs: ageMs, newestMs: 0, files: ['file'] })).toBe(expected);
    expect(elapsedMs).toBe(expected === null ? 3_000 : 0);
  });

  it('is none without a writer and files, or with an end in the run file', async () => {
    expect(await find({ nowMs: 1, newestMs: 0 })).toBeNull();
    write('file', 1);
    write('run.plx.json', { status: 'succeeded' });

    expect(await find({ nowMs: 1, newestMs: 0, files: ['file'] })).toBeNull();
    expect(elapsedMs).toBe(0);
    write('run.plx.json', { status: 'running' });
    expect(await find({ nowMs: 1, newestMs: 0, files: ['file'] })).not.toBeNull();
    writeFileSync(join(run, 'run.plx.json'), '{');
    expect(await find({ nowMs: 1, newestMs: 0, files: ['file'] })).not.toBeNull();
    write('run.plx.json', null);
    expect(await find({ nowMs: 1, newestMs: 0, files: ['file'] })).not.toBeNull();
  });
});

describe('RunActivity.hasChanged', () => {
  it.each([
    ['.plx/heartbeat-main.json', true],
    ['.plx/end-main.json', true],
    ['.plx/formats-3.json', true],
    ['.plx/worker-3.json', true],
    ['run.plx.json', true],
    ['.plx/order.json', false],
    ['.plx/heartbeat-main.json.partial', false],
    ['.plx/my-heartbeat-main.json', false],
    ['outputs.txt', false],
  ])('notices a new %s: %s', async (path, expected) => {
    const activity = await RunActivity.open(io, Buffer.from(run));
    expect(await activity.hasChanged()).toBe(false);

    write(path, 1);

    expect(await activity.hasChanged()).toBe(expected);
  });
});
