/**
 * What a server was told of a run and has acknowledged: a hash for each item. Kept on disk so that the next process asks for less; a loss costs
 * looking, and nothing is told twice that would count twice.
 */

import type { FileSystem } from '../base/io/file-system.js';
import { makeDirectories } from '../base/io/make-directories.js';
import { systemErrorCode } from '../base/io/system-error.js';
import { readWholeFile, replaceFile } from '../base/io/whole-file.js';

/** What the server refuses for good, as long as it is the same. */
export interface Parked {
  readonly hash: string;
  readonly code: string;
  readonly message: string;
}

export interface Acknowledged {
  /** By item: see items.ts. */
  readonly items: Map<string, string>;
  readonly parked: Map<string, Parked>;
  /** Whether the lineage of the server was looked at, or is empty because the run was made by us. */
  hasLineage: boolean;
  /** Of the status that ended the run, and of everything with it. */
  final: string | null;
}

/** Whose word it was: of another server or project it says nothing. */
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
  return { items: new Map(), parked: new Map(), hasLineage: false, final: null };
}

/** Reads it; null when there is none, or none that is of any use here. */
export async function readAcknowledged(
  fileSystem: FileSystem,
  path: string,
  runSync: SyncTarget,
): Promise<Acknowledged | null> {
  try {
    const text = (await readWholeFile(fileSystem, path, MAX_BYTES)).toString('utf8');
    const { version, host, owner, project, items, parked, hasLineage, final } = JSON.parse(text);
    const isTheirs = host === runSync.host && owner === runSync.owner && project === runSync.project;
    if (version !== VERSION || !isTheirs) return null;
    return {
      items: new Map(Object.entries(items as Record<string, string>)),
      parked: new Map(Object.entries(parked as Record<string, Parked>)),
      hasLineage: hasLineage === true,
      final: typeof final === 'string' ? final : null,
    };
  } catch {
    return null; // none yet, or not one of ours: the server tells
  }
}

/** Remembers. A disk that refuses is no reason to stop: the next process asks for more. */
export async function writeAcknowledged(
  fileSystem: FileSystem,
  { directory, path }: { readonly directory: string; readonly path: string },
  runSync: SyncTarget,
  acknowledged: Acknowledged,
): Promise<void> {
  const { items, parked, hasLineage, final } = acknowledged;
  const content = {
    version: VERSION,
    ...runSync,
    items: Object.fromEntries(items),
    parked: Object.fromEntries(parked),
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
