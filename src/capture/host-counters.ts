/**
 * Reads counters and usage of the whole machine from the kernel. A value is undefined where the system does not provide it.
 */

import { cpus, freemem, totalmem } from 'node:os';
import { type HostFiles, readHostFile, readMemoryLimit } from './host.js';

/** Time of all processors since boot, in units that differ between systems. */
export interface ProcessorTimes {
  readonly busy: number;
  readonly total: number;
}

/** Bytes since boot. */
interface Traffic {
  readonly in: number;
  readonly out: number;
}

const SECTOR_BYTES = 512;
/** Matches whole disks only. Partitions and volumes would count traffic twice; disks in memory cause none. */
const DISK_NAME = /^(?:(?:sd|vd|xvd|hd|dasd)[a-z]+|nvme\d+n\d+|mmcblk\d+)$/;
/** Matches interfaces whose traffic stays on the machine, or is also counted by another interface. */
const VIRTUAL_INTERFACE =
  /^(?:lo|veth|docker|br-|virbr|cni|flannel|cali|kube-|ifb|dummy|tun|tap|wg|bond|team|sit|ip6tnl|vnet)|[.@:]/;

/**
 * Returns processor times with the rules of psutil: waiting for disks counts as idle, and guest time counts as time of the host.
 *
 * Source: proc_stat(5); psutil 6, `__init__.py` (`_cpu_tot_time`, `_cpu_busy_time`).
 */
export function readProcessorTimes(files: HostFiles): ProcessorTimes {
  const line = /^cpu +(.*)$/m.exec(readHostFile(files, 'proc/stat') ?? '')?.[1];
  if (line !== undefined) {
    const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = line
      .split(' ')
      .map(Number);
    const busy = user + nice + system + irq + softirq + steal;
    return { busy, total: busy + idle + iowait };
  }
  const times = cpus().map((processor) => processor.times);
  const sum = (pick: (time: (typeof times)[number]) => number) =>
    times.reduce((all, one) => all + pick(one), 0);
  const busy = sum((time) => time.user + time.nice + time.sys + time.irq);
  return { busy, total: busy + sum((time) => time.idle) };
}

/**
 * Returns memory usage in percent: of the control group's limit if it is below the memory of the machine, else of the memory of the
 * machine. Memory that the kernel can make available immediately does not count as used.
 *
 * Source: psutil 6, `virtual_memory().percent`, which does not consider control groups.
 */
export function readMemoryPercent(files: HostFiles): number {
  const info = readHostFile(files, 'proc/meminfo') ?? '';
  const field = (name: string): number | undefined => {
    const kibibytes = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(info)?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  };
  const totalBytes = field('MemTotal') ?? totalmem();
  const limit = readMemoryLimit(files, totalBytes);
  if (limit !== undefined) return (100 * limit.usedBytes) / limit.limitBytes;
  return (100 * (totalBytes - (field('MemAvailable') ?? freemem()))) / totalBytes;
}

/**
 * Returns bytes read from and written to the disks of the machine, or those of this process where disks are not listed.
 *
 * Source: Linux kernel, `admin-guide/iostats.rst` (fields 3 and 7, sectors of 512 bytes); proc_pid_io(5).
 */
export function readDiskTraffic(files: HostFiles): Traffic | undefined {
  const disks = (readHostFile(files, 'proc/diskstats') ?? '')
    .split('\n')
    .map((line) => line.trim().split(/ +/))
    .filter(([, , name = '']) => DISK_NAME.test(name));
  if (disks.length > 0) {
    return {
      in: SECTOR_BYTES * disks.reduce((sum, fields) => sum + Number(fields[5]), 0),
      out: SECTOR_BYTES * disks.reduce((sum, fields) => sum + Number(fields[9]), 0),
    };
  }
  const own = readHostFile(files, 'proc/self/io') ?? '';
  const read = /^read_bytes: (\d+)$/m.exec(own)?.[1];
  const written = /^write_bytes: (\d+)$/m.exec(own)?.[1];
  return read === undefined || written === undefined ? undefined : { in: Number(read), out: Number(written) };
}

/**
 * Returns bytes received and sent by the network interfaces that are visible to the process.
 *
 * Source: proc_pid_net(5), `net/dev`: 8 fields for received data, then 8 for sent data, each beginning with bytes.
 */
export function readNetworkTraffic(files: HostFiles): Traffic | undefined {
  const interfaces = (readHostFile(files, 'proc/net/dev') ?? '').split('\n').flatMap((line) => {
    const [, name, counters] = /^ *(\S+): *(\d.*)$/.exec(line) ?? [];
    if (name === undefined || counters === undefined || name === 'lo') return [];
    const fields = counters.split(/ +/).map(Number);
    return [{ name, in: fields[0] ?? 0, out: fields[8] ?? 0 }];
  });
  // A container may have only virtual interfaces, such as `tap0`.
  const real = interfaces.filter(({ name }) => !VIRTUAL_INTERFACE.test(name));
  const counted = real.length > 0 ? real : interfaces;
  if (counted.length === 0) return undefined;
  return {
    in: counted.reduce((sum, one) => sum + one.in, 0),
    out: counted.reduce((sum, one) => sum + one.out, 0),
  };
}
