import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { isRunLive } from '../../../uploader/run-directory/is-run-live.js';
import { FakeClock } from '../../support/fake-clock.js';
import { createTempDir } from '../../support/temp-dir.js';

const HOUR = 3_600;
const DAY = 24 * HOUR;
const NOW = 1_800_000_000;

let directory: string;
beforeEach(() => {
  directory = createTempDir();
});

function write(name: string, content: object, ageSeconds = 0): void {
  const path = join(directory, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, JSON.stringify(content));
  utimesSync(path, NOW - ageSeconds, NOW - ageSeconds);
}

/** `quietSeconds`: how long no file of the run has changed. */
function check(quietSeconds: number): Promise<boolean> {
  const io = { ...nodeIo, clock: new FakeClock(NOW) };
  return isRunLive(io, Buffer.from(directory), (NOW - quietSeconds) * 1000);
}

const beat = (ageSeconds: number, writer = 'main'): void =>
  write(
    `.plx/heartbeat-${writer}.json`,
    { pid: 1, space: 'elsewhere', beat: 1, interval_ms: 10_000 },
    ageSeconds,
  );

describe('isRunLive', () => {
  it.each([
    ['an hour ago', HOUR - 1, true],
    ['longer ago', HOUR + 1, false],
  ])('trusts a writer on another host whose last sign of life was %s', async (_, age, isLive) => {
    beat(age);

    expect(await check(DAY)).toBe(isLive);
  });

  it('counts the files of the run and all heartbeats as signs of life', async () => {
    beat(DAY);
    expect(await check(HOUR / 2)).toBe(true);
    expect(await check(2 * HOUR)).toBe(false);
    beat(HOUR / 2, 'worker-1');
    write('.plx/other.json', {});
    expect(await check(2 * HOUR)).toBe(true);
  });

  it('trusts a run without a heartbeat for a day', async () => {
    write('run.plx.json', { uuid: 'a', status: 'running' });

    expect(await check(DAY - 1)).toBe(true);
    expect(await check(DAY + 1)).toBe(false);
  });

  it('knows a run that has ended, however recent its files are', async () => {
    write('run.plx.json', { uuid: 'a', status: 'succeeded' });

    expect(await check(0)).toBe(false);
  });

  it('trusts a writer if the time of its files is unknown', async () => {
    beat(DAY);

    expect(await check(Number.NEGATIVE_INFINITY)).toBe(true);
  });
});
