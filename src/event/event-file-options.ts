/**
 * Options of an event file writer, checked once.
 */

import { type Clock, systemClock } from '../clock.js';
import { Diagnostics } from '../diagnostics.js';
import { InvalidArgumentError } from '../errors.js';
import { diskSink, type EventSink } from './event-sink.js';

export interface EventFileWriterOptions {
  /** Longest time an event waits in memory, in milliseconds. Default 2,000: TensorBoard polls every 5 s. */
  readonly flushIntervalMs?: number;
  /** Size from which a file is closed and the next one begun. Default 128 MiB: bounds what a re-upload costs. */
  readonly maxFileBytes?: number;
  /** Bytes that may wait while the disk refuses writes; more events are dropped and counted. Default 64 MiB. */
  readonly maxQueueBytes?: number;
  /** Whether `flush()` and `close()` wait until the data would survive a power cut. Default false: a crash of the process loses nothing either way. */
  readonly fsync?: boolean;
  /** Appended to every file name. Default none. */
  readonly fileNameSuffix?: string;
  /** The first step that this writer will write: SessionLog START. Default 0, a new run. */
  readonly firstStep?: number | bigint;
  readonly clock?: Clock;
  readonly sink?: EventSink;
  readonly diagnostics?: Diagnostics;
}

/** The options that apply: given ones checked, absent ones at their default. Throws `ERR_OPTION_INVALID`. */
export function resolveEventFileOptions(options: EventFileWriterOptions): Required<EventFileWriterOptions> {
  return {
    flushIntervalMs: positive('flushIntervalMs', options.flushIntervalMs ?? 2000),
    maxFileBytes: positive('maxFileBytes', options.maxFileBytes ?? 128 * 1024 * 1024),
    maxQueueBytes: positive('maxQueueBytes', options.maxQueueBytes ?? 64 * 1024 * 1024),
    fsync: options.fsync ?? false,
    fileNameSuffix: parseSuffix(options.fileNameSuffix ?? ''),
    firstStep: options.firstStep ?? 0,
    clock: options.clock ?? systemClock,
    sink: options.sink ?? diskSink,
    diagnostics: options.diagnostics ?? new Diagnostics(),
  };
}

function positive(name: string, value: number): number {
  if (value > 0 && !Number.isNaN(value)) return value;
  throw new InvalidArgumentError(
    'ERR_OPTION_INVALID',
    `${name} is ${value}, expected a number above 0`,
    `Set ${name} to a positive number.`,
  );
}

function parseSuffix(suffix: string): string {
  if (/^[A-Za-z0-9._-]*$/.test(suffix)) return suffix;
  throw new InvalidArgumentError(
    'ERR_OPTION_INVALID',
    `fileNameSuffix is ${JSON.stringify(suffix)}, expected letters, digits, dot, underscore and hyphen only`,
    'Choose a suffix that is safe in a file name.',
  );
}
