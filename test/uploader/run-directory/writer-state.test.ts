import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { Diagnostics } from '../../../src/base/diagnostics.js';
import { Heartbeat } from '../../../src/run-directory/heartbeat.js';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { WriterWatch } from '../../../uploader/run-directory/writer-state.js';
import { FakeClock } from '../../support/fake-clock.js';
import { createTempDir } from '../../support/temp-dir.js';

let run: string;
let clock: FakeClock;
beforeEach(() => {
  run = createTempDir();
  clock = new FakeClock();
});

const watch = () => new WriterWatch(run, { ...nodeIo, clock });
const beat = (changes: object = {}) => {
  mkdirSync(join(run, '.plx'), { recursive: true });
  const content = {
    pid: 1,
    hostname: 'h',
    space: 'elsewhere',
    started_ticks: null,
    beat: 1,
    interval_ms: 1000,
  };
  writeFileSync(join(run, '.plx/heartbeat-main.json'), JSON.stringify({ ...content, ...changes }));
};

describe('WriterWatch', () => {
  it('returns unknown without a heartbeat', async () => {
    expect(await watch().check()).toBe('unknown');
  });

  it('detects that a process on this host is alive, and that it ends', async () => {
    const heartbeat = new Heartbeat(run, 'main', { intervalMs: 60_000, diagnostics: new Diagnostics() });
    const watched = watch();

    expect(await watched.check()).toBe('writing');
    heartbeat.end({
      status: 'succeeded',
      exit_code: 0,
      signal: null,
      reason: 'ProcessExit',
      message: null,
      ended_at: '2026-01-01T00:00:00.000000+00:00',
    });

    expect(await watched.check()).toBe('ended');
  });

  it('detects that a process on this host no longer runs', async () => {
    const { space } = await nodeIo.processes.current();
    beat({ space, pid: 2 ** 22 + 1 });

    expect(await watch().check()).toBe('lost');
  });

  it('detects that another process has the pid', async () => {
    const { space, pid } = await nodeIo.processes.current();
    beat({ space, pid, started_ticks: 1 });

    expect(await watch().check()).toBe('lost');
  });

  describe('of a heartbeat from before a reboot', () => {
    const host = 'id of the host';
    const check = (hostId: string, changes: object): Promise<string> => {
      beat({ space: 'gpu-3 boot-1 pid:[1]', host_id: host, ...changes });
      const current = async () => ({ pid: 7, startedAt: '7', space: 'gpu-3 boot-2 pid:[1]' });
      const io = { ...nodeIo, clock, hostId: async () => hostId };
      return new WriterWatch(run, { ...io, processes: { ...nodeIo.processes, current } }).check();
    };

    it('knows that its process has ended', async () => {
      expect(await check(host, {})).toBe('lost');
    });

    it.each([
      ['has the host name, but another id', 'id of another host', {}],
      ['has no id, as in a container or in a file of an earlier version', host, { host_id: undefined }],
      ['has the id and the boot, but another pid namespace', host, { space: 'gpu-3 boot-2 pid:[2]' }],
    ])('waits for missed heartbeats if the host %s', async (_, hostId, changes) => {
      expect(await check(hostId, changes)).toBe('writing');
    });
  });

  it('trusts a process on another host for 60 missed heartbeats, by its own clock', async () => {
    beat();
    const watched = watch();

    expect(await watched.check()).toBe('writing');
    clock.seconds += 60;
    expect(await watched.check()).toBe('writing');
    beat({ beat: 2 });
    expect(await watched.check()).toBe('writing');
    clock.seconds += 60;
    expect(await watched.check()).toBe('writing');
    clock.seconds += 1;
    expect(await watched.check()).toBe('lost');
  });

  it('detects that a resumed run is active again', async () => {
    const diagnostics = new Diagnostics();
    const first = new Heartbeat(run, 'main', { intervalMs: 60_000, diagnostics });
    first.end({ status: 'failed', exit_code: 1, signal: null, reason: 'r', message: null, ended_at: '' });

    const second = new Heartbeat(run, 'main', { intervalMs: 60_000, diagnostics });

    expect(await watch().check()).toBe('writing');
    second.end({ status: 'succeeded', exit_code: 0, signal: null, reason: 'r', message: null, ended_at: '' });
    rmSync(join(run, '.plx'), { recursive: true });
    expect(await watch().check()).toBe('unknown');
  });
});
