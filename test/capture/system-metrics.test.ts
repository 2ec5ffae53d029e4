import { execFile } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { createSystemSampler, type SystemSamplerOptions } from '../../src/capture/system-metrics.js';
import { FakeClock } from '../support/fake-clock.js';
import { describeWithPeers, peerPath } from '../support/peers.js';
import { createTempDir } from '../support/temp-dir.js';
import { runProgram } from './capture-child.js';
import { createHost, writeHostFiles } from './host-files.js';

const MEBIBYTE = 1024 * 1024;

function openSampler(options: Partial<SystemSamplerOptions> = {}) {
  const sampler = createSystemSampler({ clock: systemClock, environment: { PATH: '' }, ...options });
  onTestFinished(() => sampler.close());
  return sampler;
}

/** Creates a directory for the PATH with a `nvidia-smi` that records each call. */
function createNvidiaSmi(script: string) {
  const directory = createTempDir();
  const calls = join(directory, 'calls');
  writeFileSync(join(directory, 'nvidia-smi'), `#!/bin/sh\necho "$*" >> '${calls}'\n${script}\n`);
  chmodSync(join(directory, 'nvidia-smi'), 0o755);
  return {
    directory,
    environment: { PATH: `${directory}:/bin:/usr/bin` },
    calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []),
  };
}

/** Returns counters after `ticks` of processor time, half of which were busy. */
function toFiles(ticks: number, bytes: number): Record<string, string> {
  return {
    'proc/stat': `cpu  ${ticks / 2} 0 0 ${ticks / 2} 0 0 0 0 0 0\n`,
    'proc/meminfo': 'MemTotal: 1000 kB\nMemAvailable: 333 kB\n',
    'proc/diskstats': `8 0 sda 0 0 ${bytes / 512} 0 0 0 ${(2 * bytes) / 512} 0 0 0 0\n`,
    'proc/net/dev': `eth0: ${3 * bytes} 0 0 0 0 0 0 0 ${4 * bytes} 0 0 0 0 0 0 0\n`,
  };
}

describe('createSystemSampler', () => {
  it('returns the metrics of the Python client and further ones', async () => {
    const sampler = openSampler({ directory: createTempDir() });

    await sampler.sample();
    await sleep(100);
    const sample = await sampler.sample();

    expect(Object.keys(sample)).toEqual(
      expect.arrayContaining([
        ...['load', 'cpu', 'memory', 'disk_usage', 'process_cpu', 'process_rss_bytes'],
        ...['process_heap_used_bytes', 'event_loop_delay_ms_p50', 'event_loop_delay_ms_p99'],
      ]),
    );
    for (const [name, value] of Object.entries(sample)) {
      expect(name).toMatch(/^[a-z0-9_]+$/);
      expect(value).toBeGreaterThanOrEqual(0);
      if (/^(?:cpu|memory|disk_usage)$/.test(name)) expect(value).toBeLessThanOrEqual(100);
    }
    expect(sample.process_rss_bytes).toBeGreaterThan(MEBIBYTE);
  });

  it('has no rates in its first sample, and 0 for cpu', async () => {
    const sampler = openSampler({ clock: new FakeClock(), hostFiles: createHost(toFiles(1000, 4096)) });

    const sample = await sampler.sample();

    expect(sample).toMatchObject({ cpu: 0, memory: 66.7 });
    expect(Object.keys(sample).filter((name) => /per_second|process_cpu/.test(name))).toEqual([]);
  });

  it('returns rates since the previous sample', async () => {
    const clock = new FakeClock();
    const hostFiles = createHost(toFiles(1000, 4096));
    const sampler = openSampler({ clock, hostFiles });
    await sampler.sample();

    clock.seconds += 10;
    writeHostFiles(hostFiles, toFiles(2000, 4096 + 5120));

    expect(await sampler.sample()).toMatchObject({
      cpu: 50,
      disk_read_bytes_per_second: 512,
      disk_write_bytes_per_second: 1024,
      network_rx_bytes_per_second: 1536,
      network_tx_bytes_per_second: 2048,
      process_cpu: expect.any(Number),
    });
  });

  it('omits a rate whose counter was reset', async () => {
    const clock = new FakeClock();
    const hostFiles = createHost(toFiles(1000, 4096));
    const sampler = openSampler({ clock, hostFiles });
    await sampler.sample();

    clock.seconds += 10;
    writeHostFiles(hostFiles, toFiles(500, 512));
    const sample = await sampler.sample();

    expect(sample.cpu).toBe(0);
    expect(Object.keys(sample).filter((name) => name.includes('per_second'))).toEqual([]);
  });

  it('works without /proc', async () => {
    const sampler = openSampler({ hostFiles: { root: join(createTempDir(), 'missing') } });

    const sample = await sampler.sample();

    expect(sample).toMatchObject({ cpu: expect.any(Number), memory: expect.any(Number) });
    expect(Object.keys(sample).filter((name) => /^(?:disk|network)_.*per_second/.test(name))).toEqual([]);
  });

  it('omits the usage of a missing directory', async () => {
    const directory = createTempDir();
    rmSync(directory, { recursive: true });

    expect(await openSampler({ directory }).sample()).not.toHaveProperty('disk_usage');
  });

  it('measures the delay of the event loop', async () => {
    const sampler = openSampler();
    await sleep(100);
    await sampler.sample();

    for (let turn = 0; turn < 3; turn++) {
      const end = performance.now() + 200;
      while (performance.now() < end);
      await sleep(30);
    }
    const busy = await sampler.sample();
    await sleep(200);
    const idle = await sampler.sample();

    expect(busy.event_loop_delay_ms_p99).toBeGreaterThan(100);
    expect(idle.event_loop_delay_ms_p50).toBeLessThan(100);
  });

  describe('with GPUs', () => {
    it('returns their memory in bytes and their utilization', async () => {
      const nvidia = createNvidiaSmi(
        `printf '0, 8192, 1024, 37\\n1, 100, [N/A], [Not Supported]\\n2, , 5, 0\\nnonsense\\n'`,
      );

      const sample = await openSampler({ environment: nvidia.environment }).sample();

      expect(Object.fromEntries(Object.entries(sample).filter(([name]) => name.startsWith('gpu_')))).toEqual({
        gpu_0_memory_free: 8192 * MEBIBYTE,
        gpu_0_memory_used: 1024 * MEBIBYTE,
        gpu_0_utilization: 37,
        gpu_1_memory_free: 100 * MEBIBYTE,
        gpu_2_memory_used: 5 * MEBIBYTE,
        gpu_2_utilization: 0,
      });
      expect(nvidia.calls()).toEqual([
        '--query-gpu=index,memory.free,memory.used,utilization.gpu --format=csv,noheader,nounits',
      ]);
    });

    it('does not query again without a driver', async () => {
      const directory = createTempDir();
      const sampler = openSampler({ environment: { PATH: directory } });
      await sampler.sample();

      const nvidia = createNvidiaSmi('echo "0, 1, 1, 1"');
      writeFileSync(join(directory, 'nvidia-smi'), readFileSync(join(nvidia.directory, 'nvidia-smi')));
      chmodSync(join(directory, 'nvidia-smi'), 0o755);

      expect(await sampler.sample()).not.toHaveProperty('gpu_0_utilization');
      expect(nvidia.calls()).toEqual([]);
    });

    it('queries a failing driver three times, and one that recovers again', async () => {
      const failing = createNvidiaSmi('exit 9');
      const sampler = openSampler({ environment: failing.environment });
      for (let turn = 0; turn < 5; turn++) await sampler.sample();

      const flaky = createNvidiaSmi('exit 9');
      const second = openSampler({ environment: flaky.environment });
      await second.sample();
      await second.sample();
      writeFileSync(join(flaky.directory, 'nvidia-smi'), '#!/bin/sh\necho "0, 1, 1, 1"\n');

      expect(failing.calls()).toHaveLength(3);
      expect(await second.sample()).toHaveProperty('gpu_0_utilization', 1);
    });
  });

  describe('start', () => {
    it('passes a sample immediately, then at each interval, until it is closed', async () => {
      const sampler = openSampler();
      const times: number[] = [];

      sampler.start(50, (sample, wallTimeSeconds) => {
        expect(sample).toHaveProperty('memory');
        times.push(wallTimeSeconds);
      });
      await vi.waitFor(() => expect(times.length).toBeGreaterThanOrEqual(3), 60_000);
      sampler.close();
      const count = times.length;
      await sleep(150);

      expect(times).toHaveLength(count);
      expect(Math.abs(times[0]! - Date.now() / 1000)).toBeLessThan(10);
    });

    it('passes no sample after it is closed, including one in progress', async () => {
      const sampler = openSampler();
      const onSample = vi.fn();

      sampler.start(10, onSample);
      sampler.close();
      sampler.start(10, onSample);
      await sleep(100);

      expect(onSample).not.toHaveBeenCalled();
    });

    it('continues when the receiver of a sample throws', async () => {
      const sampler = openSampler();
      const onSample = vi.fn(() => {
        throw new Error('of the receiver');
      });

      sampler.start(10, onSample);

      await vi.waitFor(() => expect(onSample.mock.calls.length).toBeGreaterThanOrEqual(2), 60_000);
    });

    it('does not keep a process alive, even with a driver that does not respond', async () => {
      const nvidia = createNvidiaSmi('exec sleep 600');
      const url = (file: string) => JSON.stringify(new URL(`../../dist/src/${file}`, import.meta.url).href);

      const { stdout, code } = await runProgram(
        `import { createSystemSampler } from ${url('capture/system-metrics.js')};
         import { systemClock } from ${url('base/clock.js')};
         createSystemSampler({ clock: systemClock }).start(10, () => console.log('sample'));
         setTimeout(() => console.log('end'), 500);`,
        { PATH: `${nvidia.directory}:/bin:/usr/bin` },
      );

      expect(stdout.toString()).toBe('end\n');
      expect(code).toBe(0);
      expect(nvidia.calls()).toHaveLength(1);
    });
  });
});

describeWithPeers(['polyaxon'], 'load and memory', () => {
  it('equal those of Python', async () => {
    const program = `
import json, psutil
print(json.dumps([psutil.getloadavg()[0], psutil.virtual_memory().percent]))
`;

    const sample = await openSampler().sample();
    const { stdout } = await promisify(execFile)(peerPath('polyaxon'), ['-c', program]);

    const [load, memory] = JSON.parse(stdout);
    expect(Math.abs(sample.load! - load)).toBeLessThan(1);
    expect(Math.abs(sample.memory! - memory)).toBeLessThan(5);
  });
});
