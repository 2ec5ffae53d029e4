/** Plans the files of a pull from a run's objects: decodes names, joins tails, and refuses paths outside the run. Pure. */

import { largestOf } from '../../../src/base/largest-of.js';
import { LINEAGE_FILE, RUN_FILE } from '../../../src/run-directory/layout.js';
import { RelPathError } from '../../base/errors.js';
import { parseRelPath, RESERVED_DIRECTORY, type RelPath } from '../../base/rel-path.js';
import { parseSegmentKey, type SegmentPlace } from '../../pipeline/commit/segments.js';
import type { StoredRun } from '../../pipeline/manifest/stored-run.js';
import type { ListedObject } from '../../store/base/store.js';

export interface PlannedFile {
  /** The path in the object key. */
  readonly path: string;
  /** The path on disk, with encoded names. */
  readonly target: RelPath;
  readonly object: ListedObject;
  /** Tails of the file, in order; the `generation` of the object decides which of them count. */
  readonly segments: readonly (SegmentPlace & { readonly object: ListedObject })[];
}

export interface RefusedKey {
  readonly path: string;
  readonly reason: string;
}

export interface PullPlan {
  /** The run file and the lineage file come last. */
  readonly files: readonly PlannedFile[];
  readonly refused: readonly RefusedKey[];
}

const LAST: readonly string[] = [LINEAGE_FILE, RUN_FILE];

/** Plans the pull; `withGenerations` adds the previous versions of files, below `.plx/gen/`. */
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
  for (const object of withPreviousVersions ? stored.generations : []) {
    const path = object.key.slice(stored.runUuid.length + 1);
    const parsed = parse(path.slice(`${RESERVED_DIRECTORY}/gen/`.length));
    if (typeof parsed !== 'string') refused.push({ ...parsed, path });
    else planned.push({ path, target: path as RelPath, object, segments: [] });
  }
  const rank = ({ path }: PlannedFile): number => LAST.indexOf(path);
  return { files: planned.sort((a, b) => rank(a) - rank(b)), refused };
}

/** The segments that follow the first `sizeBytes` bytes without a gap. `generation` is that of the object; null when unknown. */
export function joinSegments(
  segments: PlannedFile['segments'],
  sizeBytes: number,
  generation: number | null,
): { readonly object: ListedObject; readonly skip: number; readonly end: number }[] {
  const newest = largestOf(segments.map((each) => each.generation));
  const wanted = segments
    .filter((each) => each.generation === (generation ?? newest))
    .sort((a, b) => a.start - b.start || b.end - a.end);
  const joined: { object: ListedObject; skip: number; end: number }[] = [];
  let end = sizeBytes;
  for (const { object, start, end: segmentEnd } of wanted) {
    if (start > end || segmentEnd <= end) continue;
    joined.push({ object, skip: end - start, end: segmentEnd });
    end = segmentEnd;
  }
  return joined;
}

function groupSegments({ runUuid, segments }: StoredRun): Map<string, PlannedFile['segments']> {
  const groups = new Map<string, (SegmentPlace & { object: ListedObject })[]>();
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
