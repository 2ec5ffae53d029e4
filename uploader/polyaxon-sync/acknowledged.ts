/**
 * Stores which field updates of a run the server has acknowledged: a hash for each item. The next process reads the file to send fewer
 * requests. If the file is lost, the process compares with the server, and sends nothing twice that would count twice.
 */

import type { FileSystem } from '../base/io/file-system.js';
import { makeDirectories } from '../base/io/make-directories.js';
import { systemErrorCode } from '../base/io/system-error.js';
import { readWholeFile, replaceFile } from '../base/io/whole-file.js';

/** An item that the server rejects. It is not sent again until its value changes. */
export interface Deferred {
  readonly hash: string;
  readonly code: string;
  readonly message: string;
}

export interface Acknowledged {
  /** Hashes by the key of the item; see items.ts. */
  readonly items: Map<string, string>;
  readonly deferred: Map<string, Deferred>;
  /** Whether the lineage on the server is known: it was read, or is empty because polytrack created the run. */
  hasLineage: boolean;
  /** The hash of the end status and of all data reported with it. */
  final: string | null;
}

/** The server and project that acknowledged. The file is ignored for any other server or project. */
export interface SyncTarget {
  readonly host: string;
  readonly owner: string;
  readonly project: string;
}

const VERSION = 1;
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const MAX_BYTES = 256 * 1024 * 1024;

export function createAcknowledged(): Acknowledged {
  return { items: new Map(), deferred: new Map(), hasLineage: false, final: null };
}

/** Reads the file. Returns null if it does not exist, is invalid or belongs to another target. */
export async function readAcknowledged(
  fileSystem: FileSystem,
  path: string,
  runSync: SyncTarget,
): Promise<Acknowledged | null> {
  try {
    const text = (await readWholeFile(fileSystem, path, MAX_BYTES)).toString('utf8');
    const { version, host, owner, project, items, deferred, hasLineage, final } = JSON.parse(text);
    const isTheirs = host === runSync.host && owner === runSync.owner && project === runSync.project;
    if (version !== VERSION || !isTheirs) return null;
    return {
      items: new Map(Object.entries(items as Record<string, string>)),
      deferred: new Map(Object.entries(deferred as Record<string, Deferred>)),
      hasLineage: hasLineage === true,
      final: typeof final === 'string' ? final : null,
    };
  } catch {
    return null; // absent or invalid: compare with the server
  }
}

/** Writes the file. Ignores errors of the disk: without the file, the next process only sends more requests. */
export async function writeAcknowledged(
  fileSystem: FileSystem,
  { directory, path }: { readonly directory: string; readonly path: string },
  runSync: SyncTarget,
  acknowledged: Acknowledged,
): Promise<void> {
  const { items, deferred, hasLineage, final } = acknowledged;
  const content = {
    version: VERSION,
    ...runSync,
    items: Object.fromEntries(items),
    deferred: Object.fromEntries(deferred),
    hasLineage,
    final,
  };
  try {
    await makeDirectories(fileSystem, directory, DIRECTORY_MODE);
    const bytes = Buffer.from(JSON.stringify(content));
    await replaceFile(fileSystem, { directory, path, temporaryPath: `${path}.partial` }, bytes, FILE_MODE);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
}
