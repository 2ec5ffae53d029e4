/** Opens the place whose runs `runs` and `mcp` list: a root, a store, or the default roots. */

import { RunsNotFoundError } from '../../src/base/errors.js';
import { createLocalSource } from '../../src/reading/local-source.js';
import type { RunSource } from '../../src/reading/run-source.js';
import { findOfflineRoots } from '../run-directory/offline-roots.js';
import type { Flags } from '../settings/table.js';
import type { CommandContext } from './context.js';
import { openStoreRuns } from './open-store-runs.js';

export async function openSources(
  place: string | undefined,
  flags: Flags,
  context: CommandContext,
): Promise<RunSource[]> {
  if (place?.includes('://')) return [await openStoreRuns(place, flags, context)];
  if (place !== undefined) return [createLocalSource(place)];
  const { found, searched } = await findOfflineRoots(context.environment, context.io.fileSystem);
  if (found.length > 0) return found.map(createLocalSource);
  throw new RunsNotFoundError(searched.join(', '), 'none of them contains runs/');
}
