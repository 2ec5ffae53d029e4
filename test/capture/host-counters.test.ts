import { describe, expect, it } from 'vitest';
import { HOST_FILES } from '../../src/capture/host.js';
import {
  readDiskTraffic,
  readMemoryPercent,
  readNetworkTraffic,
  readProcessorTimes,
} from '../../src/capture/host-counters.js';
import { createHost } from './host-files.js';

const NOTHING = {};

describe('readProcessorTimes', () => {
  it('counts waiting for disks as idle, and guest time once', () => {
    const host = createHost({ 'proc/stat': 'cpu  100 10 50 800 40 5 5 10 70 3\ncpu0 1 2 3\n' });

    expect(readProcessorTimes(host)).toEqual({ busy: 180, total: 1020 });
  });

  it('knows systems without /proc', () => {
    const { busy, total } = readProcessorTimes(createHost(NOTHING));

    expect(busy).toBeGreaterThan(0);
    expect(total).toBeGreaterThan(busy);
  });
});

describe('readMemoryPercent', () => {
  const MEMINFO = 'MemTotal:       8000 kB\nMemFree:        1000 kB\nMemAvailable:   6000 kB\n';

  it('counts memory as used if it cannot be made available', () => {
    expect(readMemoryPercent(createHost({ 'proc/meminfo': MEMINFO }))).toBe(25);
  });

  it('is relative to the limit of the control group if that is lower', () => {
    const host = createHost({
      'proc/meminfo': MEMINFO,
      'proc/self/cgroup': '0::/\n',
      'sys/fs/cgroup/memory.max': '4096000\n',
      'sys/fs/cgroup/memory.current': '3072000\n',
      'sys/fs/cgroup/memory.stat': 'inactive_file 1024000\n',
    });

    expect(readMemoryPercent(host)).toBe(50);
  });

  it('knows systems without /proc', () => {
    const percent = readMemoryPercent(createHost(NOTHING));

    expect(percent).toBeGreaterThan(0);
    expect(percent).toBeLessThan(100);
  });
});

describe('readDiskTraffic', () => {
  it('adds the traffic of whole disks', () => {
    const host = createHost({
      'proc/diskstats': [
        '   8       0 sda 5 0 100 1 7 0 200 1 0 1 1 0 0 0 0 0 0',
        '   8       1 sda1 5 0 100 1 7 0 200 1 0 1 1',
        ' 259       0 nvme0n1 5 0 10 1 7 0 20 1 0 1 1',
        ' 259       1 nvme0n1p1 5 0 10 1 7 0 20 1 0 1 1',
        '   7       0 loop0 5 0 100 1 7 0 200 1 0 1 1',
        ' 253       0 dm-0 5 0 100 1 7 0 200 1 0 1 1',
        ' 252       0 zram0 5 0 100 1 7 0 200 1 0 1 1',
      ].join('\n'),
    });

    expect(readDiskTraffic(host)).toEqual({ in: 110 * 512, out: 220 * 512 });
  });

  it('is that of the process where disks are not listed', () => {
    const host = createHost({
      'proc/diskstats': '',
      'proc/self/io': 'rchar: 1\nwchar: 2\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n',
    });

    expect(readDiskTraffic(host)).toEqual({ in: 4096, out: 8192 });
    expect(readDiskTraffic(createHost(NOTHING))).toBeUndefined();
  });
});

describe('readNetworkTraffic', () => {
  const HEADER = 'Inter-|   Receive |  Transmit\n face |bytes    packets errs|bytes    packets\n';
  const line = (name: string, received: number, sent: number) =>
    `${name.padStart(6)}: ${received} 1 0 0 0 0 0 0 ${sent} 1 0 0 0 0 0 0\n`;

  it('adds the traffic of interfaces that leave the machine', () => {
    const host = createHost({
      'proc/net/dev': [
        HEADER,
        ...[line('lo', 9, 9), line('eth0', 100, 10), line('enp3s0', 200, 20), line('docker0', 9, 9)],
        ...[line('veth1a2b', 9, 9), line('br-12ab', 9, 9), line('eth0.100', 9, 9), line('bond0', 9, 9)],
      ].join(''),
    });

    expect(readNetworkTraffic(host)).toEqual({ in: 300, out: 30 });
  });

  it('uses virtual interfaces in a container that has no others', () => {
    expect(
      readNetworkTraffic(createHost({ 'proc/net/dev': HEADER + line('lo', 9, 9) + line('tap0', 7, 8) })),
    ).toEqual({ in: 7, out: 8 });
    expect(readNetworkTraffic(createHost({ 'proc/net/dev': HEADER + line('lo', 9, 9) }))).toBeUndefined();
    expect(readNetworkTraffic(createHost(NOTHING))).toBeUndefined();
  });
});

describe('this host', () => {
  it('returns numbers', () => {
    const { busy, total } = readProcessorTimes(HOST_FILES);
    const counters = [readDiskTraffic(HOST_FILES), readNetworkTraffic(HOST_FILES)];

    expect(total).toBeGreaterThan(busy);
    for (const traffic of counters) {
      if (traffic !== undefined) expect([traffic.in, traffic.out].every(Number.isSafeInteger)).toBe(true);
    }
  });
});
