/** The names of event files. */

/** TensorBoard treats any path whose name contains this text as an event file. It fails when such a path is a directory. */
export const EVENT_FILE_MARK = 'tfevents';
/** The names of event files that TensorBoard must not show as a run, such as those of system metrics, contain this text instead. */
const HIDDEN_FILE_MARK = 'plxevents';

/** Returns whether a file is an event file, according to its name. */
export function isEventFileName(name: string): boolean {
  return name.includes(EVENT_FILE_MARK) || isHiddenFileName(name);
}

/** Returns whether a file is an event file that TensorBoard ignores. */
export function isHiddenFileName(name: string): boolean {
  return name.includes(HIDDEN_FILE_MARK) && !name.includes(EVENT_FILE_MARK);
}

/**
 * The name of an event file. Both of TensorBoard's readers read files in name order, so the seconds are padded to 10
 * digits and the sequence number to 6.
 *
 * Source: tensorboard/summary/writer/event_file_writer.py: `events.out.tfevents.<seconds>.<host>.<pid>.<uid>`.
 */
export function toEventFileName(name: {
  seconds: number;
  hostname: string;
  pid: number;
  sequence: number;
  suffix: string;
}): string {
  const seconds = String(Math.floor(name.seconds)).padStart(10, '0');
  const hostname = name.hostname.replace(/[^A-Za-z0-9_-]+/g, '-') || 'localhost';
  const sequence = String(name.sequence).padStart(6, '0');
  return `events.out.${EVENT_FILE_MARK}.${seconds}.${hostname}.${name.pid}.${sequence}${name.suffix}`;
}

/**
 * Returns the name that hides an event file from TensorBoard: `system.out.plxevents.…`. It sorts after all names of `toEventFileName`, because
 * files of earlier versions are read first.
 */
export function toHiddenFileName(name: string): string {
  return name.replace(/^events\b/, 'system').replaceAll(EVENT_FILE_MARK, HIDDEN_FILE_MARK);
}

/** Returns the seconds in the name of an event file; undefined without any. */
export function findNameSeconds(name: string): number | undefined {
  const digits = /(?:tf|plx)events\.(\d{10})(?!\d)/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
