/** All effects of the uploader in one argument. */

import { type Clock, systemClock } from '../../src/clock.js';
import type { FileSystem } from './file-system.js';
import { nodeFileSystem } from './node-file-system.js';
import { nodeProcessTable, type ProcessTable } from './processes.js';
import { nodeRandomness, type Randomness } from './randomness.js';

export interface Io {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly processes: ProcessTable;
}

/** The real ones. HTTP is the fourth effect: `openStore` takes a request handler where a test wants its own. */
export const nodeIo: Io = {
  fileSystem: nodeFileSystem,
  clock: systemClock,
  randomness: nodeRandomness,
  processes: nodeProcessTable,
};
