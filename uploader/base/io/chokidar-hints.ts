/** Hints from the host's file watcher, through chokidar, loaded on first use. */

import type { FSWatcher } from 'chokidar';
import type { HintListener, HintSource, OpenHints } from './hints.js';

/**
 * Watches directories one by one: chokidar by itself would watch each file of them too, and everything below. Its `raw` event says that a
 * watch has fired, which is all that a hint tells.
 *
 * Each directory has a watcher of its own: one that lets go of a path keeps it as a pattern of what it ignores, and compares every other path
 * with it from then on (chokidar 5.0.0, `unwatch`).
 */
export const openChokidarHints: OpenHints = async ({
  onHint,
  onFailure,
}: HintListener): Promise<HintSource> => {
  const { watch } = await import('chokidar');
  const watchers = new Map<string, FSWatcher>();
  return {
    watch(directory) {
      if (watchers.has(directory)) return;
      const watcher = watch(directory, {
        depth: 0,
        ignoreInitial: true,
        followSymlinks: false,
        ignored: (path) => path !== directory,
      });
      watcher.on('raw', () => onHint(directory));
      watcher.on('error', onFailure);
      watchers.set(directory, watcher);
    },
    unwatch(directory) {
      const watcher = watchers.get(directory);
      watchers.delete(directory);
      watcher?.close().catch(onFailure);
    },
    close: async () => {
      await Promise.all([...watchers.values()].map((watcher) => watcher.close()));
    },
  };
};
