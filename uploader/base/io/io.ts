/** All effects of the uploader in one argument. */

import { type Clock, systemClock } from '../../../src/base/clock.js';
import { openChokidarHints } from './chokidar-hints.js';
import type { FileSystem } from './file-system.js';
import type { OpenHints } from './hints.js';
import { nodeFileSystem } from './node-file-system.js';
import { nodeProcessTable, type ProcessTable, readHostId } from './processes.js';
import { nodeRandomness, type Randomness } from './randomness.js';

export interface Io {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly processes: ProcessTable;
  /** Names the host, the same after a reboot. Default: all is one host. */
  readonly hostId?: (() => Promise<string>) | undefined;
  /** Default: no hints; polling alone finds everything. */
  readonly openHints?: OpenHints | undefined;
}

/** The real ones. HTTP is the fourth effect: `openStore` takes a request handler where a test wants its own. */
export const nodeIo: Io = {
  fileSystem: nodeFileSystem,
  clock: systemClock,
  randomness: nodeRandomness,
  processes: nodeProcessTable,
  hostId: readHostId,
  openHints: openChokidarHints,
};
