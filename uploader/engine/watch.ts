/** `watch`: the engine until its signal is aborted, or until all runs have ended. */

import { checkOptions, type OptionTable } from '../../src/base/options.js';
import { nodeIo } from '../base/io/io.js';
import type { SyncReport } from '../pipeline/report/sync-report.js';
import { checkConfig, type SyncConfig } from '../settings/sync-config.js';
import { UPLOADER_OPTIONS, type UploaderOptions } from './context/uploader-context.js';
import { runEngine } from './engine.js';
import type { Status } from './monitor/status-file.js';
import { withMonitor } from './with-monitor.js';

export interface WatchOptions extends UploaderOptions {
  /** Once aborted, the watch finishes uploads within the shutdown timeout and ends. */
  readonly signal?: AbortSignal | undefined;
  /** End once at least one run exists and all runs have ended and are stored. Default false. */
  readonly endsWithRuns?: boolean | undefined;
  /** Called with the current status every two seconds, and every ten seconds while all runs are at rest. */
  readonly onStatus?: ((status: Status) => void) | undefined;
}
const WATCH_OPTIONS: OptionTable<WatchOptions> = {
  ...UPLOADER_OPTIONS,
  signal: 'object',
  endsWithRuns: 'boolean',
  onStatus: 'function',
};

/**
 * Keeps the store up to date until the signal is aborted, then returns a report. The root may be empty or not exist yet. Throws a coded error when
 * nothing can be sent, as `sync` does; waits for a store that cannot be reached.
 */
export async function watch(config: SyncConfig, options: WatchOptions = {}): Promise<SyncReport> {
  checkConfig('watch', config);
  checkOptions('watch', options, WATCH_OPTIONS);
  const { clock } = options.io ?? nodeIo;
  const { endsWithRuns, ...rest } = options;
  const until = endsWithRuns === true ? 'ended' : 'signal';
  return withMonitor(config.http, clock, rest, (monitored) => runEngine(config, { ...monitored, until }));
}
