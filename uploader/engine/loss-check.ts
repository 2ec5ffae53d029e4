/**
 * Finds files that were deleted before they were fully stored. Such bytes are lost, unless the file was only renamed.
 *
 * A loss is reported only after a further full scan, because the scan may find a moved file late.
 */

import { joinPath } from '../base/join-path.js';
import { toPathBytes } from '../base/rel-path.js';
import { type FileId, FLAG } from '../pipeline/inventory/file-table.js';
import { findCleanedMarker } from '../run-directory/cleaned-marker.js';
import type { UploaderContext } from './context/uploader-context.js';

const CONFIRM_AFTER_MS = 65_000;

/** Reports files that have been missing for `CONFIRM_AFTER_MS`; with `isLast`, all missing files. */
export async function confirmLosses(context: UploaderContext, options: { isLast: boolean }): Promise<void> {
  const { inventory, rootWatch, clock, emit } = context;
  const nowMs = clock.monotonicMs();
  const due = [...inventory.missing].filter(
    ([, { sinceMs }]) => options.isLast || nowMs - sinceMs >= CONFIRM_AFTER_MS,
  );
  if (due.length === 0 || !(await rootWatch.isThere())) return;
  const present = findInodes(context, new Set(due.map(([id]) => inventory.table.seenIno[id]!)));
  for (const [id, { bytes }] of due) {
    inventory.missing.delete(id);
    if ((present.get(inventory.table.seenIno[id]!) ?? -1) >= inventory.table.seenBytes[id]!) continue;
    if (await isThere(context, id)) continue;
    inventory.onLost(id, bytes);
    emit({ kind: 'lost', key: inventory.keyOf(id), sizeBytes: bytes });
  }
}

/** Maps each wanted inode that exists on disk to the size of its file. */
function findInodes(
  { inventory: { table } }: UploaderContext,
  wanted: ReadonlySet<number>,
): Map<number, number> {
  const found = new Map<number, number>();
  for (let id = 0; id < table.count; id += 1)
    if (table.has(id, FLAG.onDisk) && wanted.has(table.seenIno[id]!))
      found.set(table.seenIno[id]!, table.seenBytes[id]!);
  return found;
}

/** Whether the file is excluded by a rule or was removed by `clean`, and so is not lost. */
async function isThere({ io, inventory }: UploaderContext, id: FileId): Promise<boolean> {
  const place = inventory.placeOf(id);
  const { directory } = inventory.runOf(id);
  if (place === null || directory === null) return false; // the whole run was removed
  // `clean` deletes only files that it has found in the store.
  if ((await findCleanedMarker(io.fileSystem, directory)) !== null) return true;
  try {
    await io.fileSystem.lstat(joinPath(place.directory, [toPathBytes(place.path)]));
    return true;
  } catch {
    return false;
  }
}
