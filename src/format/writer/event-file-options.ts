/** The options of an event file writer, and their validation. */

import { type Clock, systemClock } from '../../base/clock.js';
import { describe } from '../../base/describe.js';
import { Diagnostics } from '../../base/diagnostics.js';
import { InvalidArgumentError } from '../../base/errors.js';
import { guardClock } from '../../base/guarded-clock.js';
import { checkOptions, type OptionTable } from '../../base/options.js';
import { diskSink } from './disk-sink.js';
import type { EventSink } from './event-sink.js';

/** Where to resume in a directory that has events: after the last step, or from a step that is written again. */
export type Resume = boolean | { readonly fromStep: number | bigint };

export interface EventFileWriterOptions {
  /** The longest time that an event stays in memory, in milliseconds. Default 2,000; TensorBoard polls every 5 s. */
  readonly flushIntervalMs?: number;
  /** The size at which a file is closed and the next one begins. Default 128 MiB, which limits the cost of a repeated upload. */
  readonly maxFileBytes?: number;
  /** The most bytes that may wait while writes to the disk fail. Default 64 MiB. */
  readonly maxQueueBytes?: number;
  /**
   * What happens to an event when the queue is full. Default `drop`: the event is dropped, counted and reported, and training
   * continues. `throw`: the call also throws `EventsDroppedError`. No call ever waits for the disk.
   */
  readonly onQueueFull?: 'drop' | 'throw';
  /**
   * Whether `flush()` and `close()` wait until the data would survive a power failure, if all processes that write to the run use
   * it. Default false. A crash of the process loses no data in either case.
   */
  readonly fsync?: boolean;
  /** A suffix for every file name. Default none. */
  readonly fileNameSuffix?: string;
  /**
   * Resumes in a directory that an earlier process has written, with polytrack or another library.
   *
   * `true`: after the last step. `{ fromStep }`: steps from `fromStep` are written again, as after a restart from a checkpoint, and
   * TensorBoard no longer shows the old ones (`tensorboardX` calls this `purge_step`), except those of tags that have no others, which stay
   * until the tag is logged again. Default: a new series of events.
   */
  readonly resume?: Resume | undefined;
  readonly clock?: Clock;
  readonly sink?: EventSink;
  readonly diagnostics?: Diagnostics;
}

export const EVENT_FILE_WRITER_OPTIONS: OptionTable<EventFileWriterOptions> = {
  flushIntervalMs: 'number',
  maxFileBytes: 'number',
  maxQueueBytes: 'number',
  onQueueFull: 'any',
  fsync: 'boolean',
  fileNameSuffix: 'string',
  resume: 'any',
  clock: 'object',
  sink: 'object',
  diagnostics: 'object',
};

/** The options with every default filled in. */
export type ResolvedEventFileOptions = {
  readonly [K in keyof EventFileWriterOptions]-?: Exclude<EventFileWriterOptions[K], undefined>;
};

/** Validates the options and fills in defaults. Throws `ERR_OPTION_INVALID`. */
export function resolveEventFileOptions(options: EventFileWriterOptions): ResolvedEventFileOptions {
  const diagnostics = options.diagnostics ?? new Diagnostics();
  return {
    flushIntervalMs: positive('flushIntervalMs', options.flushIntervalMs ?? 2000),
    maxFileBytes: positive('maxFileBytes', options.maxFileBytes ?? 128 * 1024 * 1024),
    maxQueueBytes: positive('maxQueueBytes', options.maxQueueBytes ?? 64 * 1024 * 1024),
    onQueueFull: parseQueuePolicy(options.onQueueFull ?? 'drop'),
    fsync: options.fsync ?? false,
    fileNameSuffix: parseSuffix(options.fileNameSuffix ?? ''),
    resume: parseResume(options.resume ?? false),
    clock: guardClock(options.clock ?? systemClock, diagnostics),
    sink: options.sink ?? diskSink,
    diagnostics,
  };
}

function positive(name: string, value: number): number {
  if (value > 0 && !Number.isNaN(value)) return value;
  throw new InvalidArgumentError(
    'ERR_OPTION_INVALID',
    `${name} is ${describe(value)}, expected a number above 0`,
    `Set ${name} to a positive number.`,
  );
}

function parseResume(resume: Resume): Resume {
  if (typeof resume === 'boolean') return resume;
  checkOptions('resume', resume, { fromStep: 'any' });
  if (
    typeof resume.fromStep === 'number'
      ? Number.isInteger(resume.fromStep)
      : typeof resume.fromStep === 'bigint'
  )
    return resume;
  throw new InvalidArgumentError(
    'ERR_OPTION_INVALID',
    `resume.fromStep is ${describe(resume.fromStep)}, expected a whole number`,
    'Pass true, or { fromStep: 100 }.',
  );
}

function parseQueuePolicy(policy: 'drop' | 'throw'): 'drop' | 'throw' {
  if (policy === 'drop' || policy === 'throw') return policy;
  throw new InvalidArgumentError(
    'ERR_OPTION_INVALID',
    `onQueueFull is ${describe(policy)}, expected drop or throw`,
    "Set onQueueFull to 'drop' or 'throw'.",
  );
}

function parseSuffix(suffix: string): string {
  if (/^[A-Za-z0-9._-]*$/.test(suffix)) return suffix;
  throw new InvalidArgumentError(
    'ERR_OPTION_INVALID',
    `fileNameSuffix is ${describe(suffix)}, expected letters, digits, dot, underscore and hyphen only`,
    'Choose a suffix that is safe in a file name.',
  );
}
