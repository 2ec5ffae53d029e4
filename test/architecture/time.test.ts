/**
 * Checks which files read the wall clock. Durations and deadlines come from `monotonicMs()`, because the wall clock may be set back or
 * forward. The lists may only shrink: other code takes a time as an argument.
 */

import { describe, expect, it } from 'vitest';
import { filesWith } from './sources.js';

/** What `wallTime()` is read for, and where. */
const WALL_TIME: Readonly<Record<string, readonly string[]>> = {
  'the time of events and event files, as their format has it': [
    'src/capture/console-capture.ts',
    'src/capture/system-metrics.ts',
    'src/event-log/event-log.ts',
    'src/event-log/event-queue.ts',
    'src/event-log/metric-log.ts',
    'src/format/writer/event-file-writer.ts',
    'src/format/writer/first-file.ts',
    'src/run/run-session.ts',
    'src/run/tracing.ts',
    'src/summary-writer/summary-writer.ts',
    'src/trace/recorded-span.ts',
  ],
  'times that are stored with a run, or shown': [
    'src/run/alert.ts',
    'src/run/lifecycle.ts',
    'src/run/log-values.ts',
    'src/run/metadata.ts',
    'src/run/open-run.ts',
    'src/run/run-context.ts',
    'uploader/alerts/alert-sender.ts',
    'uploader/engine/monitor/monitor.ts',
    'uploader/engine/status-writer.ts',
    'uploader/cluster/kubernetes-leases.ts',
    'uploader/operations/pull/pull.ts',
    'uploader/operations/read/run-folders.ts',
    'uploader/operations/verify/verify-run.ts',
    'uploader/pipeline/manifest/manifest-writer.ts',
    'uploader/run-index/index-writer.ts',
    'uploader/polyaxon-api/project-calls.ts',
    'uploader/polyaxon-sync/run-sync.ts',
  ],
  'the age of a file or a record, whose time another process or an earlier one has set': [
    'uploader/base/io/lock-file.ts',
    'uploader/engine/create-commit-context.ts',
    'uploader/engine/monitor/find-status.ts',
    'uploader/operations/clean/clean.ts',
    'uploader/operations/list/list-store.ts',
    'uploader/operations/run/event-file-collector.ts',
    'uploader/operations/runs/find-run.ts',
    'uploader/operations/runs/read-rows.ts',
    'uploader/pipeline/commit/send-file.ts',
    'uploader/pipeline/scan/directory-scan.ts',
    'uploader/run-directory/is-run-live.ts',
    'uploader/store/base/learned-answers.ts',
    'uploader/store/capability-cache.ts',
    'uploader/store/file/file-store.ts',
  ],
  'the time in which a laptop has slept, which its monotonic clock does not count': [
    'uploader/cluster/lease-keeper.ts',
  ],
  'the difference to the clock of a server or a file system': [
    'uploader/base/clock-skew.ts',
    'uploader/operations/doctor/directories.ts',
    'uploader/store/s3/connection.ts',
  ],
  'a clock of the program, whose errors it hides': ['src/base/guarded-clock.ts'],
};

/** What `Date.now()` is read for, which no test can replace. */
const GLOBAL_CLOCK: Readonly<Record<string, readonly string[]>> = {
  'the system clock itself': ['src/base/clock.ts'],
  'a hint that mentions it': ['src/summary/arguments.ts'],
  'the difference to the clock of a store': [
    'uploader/store/azure/answer.ts',
    'uploader/store/gcs/connection.ts',
    'uploader/store/s3/direct-put.ts',
  ],
};

describe('the wall clock', () => {
  it('is read only where a time is stored, shown, or compared with that of another process', () => {
    expect(filesWith(/\.wallTime\(\)/).sort()).toEqual(Object.values(WALL_TIME).flat().sort());
  });

  it('is read only from a Clock', () => {
    expect(filesWith(/\bDate\.now\b|\bnew Date\(\)/).sort()).toEqual(
      Object.values(GLOBAL_CLOCK).flat().sort(),
    );
  });
});
