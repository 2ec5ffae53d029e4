import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Io, nodeIo } from '../../../uploader/base/io/io.js';
import { RunLiveness } from '../../../uploader/run-directory/run-liveness.js';
import { FakeClock } from '../../support/fake-clock.js';
import { createTempDir } from '../../support/temp-dir.js';
import { systemError, wrapFileSystem } from '../support/wrapped-file-system.js';

const SILENT_MS = 600_000;

let run: string;
let clock: FakeClock;
let io: Io;
beforeEach(() => {
  run = createTempDir();
  mkdirSync(join(run, '.plx'));
  clock = new FakeClock();
  io = { ...nodeIo, clock };
});

type State = 'writing' | 'lost' | 'ended';

/** A writer on this host that runs, or has stopped without or with an end marker. */
async function write(writer: string, state: State): Promise<void> {
  const { pid, space, startedAt } = await nodeIo.processes.current();
  const isRunning = state === 'writing';
  const beat = {
    ...{ pid: isRunning ? pid : 2 ** 22 + 1, hostname: 'h', space, beat: 1, interval_ms: 1_000 },
    started_ticks: Number(startedAt),
  };
  writeFileSync(join(run, `.plx/heartbeat-${writer}.json`), JSON.stringify(beat));
  if (state === 'ended') writeFileSync(join(run, `.plx/end-${writer}.json`), '{}');
}

const watch = () => new RunLiveness(io, Buffer.from(run));

describe('RunLiveness', () => {
  it.each<[string, Readonly<Record<string, State>>, string]>([
    ['one writer that runs', { main: 'writing' }, 'live'],
    ['one writer that has ended', { main: 'ended' }, 'ended'],
    ['one writer that is lost', { main: 'lost' }, 'lost'],
    ['a worker that runs after the main writer', { main: 'ended', one: 'writing' }, 'live'],
    ['a worker that is lost', { main: 'ended', one: 'lost' }, 'lost'],
    ['a worker that runs, and a lost one', { main: 'lost', one: 'writing' }, 'live'],
    ['writers that have all ended', { main: 'ended', one: 'ended' }, 'ended'],
  ])('of a run with %s', async (_, writers, expected) => {
    for (const [writer, state] of Object.entries(writers)) await write(writer, state);
    const liveness = watch();

    expect(await liveness.check(10 * SILENT_MS)).toBe(expected);
    expect(liveness.liveness).toBe(expected);
  });

  it.each([
    [undefined, SILENT_MS - 1, 'live'],
    [undefined, SILENT_MS, 'ended'],
    ['{"status":"running"}', SILENT_MS - 1, 'live'],
    ['{"status":"succeeded"}', 0, 'ended'],
    ['{"status":"failed"}', 0, 'ended'],
    ['{', 0, 'live'],
    ['null', 0, 'live'],
  ])('of a run without writers: run file %s, silent for %d ms', async (record, quietMs, expected) => {
    if (record !== undefined) writeFileSync(join(run, 'run.plx.json'), record);
    writeFileSync(join(run, '.plx/my-heartbeat-main.json'), '{}');

    expect(await watch().check(quietMs)).toBe(expected);
  });

  it('is live before the first check, and if the directory of the processes cannot be read', async () => {
    await write('main', 'ended');
    io = { ...io, fileSystem: wrapFileSystem({ readDirectory: () => Promise.reject(systemError('EIO')) }) };
    const liveness = watch();

    expect(liveness.liveness).toBe('live');
    expect(await liveness.check(0)).toBe('live');
  });

  it('keeps the state of each writer on another host between checks', async () => {
    const beat = {
      pid: 1,
      hostname: 'h',
      space: 'elsewhere',
      started_ticks: null,
      beat: 1,
      interval_ms: 1_000,
    };
    writeFileSync(join(run, '.plx/heartbeat-main.json'), JSON.stringify(beat));
    const liveness = watch();

    expect(await liveness.check(0)).toBe('live');
    clock.seconds += 61;
    expect(await liveness.check(0)).toBe('lost');
  });
});
