/** Names of event files. */

/** What makes TensorBoard take a file for an event file, and trip over a directory, wherever it stands in the name. */
export const EVENT_FILE_MARK = 'tfevents';

/**
 * The name of an event file. Read order is name order in both of TensorBoard's readers, so the seconds are padded to 10
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
