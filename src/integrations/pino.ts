/** `polytrack/integrations/pino`: a destination of pino that logs lines into the run. Imports nothing of pino. */

import type { Run } from '../run/run.js';

/** What pino writes to. */
export interface PinoDestination {
  readonly writable: true;
  write(line: string): void;
}

const LEVELS: Readonly<Record<number, string>> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};
/** Facts that the log of the run has already, or that every line repeats. */
const LEFT_OUT = new Set(['level', 'time', 'msg', 'pid', 'hostname']);

/**
 * Returns a destination that adds each line to the log of `run`, which Polyaxon and `polytrack show` print. Secrets are masked. The run needs
 * `trackLogs`, which is on by default.
 *
 *     const logger = pino({}, pino.multistream([{ stream: pino.destination(1) }, { stream: createPinoDestination(run) }]));
 */
export function createPinoDestination(run: Run): PinoDestination {
  return {
    writable: true, // by which pino recognises a stream
    write(line) {
      run.writeLog(isError(line) ? 'stderr' : 'stdout', toText(line.trimEnd()));
    },
  };
}

const isError = (line: string): boolean => Number(/^\{"level":(\d+)/.exec(line)?.[1] ?? 0) >= 50;

function toText(line: string): string {
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    // The program formats its lines itself.
    return line;
  }
  const rest = Object.entries(fields).filter(([name]) => !LEFT_OUT.has(name));
  return [
    typeof fields.level === 'number'
      ? (LEVELS[fields.level] ?? String(fields.level))
      : String(fields.level ?? ''),
    String(fields.msg ?? ''),
    rest.length === 0 ? '' : JSON.stringify(Object.fromEntries(rest)),
  ]
    .filter((part) => part !== '')
    .join(' ');
}
