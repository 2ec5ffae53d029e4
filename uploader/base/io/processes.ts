/** Identifies processes and checks whether they run, so that a lock can distinguish a live holder from a dead one. */

import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { systemErrorCode } from './system-error.js';

export interface ProcessIdentity {
  readonly pid: number;
  /** When the process started, in the unit of the kernel. Pids are reused; a pair of pid and start is not. Empty if unknown. */
  readonly startedAt: string;
  /** Host, boot and pid namespace. Processes in different spaces cannot check each other. */
  readonly space: string;
}

export interface ProcessTable {
  current(): Promise<ProcessIdentity>;
  /** Whether a process in the space of this process still runs. */
  isRunning(identity: ProcessIdentity): Promise<boolean>;
}

export const nodeProcessTable: ProcessTable = {
  async current() {
    const [startedAt, bootId, namespace] = await Promise.all([
      readStartTime(process.pid),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''), // not Linux: use only the host name
      readlink('/proc/self/ns/pid').catch(() => ''),
    ]);
    return { pid: process.pid, startedAt, space: [hostname(), bootId.trim(), namespace].join(' ') };
  },

  async isRunning({ pid, startedAt }) {
    try {
      process.kill(pid, 0);
    } catch (error) {
      // EPERM: it runs and belongs to another user.
      if (systemErrorCode(error) !== 'EPERM') return false;
    }
    const found = await readStartTime(pid);
    return found === '' || startedAt === '' || found === startedAt;
  },
};

/** Field 22 of `/proc/<pid>/stat`, counted after the parenthesised command, which may contain spaces: proc_pid_stat(5). */
async function readStartTime(pid: number): Promise<string> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return ''; // not Linux, or the process has ended; the caller has already checked with the kernel
  }
}
