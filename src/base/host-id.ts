/** Identifies a host, so that a later process can tell whether it runs on the same one. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const MACHINE_ID = '/etc/machine-id';

/** Returns the machine id; empty where there is none: in many containers, and on other systems than Linux. Source: machine-id(5). */
export function readMachineId(): string {
  try {
    return readFileSync(MACHINE_ID, 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * Returns an id of a host that survives a reboot. It includes the host name, because copies of a virtual machine and containers of one
 * image share the machine id.
 */
export function toHostId(machineId: string, hostName: string): string {
  return createHash('sha256').update(`${machineId} ${hostName}`).digest('hex').slice(0, 32);
}
