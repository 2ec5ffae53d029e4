/** Opens the file watcher of the host, through chokidar, which is loaded on first use. */

import type { FSWatcher } from 'chokidar';
import { inBackground } from '../../../src/base/background.js';
import type { FileWatcher, FileWatcherListener, OpenFileWatcher } from './file-watcher.js';

/**
 * Watches single directories: by default, chokidar would also watch each file in them and all subdirectories. Its `raw` event says that a
 * directory has changed, and the uploader needs no more than that.
 *
 * Each directory has its own watcher. After `unwatch`, a shared watcher would keep the path in its list of ignored patterns and compare
 * every other path with it (chokidar 5.0.0).
 */
export const openChokidarWatcher: OpenFileWatcher = async ({
  onChange,
  onFailure,
}: FileWatcherListener): Promise<FileWatcher> => {
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
      watcher.on('raw', () => onChange(directory));
      watcher.on('error', onFailure);
      watchers.set(directory, watcher);
    },
    unwatch(directory) {
      const watcher = watchers.get(directory);
      watchers.delete(directory);
      if (watcher !== undefined) inBackground(watcher.close(), onFailure);
    },
    close: async () => {
      await Promise.all([...watchers.values()].map((watcher) => watcher.close()));
    },
  };
};
