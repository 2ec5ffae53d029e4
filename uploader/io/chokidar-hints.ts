/** Hints from the host's file watcher, through chokidar, loaded on first use. */

import type { HintListener, HintSource, OpenHints } from './hints.js';

/**
 * Watches directories one by one: chokidar by itself would watch each file of them too, and everything below. Its `raw` event says which
 * watch has fired, which is all that a hint tells.
 */
export const openChokidarHints: OpenHints = async ({
  onHint,
  onFailure,
}: HintListener): Promise<HintSource> => {
  const { watch } = await import('chokidar');
  const watched = new Set<string>();
  const watcher = watch([], {
    depth: 0,
    ignoreInitial: true,
    followSymlinks: false,
    ignored: (path) => !watched.has(path),
  });
  watcher.on('raw', (_event, _path, details: unknown) => {
    if (typeof details !== 'object' || details === null || !('watchedPath' in details)) return;
    if (typeof details.watchedPath === 'string') onHint(details.watchedPath);
  });
  watcher.on('error', onFailure);
  return {
    watch(directory) {
      if (watched.has(directory)) return;
      watched.add(directory);
      watcher.add(directory);
    },
    unwatch(directory) {
      if (watched.delete(directory)) watcher.unwatch(directory);
    },
    close: () => watcher.close(),
  };
};
