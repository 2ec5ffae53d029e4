/**
 * Polyaxon's statuses of runs and spans.
 *
 * Source: polyaxon 2.16.4, `polyaxon/_schemas/lifecycle.py` (`V1Statuses`).
 */
export const RUN_STATUSES = [
  'created',
  'resuming',
  'on_schedule',
  'compiled',
  'queued',
  'scheduled',
  'starting',
  'running',
  'processing',
  'stopping',
  'failed',
  'stopped',
  'succeeded',
  'skipped',
  'warning',
  'unschedulable',
  'upstream_failed',
  'retrying',
  'unknown',
  'done',
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];
