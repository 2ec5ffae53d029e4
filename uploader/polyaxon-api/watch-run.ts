/**
 * Polls a run for statuses and log lines until it has ended. A poll that is answered 500, 502, 503 or 504 is repeated after the interval, as in
 * Python; other errors end the watch.
 *
 * Source: polyaxon 2.16.4, `_client/run.py` (`_wait_for_condition`, `get_run_logs`).
 */

import { systemClock } from '../../src/base/clock.js';
import { isDone } from '../../src/polyaxon/run-record.js';
import type { RunStatus } from '../../src/polyaxon/statuses.js';
import { PolyaxonApiError } from './api-error.js';
import type { RunLogLine, RunLogs, RunStatuses } from './types.js';

const INTERVAL_MS = 5000;
const POLLED_AGAIN: readonly (number | null)[] = [500, 502, 503, 504];

interface Watched {
  readonly intervalMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly getStatuses: () => Promise<RunStatuses>;
}

export async function* watchStatuses({
  statuses,
  intervalMs = INTERVAL_MS,
  signal,
  getStatuses,
}: Watched & { readonly statuses?: readonly RunStatus[] | undefined }): AsyncGenerator<RunStatuses> {
  let seen = 0;
  let before: RunStatus | null | undefined;
  for (;;) {
    const found = await poll(getStatuses);
    if (found !== null) {
      const { status, conditions } = found;
      if (status !== before || conditions.length > seen) yield { status, conditions: conditions.slice(seen) };
      if (status !== null && (statuses?.includes(status) ?? isDone(status))) return;
      [before, seen] = [status, conditions.length];
    }
    await systemClock.sleep(intervalMs, signal);
  }
}

/** A managed run has log files only after its end. Before, the server reads the lines of its pods since a time. */
export async function* watchLogs({
  intervalMs = INTERVAL_MS,
  signal,
  isManaged,
  getStatuses,
  getLogs,
}: Watched & {
  readonly isManaged: boolean;
  readonly getLogs: (from: { lastFile?: string; lastTime?: string }) => Promise<RunLogs>;
}): AsyncGenerator<RunLogLine> {
  const seen = new Map<string, number>();
  let lastTime: string | undefined;
  for (;;) {
    const found = await poll(getStatuses);
    const isEnd = found?.status != null && isDone(found.status);
    const startTime = isManaged && !isEnd ? found?.conditions[0]?.last_transition_time : undefined;
    lastTime ??= startTime ?? undefined;
    if (lastTime !== undefined) {
      const answer = await poll(() => getLogs({ lastTime: lastTime as string }));
      yield* answer?.logs ?? [];
      lastTime = answer?.last_time ?? lastTime;
    } else if (found !== null && (isEnd || !isManaged)) yield* readNewLines(seen, getLogs);
    if (isEnd) return;
    await systemClock.sleep(intervalMs, signal);
  }
}

/**
 * Reads all lines, and yields those that earlier calls did not find. The server sorts the lines of all writers by time, so that a new line may be
 * anywhere; older servers send one file at a time.
 */
async function* readNewLines(
  seen: Map<string, number>,
  getLogs: (from: { lastFile?: string }) => Promise<RunLogs>,
): AsyncGenerator<RunLogLine> {
  const counts = new Map<string, number>();
  for (let from: { lastFile?: string } = {}; ; ) {
    const answer = await poll(() => getLogs(from));
    for (const line of answer?.logs ?? []) {
      const key = JSON.stringify(line);
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      if (count <= (seen.get(key) ?? 0)) continue;
      seen.set(key, count);
      yield line;
    }
    const file = answer?.last_file;
    if (typeof file !== 'string' || file === from.lastFile) return;
    from = { lastFile: file };
  }
}

async function poll<Value>(call: () => Promise<Value>): Promise<Value | null> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof PolyaxonApiError && POLLED_AGAIN.includes(error.httpStatus)) return null;
    throw error;
  }
}
