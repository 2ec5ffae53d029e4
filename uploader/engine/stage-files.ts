/** Lets the store receive many small new files in few requests, before the workers commit each of them. */

import type { CommitContext } from '../pipeline/commit/commit-context.js';
import { throttled } from '../pipeline/commit/commit-object.js';
import { toPhase } from '../pipeline/inventory/file-class.js';
import { type FileId, FLAG } from '../pipeline/inventory/file-table.js';
import { toLane } from '../pipeline/plan/lane-of.js';
import { planFile } from '../pipeline/plan/planner.js';
import { OWN_FILES, openLocalFile } from '../pipeline/source/local-file.js';
import type { NewFile } from '../store/base/store.js';

/** The store may hold a file in memory. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** A file that is not staged is sent on its own, so failures of the store or of files have no effect. */
export async function stageFiles(
  ids: readonly FileId[],
  context: CommitContext,
  signal: AbortSignal,
): Promise<void> {
  const { store, onEvent, observer, inventory } = context;
  if (store.stage === undefined) return;
  const small = ids.filter((id) => isSmallAndNew(id, context));
  const files = small.map((id) => toNewFile(id, context));
  const [first] = files;
  if (first === undefined) return;
  const onBytesSent = (sizeBytes: number): void => onEvent({ kind: 'sent', key: first.key, sizeBytes });
  const idByKey = new Map(files.map(({ key }, at) => [key, small[at]!]));
  const onListed = (keys: readonly string[]): void => {
    const found = keys.map((key) => idByKey.get(key)!);
    const [any] = found;
    if (any === undefined) return;
    observer.onListed?.(
      inventory.runOf(any).uuid,
      found.map((id) => inventory.relPathOf(id)),
      signal,
    );
  };
  await store.stage({ files, signal, onBytesSent, onListed });
}

/** The files of later phases name the others, so they are sent after them. */
function isSmallAndNew(id: FileId, { inventory, findProblem }: CommitContext): boolean {
  if (inventory.table.seenBytes[id]! > MAX_FILE_BYTES || inventory.intents.has(id)) return false;
  if (toPhase(inventory.relPathOf(id)) > 0 || findProblem(id) !== null) return false;
  const { action, base } = planFile(inventory.seenFacts(id));
  return action === 'upload' && base === null;
}

function toNewFile(id: FileId, context: CommitContext): NewFile {
  const { inventory, io } = context;
  const sizeBytes = inventory.table.seenBytes[id]!;
  return {
    key: inventory.keyOf(id),
    sizeBytes,
    async read(signal) {
      const place = inventory.placeOf(id);
      if (place === null) return { bytes: Buffer.alloc(0), mtime: -1 };
      const policy = inventory.table.has(id, FLAG.generated) ? OWN_FILES : context.openPolicy();
      const file = await openLocalFile(io.fileSystem, place, inventory.relPathOf(id), policy);
      try {
        const lane = toLane(inventory.classOf(id), sizeBytes);
        const bytes = await throttled(file, lane, context, signal).read(0, sizeBytes);
        return { bytes, mtime: Number(file.opened.mtimeNs) / 1e9 };
      } finally {
        await file.close();
      }
    },
  };
}
