/**
 * What the server is known to have of a run: a hash for each acknowledged item. The next process reads the file to send fewer requests. If
 * the file is lost, the process compares with the server, and sends nothing twice that would count twice.
 */

import type { FileSystem } from '../base/io/file-system.js';
import { makeDirectories } from '../base/io/make-directories.js';
import { systemErrorCode } from '../base/io/system-error.js';
import { readWholeFile, replaceFile } from '../base/io/whole-file.js';
import type { RunRef } from '../polyaxon-api/types.js';

/** An item that the server rejects. It is not sent again until its value changes. */
interface Deferred {
  readonly hash: string;
  readonly code: string;
  readonly message: string;
}

/** The part of `Known` that is saved. */
interface Saved {
  /** Hashes by the key of the item, and the hash of the statuses; see items.ts. */
  readonly items: Map<string, string>;
  readonly deferred: Map<string, Deferred>;
  /** Whether the lineage on the server is known: it was read, or is empty because polytrack created the run. */
  hasLineage: boolean;
  /** The hash of the end status and of all data reported with it. */
  final: string | null;
}

export interface Known extends Saved {
  /** Whether Polyaxon manages the run, and therefore sets its statuses. */
  isManaged: boolean;
  /** Keys of the items that this process sent. */
  readonly sent: Set<string>;
  /** Hashes of what was read back and equal, so that it is not read again if a later answer is lost. */
  readonly verified: Map<'lineage' | 'fields', string>;
  /** Items that the server fails to process. Unlike a rejection, a failure does not mean that the item is invalid, so it is retried. */
  readonly quarantine: Map<
    string,
    { readonly hash: string; readonly message: string; readonly untilMs: number }
  >;
}

export function createKnown(saved: Partial<Saved> = {}): Known {
  return {
    ...{ items: new Map(), deferred: new Map(), hasLineage: false, final: null, ...saved },
    ...{ isManaged: false, sent: new Set(), verified: new Map(), quarantine: new Map() },
  };
}

/** Where the file of a run is, and its server and project. The file is ignored for any other. */
export interface KnownPlace {
  readonly directory: string;
  readonly host: string;
  readonly ref: RunRef;
}

const VERSION = 1;
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const MAX_BYTES = 256 * 1024 * 1024;

/** Reads the file. Returns null if it does not exist, is invalid or belongs to another server or project. */
export async function readKnown(fileSystem: FileSystem, place: KnownPlace): Promise<Known | null> {
  try {
    const text = (await readWholeFile(fileSystem, toPath(place), MAX_BYTES)).toString('utf8');
    const { version, host, owner, project, items, deferred, hasLineage, final } = JSON.parse(text);
    const { ref } = place;
    const isTheirs = host === place.host && owner === ref.owner && project === ref.project;
    if (version !== VERSION || !isTheirs) return null;
    return createKnown({
      items: new Map(Object.entries(items as Record<string, string>)),
      deferred: new Map(Object.entries(deferred as Record<string, Deferred>)),
      hasLineage: hasLineage === true,
      final: typeof final === 'string' ? final : null,
    });
  } catch {
    return null; // absent or invalid: compare with the server
  }
}

/** Writes the file. Ignores errors of the disk: without the file, the next process only sends more requests. */
export async function writeKnown(fileSystem: FileSystem, place: KnownPlace, known: Saved): Promise<void> {
  const { directory, host, ref } = place;
  const { hasLineage, final } = known;
  const [items, deferred] = [Object.fromEntries(known.items), Object.fromEntries(known.deferred)];
  const { owner, project } = ref;
  const content = { version: VERSION, host, owner, project, items, deferred, hasLineage, final };
  const path = toPath(place);
  try {
    await makeDirectories(fileSystem, directory, DIRECTORY_MODE);
    const bytes = Buffer.from(JSON.stringify(content));
    await replaceFile(fileSystem, { directory, path, temporaryPath: `${path}.partial` }, bytes, FILE_MODE);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
}

function toPath({ directory, ref }: KnownPlace): string {
  return `${directory}/${ref.uuid}.json`;
}
