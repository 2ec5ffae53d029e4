/**
 * Shuts down a watch: a last scan and export, then uploads of event file tails, logs and small files. The next process resumes large files.
 * Finishes within the shutdown timeout, even when the store does not answer.
 */

import { LANES } from '../base/limits/lanes.js';
import { FLAG } from '../pipeline/inventory/file-table.js';
import type { JournalWriter } from '../pipeline/journal/journal-writer.js';
import type { Scanner } from '../pipeline/scan/scanner.js';
import type { UploaderContext } from './context/uploader-context.js';
import { filesOnDisk, judgeFile, type WorkOnFiles } from './file-evidence.js';
import type { StatusWriter } from './status-writer.js';
import type { Uploads } from './uploads.js';

interface DrainOptions {
  readonly context: UploaderContext;
  readonly scanner: Scanner;
  readonly uploads: Uploads;
  readonly journalWriter: JournalWriter;
  readonly status: StatusWriter;
  /** Lists the runs that are not listed yet. */
  readonly listAll: () => Promise<void>;
  /** Exports everything that the event files contain now. */
  readonly exportAll: (signal: AbortSignal) => Promise<void>;
}

/** Large files in flight have this long to finish. */
const LARGE_MS = 5_000;
/** Time kept for closing the journal, releasing the lock and ending the process. */
const RESERVE_MS = 5_000;
const RESERVE_RATIO = 6;
const POLL_MS = 50;

/** Uploads as much as the timeout allows. Never rejects because of a failing store or disk. */
export async function drain(options: DrainOptions): Promise<void> {
  const { context, scanner, uploads, journalWriter, status } = options;
  const { schedule, queue, workers } = uploads;
  const { clock, inventory, retryPolicy, observer } = context;
  const { shutdownTimeoutMs } = context.config;
  uploads.isDraining = true;
  schedule.isDraining = true;
  const startMs = clock.monotonicMs();
  const endMs = startMs + shutdownTimeoutMs - Math.min(RESERVE_MS, shutdownTimeoutMs / RESERVE_RATIO);
  const largeEndMs = startMs + Math.min(LARGE_MS, shutdownTimeoutMs / 2);
  reportPending(context, uploads.files);
  await status.write('draining');
  if (shutdownTimeoutMs > 0)
    await withTimeout(context, (signal) => scanner.scanLate(signal), endMs - startMs);
  // Nothing is sent for a run, and nothing of it is proved, before it is listed.
  if (shutdownTimeoutMs > 0 && retryPolicy.breaker.outageSinceMs === null)
    await withTimeout(context, options.listAll, largeEndMs - clock.monotonicMs());
  if (shutdownTimeoutMs > 0) await withTimeout(context, options.exportAll, largeEndMs - clock.monotonicMs());
  schedule.forgiveFiles();
  schedule.considerAll();
  workers.wake();

  const isIdle = (): boolean =>
    workers.activeCount === 0 && !LANES.some((lane) => lane !== 'large' && queue.hasReady(lane));
  while (!isIdle() && clock.monotonicMs() < endMs) {
    if (clock.monotonicMs() >= largeEndMs) uploads.abortLarge();
    // Do not spend the rest of the shutdown timeout on a store that does not answer.
    const { outageSinceMs } = retryPolicy.breaker;
    if (outageSinceMs !== null && clock.monotonicMs() - Math.max(outageSinceMs, startMs) >= LARGE_MS) break;
    schedule.release();
    workers.wake();
    await clock.sleep(POLL_MS);
  }
  uploads.abort();
  await journalWriter.flush();
  await withTimeout(context, (signal) => observer.flush(signal), Math.max(0, endMs - clock.monotonicMs()));
  for (let id = 0; id < inventory.table.count; id += 1) inventory.table.set(id, FLAG.taken, false);
}

function reportPending(context: UploaderContext, files: WorkOnFiles): void {
  const { inventory, emit } = context;
  let pendingFiles = 0;
  let pendingBytes = 0;
  for (const id of filesOnDisk(context)) {
    if (judgeFile(context, id, files).state !== 'unsent') continue;
    pendingFiles += 1;
    pendingBytes += inventory.pendingBytes(id);
  }
  emit({ kind: 'draining', pendingFiles, pendingBytes });
}

async function withTimeout(
  context: UploaderContext,
  work: (signal: AbortSignal) => Promise<void>,
  ms: number,
): Promise<void> {
  const timeout = new AbortController();
  const done = new AbortController();
  const timer = context.clock.sleep(ms, done.signal).then(
    () => timeout.abort(),
    () => undefined,
  );
  try {
    await Promise.race([work(timeout.signal), timer]);
  } finally {
    done.abort();
  }
}
