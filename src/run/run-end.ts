/**
 * Derives the end of a run from the end of its process. Pure.
 */

import { describe } from '../base/describe.js';
import { CodedError, InvalidArgumentError, messageOf } from '../base/errors.js';
import type { RunStatus } from '../polyaxon/run-record.js';
import type { ProcessEnd } from './process-end.js';

/** The statuses that a run can end with. */
export type FinalStatus = Extract<RunStatus, 'succeeded' | 'failed' | 'stopped' | 'skipped'>;

export interface RunEnd {
  readonly status: FinalStatus;
  readonly reason: string;
  readonly message: string;
  /** Seconds since 1970. Default: now. */
  readonly wallTime?: number | undefined;
}

const FINAL_STATUSES: readonly unknown[] = [
  'succeeded',
  'failed',
  'stopped',
  'skipped',
] satisfies FinalStatus[];

/** Throws `ERR_STATUS_INVALID` unless a run can end with the status; undefined is allowed. */
export function parseFinalStatus(status: unknown): void {
  if (status === undefined || FINAL_STATUSES.includes(status)) return;
  throw new InvalidArgumentError(
    'ERR_STATUS_INVALID',
    `status is ${describe(status)}, expected one of ${FINAL_STATUSES.join(', ')}`,
    'Pass one of the expected statuses, or omit it.',
  );
}

/** Returns the end of a run whose `end()` was not called. See the table in `docs/lifecycle.md`. */
export function toRunEnd({ exitCode, signal, error }: ProcessEnd): RunEnd {
  if (signal !== null) return { status: 'stopped', reason: 'Signal', message: `Received ${signal}` };
  if (error !== null) {
    const origin = error.origin === 'unhandledRejection' ? 'Unhandled rejection' : 'Uncaught error';
    return { status: 'failed', reason: 'UncaughtError', message: `${origin}: ${describeError(error.value)}` };
  }
  if (exitCode === 0) return { status: 'succeeded', reason: 'ProcessExit', message: 'Process has ended' };
  return { status: 'failed', reason: 'ProcessExit', message: `Process ended with exit code ${exitCode}` };
}

function describeError(value: unknown): string {
  if (!(value instanceof Error)) return messageOf(value);
  const name = value instanceof CodedError ? value.code : value.name;
  return `${String(name)}: ${messageOf(value)}`;
}
