/** Checks a directory that polytrack writes to: whether it can, how much space is left, and what file system and clock it has. */

import { join } from 'node:path';
import { messageOf } from '../../../src/base/errors.js';
import { formatBytes } from '../../base/format.js';
import type { Io } from '../../base/io/io.js';
import { type DoctorFinding, ok, problem, warning } from './finding.js';

/** A probe ends with this, so that no uploader takes it for a file of a run. */
const PROBE_SUFFIX = '.partial';
const FILE_MODE = 0o600;
const LITTLE_BYTES = 1e9;
const FULL_BYTES = 50e6;
/** Between the clocks of this host and of a file server. Smaller differences are normal. */
const MAX_CLOCK_OFFSET_MS = 60_000;

/** File systems that other hosts may write to. Source: statfs(2), and linux/magic.h. */
const NETWORK_TYPES: Readonly<Record<number, string>> = {
  26985: 'NFS',
  20859: 'SMB',
  4266872130: 'SMB',
  4283649346: 'CIFS',
  1397113167: 'AFS',
  12805120: 'Ceph',
  198183888: 'Lustre',
  1196443219: 'GPFS',
  428016422: 'BeeGFS',
  16914839: '9P',
  1702057286: 'FUSE',
};

interface DirectoryFacts {
  readonly freeBytes: number;
  /** The kind of network file system; null for a local or unknown one. */
  readonly network: string | null;
  /** Why nothing can be written; null if it can. */
  readonly failure: string | null;
  /** How far the clock of the file system is ahead of this host's; null if nothing can be written. */
  readonly clockOffsetMs: number | null;
}

/** Writes a small file into the directory, and removes it again. Throws the error of a directory that cannot be examined. */
export async function examineDirectory(io: Io, directory: string): Promise<DirectoryFacts> {
  const { fileSystem } = io;
  const type = await fileSystem.fileSystemType(directory);
  return {
    freeBytes: await fileSystem.freeBytes(directory),
    network: NETWORK_TYPES[type] ?? null,
    ...(await probe(io, directory)),
  };
}

async function probe(
  { fileSystem, clock, randomness }: Io,
  directory: string,
): Promise<Pick<DirectoryFacts, 'failure' | 'clockOffsetMs'>> {
  const path = join(directory, `.polytrack-doctor-${randomness.id()}${PROBE_SUFFIX}`);
  try {
    const file = await fileSystem.openForWriting(path, 'create', FILE_MODE);
    try {
      try {
        await file.append(Buffer.from('polytrack doctor\n'));
        await file.sync();
      } finally {
        await file.close();
      }
      const { mtimeNs } = await fileSystem.lstat(path);
      return { failure: null, clockOffsetMs: Number(mtimeNs / 1_000_000n) - clock.wallTime() * 1000 };
    } finally {
      await fileSystem.unlink(path);
    }
  } catch (error) {
    return { failure: messageOf(error), clockOffsetMs: null };
  }
}

/** What the facts of a directory mean. `isLocal`: whether it should be on a local disk. */
export function toDirectoryFindings(
  name: string,
  path: string,
  facts: DirectoryFacts,
  { isLocal }: { readonly isLocal: boolean },
): DoctorFinding[] {
  const { freeBytes, network, failure, clockOffsetMs } = facts;
  const free = `${formatBytes(freeBytes)} free`;
  const place = network === null ? path : `${path}, on a network file system (${network})`;
  const findings: DoctorFinding[] = [];
  if (failure !== null)
    findings.push(
      problem(name, `${place}: cannot be written: ${failure}`, 'Make it writable for this user.'),
    );
  else if (isLocal && network !== null)
    findings.push(
      warning(
        name,
        `${place}: locks and journals are not safe there`,
        'Pass a local directory with --state-dir.',
      ),
    );
  else findings.push(ok(name, `${place}: writable, ${free}`));
  if (freeBytes < FULL_BYTES) findings.push(problem('disk', `${path}: ${free}`, FREE_DISK));
  else if (freeBytes < LITTLE_BYTES) findings.push(warning('disk', `${path}: ${free}`, FREE_DISK));
  if (clockOffsetMs !== null && Math.abs(clockOffsetMs) > MAX_CLOCK_OFFSET_MS)
    findings.push(
      warning(
        'clock',
        `new files in ${path} are dated ${Math.round(Math.abs(clockOffsetMs) / 1000)} s ${clockOffsetMs > 0 ? 'after' : 'before'} this host's time`,
        'Synchronise the clocks of this host and of the file server with NTP.',
      ),
    );
  return findings;
}

const FREE_DISK = 'Free disk space: polytrack clean deletes local files that a store has.';
