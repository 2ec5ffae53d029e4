/** Formats the progress of an upload as one line that fits the terminal. Pure. */

import { toPrintable } from '../../src/base/printable-text.js';
import { formatBytes, formatCount } from '../base/format.js';
import { formatAge } from '../base/format-age.js';
import { paint } from './paint.js';
import type { Progress, Waiting } from './progress-state.js';
import { countColumns, cutColumns } from './text-columns.js';

const BAR_COLUMNS = 10;
const LEAST_FILE_COLUMNS = 10;
const GAP = '  ';

/** Returns a printable line of at most `columns` columns. What matters least is left out first. */
export function toProgressLine(progress: Progress, columns: number, hasColor: boolean): string {
  const { phase, file, waiting } = progress;
  const state = waiting === null ? null : toWaitingText(waiting);
  const parts =
    phase === 'scanning'
      ? ['scanning']
      : phase === 'comparing'
        ? ['comparing with the store']
        : toParts(progress);
  if (phase === 'finishing') parts.push('finishing');
  const fixed = state === null ? parts : [...parts, state];
  while (fixed.length > 1 && widthOf(fixed) > columns)
    fixed.splice(fixed.length - (state === null ? 1 : 2), 1);
  const free = columns - widthOf(fixed) - GAP.length;
  const name = file === null ? '' : toFileText(file, free);
  const shown = name === '' ? fixed : [...fixed, name];
  const line = cutColumns(shown.join(GAP), columns);
  return hasColor && state !== null ? line.replace(state, () => paint(state, 'yellow')) : line;
}

function widthOf(parts: readonly string[]): number {
  return countColumns(parts.join(GAP));
}

function toParts({ phase, files, bytes, rate, leftMs }: Progress): string[] {
  const isFollowing = phase === 'following';
  const count = isFollowing
    ? `${formatCount(files.planned - files.done, 'file')} pending`
    : `${files.done}/${formatCount(files.planned, 'file')}`;
  const size = isFollowing
    ? formatBytes(bytes.planned - bytes.done)
    : `${formatBytes(bytes.done)} of ${formatBytes(bytes.planned)}`;
  return [
    isFollowing ? 'watching' : toBar(files, bytes),
    count,
    ...(bytes.planned === 0 || (isFollowing && bytes.planned === bytes.done) ? [] : [size]),
    ...(rate === null || rate === 0 ? [] : [`${formatBytes(Math.round(rate))}/s`]),
    ...(leftMs === null || leftMs === 0 ? [] : [`${formatAge(Math.max(1000, leftMs))} left`]),
  ];
}

function toBar(files: Progress['files'], bytes: Progress['bytes']): string {
  const ofFiles = files.planned === 0 ? 1 : files.done / files.planned;
  // Files that are only compared have no bytes to send.
  const share = bytes.planned === 0 || bytes.done === bytes.planned ? ofFiles : bytes.done / bytes.planned;
  const filled = Math.floor(Math.min(1, share) * BAR_COLUMNS);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_COLUMNS - filled)}`;
}

/** The path inside the run, and how many other files are in flight. */
function toFileText({ key, others }: NonNullable<Progress['file']>, columns: number): string {
  const rest = others === 0 ? '' : ` +${others}`;
  const free = columns - rest.length;
  const path = toPrintable(key.replace(/^[0-9a-f]{32}\//, ''));
  return free < LEAST_FILE_COLUMNS ? '' : cutColumns(path, free, 'middle') + rest;
}

function toWaitingText(waiting: Waiting): string {
  switch (waiting.kind) {
    case 'retry': {
      const when = waiting.forMs === 0 ? 'retrying' : `retrying in ${formatAge(waiting.forMs + 999)}`;
      return `${when} (attempt ${waiting.attempt})`;
    }
    case 'store':
      return `no answer from the store for ${formatAge(waiting.sinceMs)}`;
    case 'paused':
      return `paused: ${toPrintable(waiting.reason)}`;
  }
}
