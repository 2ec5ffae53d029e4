/** Plans the files of a pull from a run's objects: decodes names, joins tails, and refuses paths outside the run. Pure. */

import { isEventFileName } from '../../../src/format/event-file-name.js';
import { LINEAGE_FILE, RUN_FILE } from '../../../src/run-directory/layout.js';
import { RelPathError } from '../../base/errors.js';
import { parseRelPath, RESERVED_DIRECTORY, type RelPath } from '../../base/rel-path.js';
import { parseSegmentKey } from '../../base/segment-key.js';
import type { StoredSegment } from '../../pipeline/commit/segments.js';
import type { StoredRun } from '../../pipeline/manifest/stored-run.js';
import type { ListedObject } from '../../store/base/store.js';

export interface PlannedFile {
  /** The path in the object key. */
  readonly path: string;
  /** The path on disk, with encoded names. */
  readonly target: RelPath;
  readonly object: ListedObject;
  /** Tails of the file, in order; the `generation` of the object decides which of them count. */
  readonly segments: readonly StoredSegment[];
}

interface RefusedKey {
  readonly path: string;
  readonly reason: string;
}

interface PullPlan {
  /** The run file and the lineage file come last. */
  readonly files: readonly PlannedFile[];
  readonly refused: readonly RefusedKey[];
}

const LAST: readonly string[] = [LINEAGE_FILE, RUN_FILE];

/** Plans the pull; `withPreviousVersions` adds the previous versions of files, below `.plx/gen/`, and of removed ones, below `.plx/deleted/`. */
export function planPull(stored: StoredRun, withPreviousVersions: boolean): PullPlan {
  const refused: RefusedKey[] = [];
  const planned: PlannedFile[] = [];
  const segments = groupSegments(stored);
  const paths = [...stored.files.keys()];
  const directories = new Set(paths.flatMap(parentsOf));
  for (const [path, version] of stored.files) {
    const parsed = parse(path);
    if (typeof parsed !== 'string') refused.push(parsed);
    else if (directories.has(path)) refused.push({ path, reason: 'a directory has the same name' });
    else {
      const object = { key: `${stored.runUuid}/${path}`, ...version };
      planned.push({ path, target: parsed, object, segments: segments.get(path) ?? [] });
    }
  }
  for (const object of withPreviousVersions ? stored.keptVersions : []) {
    const path = object.key.slice(stored.runUuid.length + 1);
    const parsed = parse(path.slice(`${RESERVED_DIRECTORY}/`.length));
    if (typeof parsed !== 'string') refused.push({ ...parsed, path });
    else planned.push({ path, target: path as RelPath, object, segments: [] });
  }
  const rank = ({ path }: PlannedFile): number => LAST.indexOf(path);
  return { files: planned.sort((a, b) => rank(a) - rank(b)), refused };
}

/**
 * Returns groups of files that can be pulled at the same time, of which each is pulled in order: the event files of a directory by name, because readers of
 * TensorBoard read no file again once there is a later one.
 */
export function toGroups(files: readonly PlannedFile[]): readonly (readonly PlannedFile[])[] {
  const groups = new Map<string, PlannedFile[]>();
  for (const file of files) {
    const { path } = file;
    const nameAt = path.lastIndexOf('/') + 1;
    const key = isEventFileName(path.slice(nameAt)) ? path.slice(0, nameAt) : path;
    const group = groups.get(key) ?? [];
    group.push(file);
    groups.set(key, group);
  }
  return [...groups.values()].map((group) => group.sort((a, b) => (a.path < b.path ? -1 : 1)));
}

function groupSegments({ runUuid, segments }: StoredRun): Map<string, PlannedFile['segments']> {
  const groups = new Map<string, StoredSegment[]>();
  for (const object of segments) {
    const place = parseSegmentKey(runUuid, object.key);
    if (place === null) continue;
    const group = groups.get(place.path) ?? [];
    group.push({ ...place, object });
    groups.set(place.path, group);
  }
  return groups;
}

function parentsOf(path: string): string[] {
  const names = path.split('/');
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'));
}

function parse(path: string): RelPath | RefusedKey {
  try {
    return parseRelPath(path);
  } catch (error) {
    if (error instanceof RelPathError) return { path, reason: error.message };
    throw error;
  }
}
