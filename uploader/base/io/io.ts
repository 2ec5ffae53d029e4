/** Bundles the side effects of the uploader, so that tests can replace them. */

import { hostname } from 'node:os';
import { type Clock, systemClock } from '../../../src/base/clock.js';
import { readMachineId, toHostId } from '../../../src/base/host-id.js';
import { openChokidarWatcher } from './chokidar-watcher.js';
import type { FileSystem } from './file-system.js';
import type { OpenFileWatcher } from './file-watcher.js';
import { nodeFileSystem } from './node-file-system.js';
import { nodeProcessTable, type ProcessTable } from './processes.js';
import { nodeRandomness, type Randomness } from './randomness.js';

export interface Io {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly processes: ProcessTable;
  /** Returns an id of the host that survives a reboot. Default: all processes count as one host. */
  readonly hostId?: (() => Promise<string>) | undefined;
  /** Opens the file watcher. Default: none; the uploader finds changes by polling. */
  readonly openFileWatcher?: OpenFileWatcher | undefined;
}

/** The implementation for Node.js. It has no HTTP: a test passes its own request handler to `openStore`. */
export const nodeIo: Io = {
  fileSystem: nodeFileSystem,
  clock: systemClock,
  randomness: nodeRandomness,
  processes: nodeProcessTable,
  hostId: async () => toHostId(readMachineId(), hostname()),
  openFileWatcher: openChokidarWatcher,
};
