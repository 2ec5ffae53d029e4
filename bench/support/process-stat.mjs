// Reads memory and processor time of a process from Linux.

import { readFileSync } from 'node:fs';

/** `getconf CLK_TCK` is 100 on all common systems. */
const TICK_MS = 10;

/** Returns the current and peak resident memory. */
export function readMemory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  return { residentBytes: read('VmRSS'), peakBytes: read('VmHWM') };
}

/** Returns processor time in milliseconds: of the threads of the process, and of its children that have ended. */
export function readCpuMs(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user, system, endedUser, endedSystem] = fields.slice(11, 15);
  return { own: (user + system) * TICK_MS, ended: (endedUser + endedSystem) * TICK_MS };
}

/** Returns the bytes that a process has written with system calls, to files and sockets. */
export function readIo(pid) {
  const io = readFileSync(`/proc/${pid}/io`, 'utf8');
  return { writtenBytes: Number(/^wchar: (\d+)$/m.exec(io)?.[1]) };
}
