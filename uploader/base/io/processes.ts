/** Which processes run: what a lock needs in order to tell a holder from the traces of a dead one. */

import { createHash } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { systemErrorCode } from './system-error.js';

export interface ProcessIdentity {
  readonly pid: number;
  /** When the process started, in the kernel's own unit: pids are used again, this pair is not. Empty where it cannot be had. */
  readonly startedAt: string;
  /** Host, boot and pid namespace. Two processes of different spaces cannot see whether the other runs. */
  readonly space: string;
}

export interface ProcessTable {
  current(): Promise<ProcessIdentity>;
  /** Whether a process of this process's own space still runs. */
  isRunning(identity: ProcessIdentity): Promise<boolean>;
}

export const nodeProcessTable: ProcessTable = {
  async current() {
    const [startedAt, bootId, namespace] = await Promise.all([
      readStartTime(process.pid),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''), // not Linux: the host's name has to do
      readlink('/proc/self/ns/pid').catch(() => ''),
    ]);
    return { pid: process.pid, startedAt, space: [hostname(), bootId.trim(), namespace].join(' ') };
  },

  async isRunning({ pid, startedAt }) {
    try {
      process.kill(pid, 0);
    } catch (error) {
      // EPERM: it runs, and belongs to somebody else.
      if (systemErrorCode(error) !== 'EPERM') return false;
    }
    const found = await readStartTime(pid);
    return found === '' || startedAt === '' || found === startedAt;
  },
};

/** Field 22 of `/proc/<pid>/stat`, counted after the parenthesised command, which may itself hold spaces: proc_pid_stat(5). */
async function readStartTime(pid: number): Promise<string> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return ''; // not Linux, or the process is gone: the caller has asked the kernel already
  }
}

/**
 * Names this host, the same after a reboot. Copies of a virtual machine share the machine id, containers of an image too; what tells them apart
 * is the name that they run under.
 */
export async function readHostId(): Promise<string> {
  const machineId = await readFile('/etc/machine-id', 'utf8').catch(() => ''); // not Linux: the name has to do
  return createHash('sha256').update(`${machineId.trim()} ${hostname()}`).digest('hex').slice(0, 32);
}
