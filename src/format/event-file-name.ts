/** The names of event files. */

/** TensorBoard treats any path whose name contains this text as an event file. It fails when such a path is a directory. */
export const EVENT_FILE_MARK = 'tfevents';

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
