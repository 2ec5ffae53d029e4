/**
 * Options of an event file writer, checked once.
 */

import { type Clock, systemClock } from '../../base/clock.js';
import { Diagnostics } from '../../base/diagnostics.js';
import { InvalidArgumentError } from '../../base/errors.js';
import { diskSink, type EventSink } from './event-sink.js';

/** Where to go on in a directory that has events: after the last step, or from a step that is written again. */
export type Resume = boolean | { readonly fromStep: number | bigint };

export interface EventFileWriterOptions {
  /** Longest time an event waits in memory, in milliseconds. Default 2,000: TensorBoard polls every 5 s. */
  readonly flushIntervalMs?: number;
  /** Size from which a file is closed and the next one begun. Default 128 MiB: bounds what a re-upload costs. */
  readonly maxFileBytes?: number;
  /** Bytes that may wait while the disk refuses writes. Default 64 MiB. */
  readonly maxQueueBytes?: number;
  /**
   * What happens to an event when so many bytes wait. Default `drop`: it is left out, counted and reported, and training goes on.
   * `throw`: the call throws `EventsDroppedError` as well. No call ever waits for a disk.
   */
  readonly onQueueFull?: 'drop' | 'throw';
  /** Whether `flush()` and `close()` wait until the data would survive a power cut. Default false: a crash of the process loses nothing either way. */
  readonly fsync?: boolean;
  /** Appended to every file name. Default none. */
  readonly fileNameSuffix?: string;
  /**
   * Goes on in a directory that an earlier process has written, ours or another library's.
   *
   * `true`: after the last step there. `{ fromStep }`: steps from `fromStep` on are written again, as after a restart from a
   * checkpoint; TensorBoard drops the old ones (`tensorboardX` calls this `purge_step`). Default: a new series of events.
   */
  readonly resume?: Resume | undefined;
  readonly clock?: Clock;
  readonly sink?: EventSink;
  readonly diagnostics?: Diagnostics;
}

/** Options with every default filled in. */
export type ResolvedEventFileOptions = {
  readonly [K in keyof EventFileWriterOptions]-?: Exclude<EventFileWriterOptions[K], undefined>;
};

/** The options that apply: given ones checked, absent ones at their default. Throws `ERR_OPTION_INVALID`. */
export function resolveEventFileOptions(options: EventFileWriterOptions): ResolvedEventFileOptions {
  return {
    flushIntervalMs: positive('flushIntervalMs', options.flushIntervalMs ?? 2000),
    maxFileBytes: positive('maxFileBytes', options.maxFileBytes ?? 128 * 1024 * 1024),
    maxQueueBytes: positive('maxQueueBytes', options.maxQueueBytes ?? 64 * 1024 * 1024),
    onQueueFull: parseQueuePolicy(options.onQueueFull ?? 'drop'),
    fsync: options.fsync ?? false,
    fileNameSuffix: parseSuffix(options.fileNameSuffix ?? ''),
    resume: options.resume ?? false,
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

function parseQueuePolicy(policy: 'drop' | 'throw'): 'drop' | 'throw' {
  if (policy === 'drop' || policy === 'throw') return policy;
  throw new InvalidArgumentError(
    'ERR_OPTION_INVALID',
    `onQueueFull is ${String(policy)}, expected drop or throw`,
    "Set onQueueFull to 'drop' or 'throw'.",
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
