/**
 * One run, synced again and again while it is written, and once more when its writer has ended.
 */

import type { SyncConfig } from './config.js';
import { type Io, nodeIo } from './io/io.js';
import type { SyncReport } from './report.js';
import { type SyncOptions, syncOnce } from './uploader.js';
import { type WriterState, WriterWatch } from './writer-state.js';

export interface LiveSyncOptions extends SyncOptions {
  /** Time between two passes, in milliseconds. Default 5,000. */
  readonly intervalMs?: number;
  /** How often the run is asked whether its writer has ended. Default 500. */
  readonly lookMs?: number;
  /** Called after each pass. */
  readonly onPass?: (report: SyncReport) => void;
}

/**
 * Syncs until the writer of the run at `config.path` has ended or is lost, and gives the report of the last pass, with how the writer
 * ended. A run without any sign of a writer is synced once. Throws as `syncOnce` does. An aborted signal ends it after the pass under way.
 */
export async function syncLive(
  config: SyncConfig,
  options: LiveSyncOptions = {},
): Promise<{ report: SyncReport; writer: WriterState }> {
  const { io = nodeIo, intervalMs = 5000, lookMs = 500, onPass, signal } = options;
  const watch = new WriterWatch(config.path, io);
  for (;;) {
    // Looked at before the pass: what was written by the end is then part of it.
    const writer = await watch.look();
    const report = await syncOnce(config, options);
    onPass?.(report);
    if (writer !== 'writing' || signal?.aborted === true) return { report, writer };
    await waitWhileWriting(watch, io, { intervalMs, lookMs, signal });
  }
}

async function waitWhileWriting(
  watch: WriterWatch,
  { clock }: Io,
  { intervalMs, lookMs, signal }: { intervalMs: number; lookMs: number; signal: AbortSignal | undefined },
): Promise<void> {
  const until = clock.monotonicMs() + intervalMs;
  while (clock.monotonicMs() < until && signal?.aborted !== true) {
    await clock.sleep(Math.min(lookMs, intervalMs), signal).catch(() => undefined);
    if ((await watch.look()) !== 'writing') return;
  }
}
