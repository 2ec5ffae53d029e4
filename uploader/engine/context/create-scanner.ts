/** Creates the scanner of a root directory from the configuration. */

import type { FileWatcher } from '../../base/io/file-watcher.js';
import type { Io } from '../../base/io/io.js';
import type { ScanSink } from '../../pipeline/inventory/scan-sink.js';
import { IgnoreRules } from '../../pipeline/scan/ignore-rules.js';
import { LayoutRules } from '../../pipeline/scan/layout-rules.js';
import type { RootWatch } from '../../pipeline/scan/root-watch.js';
import { Scanner } from '../../pipeline/scan/scanner.js';
import type { Place } from '../../run-directory/locate-runs.js';
import { toImportedUuid } from '../../run-directory/run-uuid.js';
import type { SyncConfig } from '../../settings/sync-config.js';
import type { StoreNotice } from '../../store/base/store.js';
import { parseStoreUrl } from '../../store/open-store.js';

/** A watch waits this long for a run file before it imports a directory of event files. */
const ADOPT_AFTER_MS = 2_000;

interface CreateScannerOptions {
  readonly config: SyncConfig;
  readonly io: Io;
  readonly place: Place;
  readonly hostId: string;
  readonly rootWatch: RootWatch;
  readonly sink: ScanSink;
  readonly isWatching: boolean;
  /** The directory of a file store, with all links resolved. */
  readonly storePath: string | null;
  readonly onNotice: (notice: StoreNotice) => void;
  readonly fileWatcher?: FileWatcher | undefined;
  readonly isKnownPlace: (runUuid: string, directory: Buffer) => Promise<boolean>;
  readonly lastStored: (runUuid: string, directory: string) => number | undefined;
  readonly isFollowed?: ((run: number) => boolean) | undefined;
  readonly isAtRest?: ((run: number) => boolean) | undefined;
}

export function createScanner(options: CreateScannerOptions): Scanner {
  const { config, io, place, storePath, onNotice } = options;
  const uuidSeed = config.uuidSeed ?? `${options.hostId}:${place.root.toString('hex')}`;
  return new Scanner({
    fileSystem: io.fileSystem,
    clock: io.clock,
    root: place.start,
    rootWatch: options.rootWatch,
    rules: IgnoreRules.create(config, noteOnce(onNotice)),
    sink: options.sink,
    uuidSeed,
    asRun: toAsRun(config, uuidSeed),
    adoptAfterMs: options.isWatching ? ADOPT_AFTER_MS : 0,
    toKeyPrefix: (runUuid) => keyPrefixFrom(config.store, runUuid),
    barredPath: storePath === null ? undefined : Buffer.from(storePath),
    allowHardLinks: config.hardlinks,
    crossFileSystems: !config.oneFileSystem,
    fileWatcher: options.fileWatcher,
    layoutRules: new LayoutRules(config),
    isKnownPlace: options.isKnownPlace,
    lastStored: options.lastStored,
    isFollowed: options.isFollowed,
    isAtRest: options.isAtRest,
  });
}

function toAsRun({ asRun }: SyncConfig, uuidSeed: string): { uuid: string } | undefined {
  if (asRun === undefined || asRun === false) return undefined;
  return { uuid: typeof asRun === 'string' ? asRun : toImportedUuid(uuidSeed, '') };
}

/** The prefix of a run's keys in the bucket; its length counts towards the limit on key length. */
function keyPrefixFrom(storeUrl: string, runUuid: string): string {
  const location = parseStoreUrl(storeUrl);
  return 'prefix' in location && location.prefix !== '' ? `${location.prefix}/${runUuid}/` : `${runUuid}/`;
}

function noteOnce(onNotice: (notice: StoreNotice) => void): (path: string, reason: string) => void {
  const noted = new Set<string>();
  return (path, reason) => {
    if (noted.has(path)) return;
    noted.add(path);
    const message = `${path} is uploaded because of --include, although it is excluded by default (${reason})`;
    onNotice({ code: 'NOTICE_INCLUDED', message });
  };
}
