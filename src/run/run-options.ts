/**
 * Options of `Run`, validated once: arguments, then environment, then defaults.
 */

import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import type { Clock } from '../clock.js';
import type { DiagnosticsOptions } from '../diagnostics.js';
import { InvalidArgumentError } from '../errors.js';
import type { EventLogOptions } from '../event-log.js';
import { EVENT_FILE_MARK, RUN_UUID_PATTERN } from '../layout.js';
import { parseName } from '../summary/arguments.js';
import { toWellFormedText } from '../well-formed-text.js';

export interface RunOptions
  extends DiagnosticsOptions,
    Pick<
      EventLogOptions,
      | 'flushIntervalMs'
      | 'maxFileBytes'
      | 'maxQueueBytes'
      | 'onQueueFull'
      | 'fsync'
      | 'fileNameSuffix'
      | 'sink'
      | 'recordIf'
      | 'resume'
    > {
  /**
   * Directory that holds all runs. Default: `POLYAXON_OFFLINE_ROOT`, else `./plx-runs` (Polyaxon's own default lies in the
   * temporary folder, which a reboot empties).
   */
  readonly root?: string | undefined;
  /** 32 hex digits, with or without dashes. Default: a new one. */
  readonly uuid?: string | undefined;
  /** Shown in TensorBoard and Polyaxon. Default: `run`. */
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly owner?: string | undefined;
  readonly project?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly clock?: Clock | undefined;
}

const DEFAULT_ROOT = 'plx-runs';

/** The root that applies: option, environment, default; absolute. */
export function resolveRoot(root: string | undefined, environment: NodeJS.ProcessEnv): string {
  const chosen = root ?? (environment.POLYAXON_OFFLINE_ROOT || DEFAULT_ROOT);
  if (typeof chosen !== 'string' || chosen === '' || chosen.includes('\0')) {
    throw invalidOption(`root is ${JSON.stringify(chosen)}, expected a path`, 'Pass a directory as `root`.');
  }
  return resolve(chosen);
}

/** A run's uuid without dashes; a new one when none is given. */
export function resolveUuid(uuid: string | undefined): string {
  const compact = (uuid ?? randomUUID()).replaceAll('-', '').toLowerCase();
  if (RUN_UUID_PATTERN.test(compact)) return compact;
  throw invalidOption(
    `uuid is ${JSON.stringify(uuid)}, expected 32 hex digits`,
    'Leave it out, or pass a UUID.',
  );
}

/** A run's name, checked as the names of events are. */
export function resolveRunName(name: string | undefined): string {
  const { text } = parseName(name ?? 'run');
  if (text.toLowerCase().includes(EVENT_FILE_MARK)) {
    throw invalidOption(
      `name contains "${EVENT_FILE_MARK}", by which TensorBoard knows event files`,
      'Choose another name for the run.',
    );
  }
  return text;
}

/** A list of tags: strings that are not empty; duplicates are merged. */
export function parseTags(tags: unknown): string[] {
  const list = typeof tags === 'string' ? tags.split(',').map((tag) => tag.trim()) : tags;
  if (!Array.isArray(list) || list.some((tag) => typeof tag !== 'string' || tag.trim() === '')) {
    throw new InvalidArgumentError(
      'ERR_TAGS_INVALID',
      `tags is ${JSON.stringify(tags)}, expected strings that are not empty`,
      'Pass an array of strings, or one string with commas.',
    );
  }
  return [...new Set(list.map((tag: string) => toWellFormedText(tag).text))];
}

function invalidOption(message: string, hint: string): InvalidArgumentError {
  return new InvalidArgumentError('ERR_OPTION_INVALID', message, hint);
}
