/** Opens the runs of a store with the flags of a command. */

import type { RunSource } from '../../src/reading/run-source.js';
import { openRunSource } from '../operations/read/run-source.js';
import type { Flags } from '../settings/table.js';
import type { CommandContext } from './context.js';

export async function openStoreRuns(
  url: string,
  flags: Flags,
  { io, environment, signal }: CommandContext,
): Promise<RunSource> {
  return openRunSource(url, { io, environment, flags, signal });
}
