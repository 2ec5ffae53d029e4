/** The status of a run in a table, with the colour of its meaning. Pure. */

import type { RunValue } from '../operations/runs/run-row.js';
import type { TerminalColor } from './paint.js';
import type { Cell } from './table.js';

const COLORS: Readonly<Record<string, TerminalColor>> = {
  succeeded: 'green',
  failed: 'red',
  upstream_failed: 'red',
  lost: 'red',
  stopped: 'yellow',
  running: 'yellow',
};

export function toStatusCell(status: RunValue): Cell {
  const text = String(status ?? '');
  return { text, color: COLORS[text] ?? null };
}
