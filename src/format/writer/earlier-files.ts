/**
 * Reads the event files that earlier writers left in a directory, before a writer resumes there.
 *
 * Source: TensorBoard 2.21's two readers. Both read files in name order. The Python reader removes points when it finds a
 * SessionLog START that is not the first of the run. The Rust reader ignores START; when a step is written again, it removes
 * the tag's points from that step.
 */

import { messageOf, ResumeError } from '../../base/errors.js';
import { EVENT_FILE_MARK } from '../event-file-name.js';
import { RecordAssembler } from '../record/record-assembler.js';
import { decodeRecord } from '../record/record-codec.js';
import { scanEvent } from '../wire/scan-event.js';
import type { EventSink } from './event-sink.js';

export interface EarlierFiles {
  /** In name order, in which TensorBoard reads them. */
  readonly names: readonly string[];
  /** The last step of each tag, of the steps below the one to resume from. */
  readonly lastSteps: ReadonlyMap<string, number | bigint>;
  /** The plugin of each tag's first value that names one, at any step. TensorBoard keeps it for the whole run. */
  readonly plugins: ReadonlyMap<string, string>;
  /** The largest step of all; undefined without any step. */
  readonly largestStep: number | bigint | undefined;
  /** Whether a file has a SessionLog START. If none has, the next START does not purge. */
  readonly hasSessionStart: boolean;
}

/** The sorted names of the event files in a directory. */
export function listEventFiles(directory: string, sink: EventSink): string[] {
  return sink
    .list(directory)
    .filter((name) => name.includes(EVENT_FILE_MARK))
    .sort();
}

/** Reads the earlier files. Like TensorBoard, ignores everything after a damaged record. Throws `ResumeError` when a file cannot be read. */
export function readEarlierFiles(
  directory: string,
  sink: EventSink,
  fromStep: number | bigint | undefined,
): EarlierFiles {
  const names = listNames(directory, sink);
  const lastSteps = new Map<string, number | bigint>();
  const pluginsByTag = new Map<string, string>();
  let largestStep: number | bigint | undefined;
  let hasSessionStart = false;
  for (const name of names) {
    for (const { step, tags, plugins, isSessionStart } of scanFile(directory, name, sink)) {
      hasSessionStart ||= isSessionStart;
      if (tags.length === 0) continue;
      for (const [i, plugin] of plugins.entries()) {
        if (plugin !== undefined && !pluginsByTag.has(tags[i]!)) pluginsByTag.set(tags[i]!, plugin);
      }
      if (largestStep === undefined || step > largestStep) largestStep = step;
      if (fromStep !== undefined && step >= fromStep) continue;
      for (const tag of tags) lastSteps.set(tag, step);
    }
  }
  return { names, lastSteps, plugins: pluginsByTag, largestStep, hasSessionStart };
}

function listNames(directory: string, sink: EventSink): string[] {
  try {
    return listEventFiles(directory, sink);
  } catch (cause) {
    throw new ResumeError(directory, messageOf(cause), { cause });
  }
}

function* scanFile(directory: string, name: string, sink: EventSink) {
  const assembler = new RecordAssembler();
  for (const piece of readPieces(directory, name, sink)) {
    const bytes = assembler.add(piece);
    for (let at = 0; bytes !== undefined; ) {
      let event: ReturnType<typeof scanEvent>;
      try {
        const decoded = decodeRecord(bytes, at);
        if (decoded.kind === 'incomplete') {
          assembler.keep(bytes.subarray(at), decoded.missingBytes);
          break;
        }
        event = scanEvent(decoded.data);
        at = decoded.end;
      } catch {
        // A damaged record or message: both of TensorBoard's readers stop reading this file.
        return;
      }
      yield event;
    }
  }
}

function* readPieces(directory: string, name: string, sink: EventSink): Generator<Uint8Array> {
  try {
    yield* sink.read(directory, name);
  } catch (cause) {
    throw new ResumeError(directory, `${name}: ${messageOf(cause)}`, { cause });
  }
}

/** The seconds that a new file's name needs to sort after all earlier names with seconds; undefined if no name has them. */
export function secondsAfter(names: readonly string[]): number | undefined {
  let largest: number | undefined;
  for (const name of names) {
    const digits = /tfevents\.(\d{10})(?!\d)/.exec(name)?.[1];
    if (digits !== undefined) largest = Math.max(largest ?? 0, Number(digits));
  }
  return largest === undefined ? undefined : largest + 1;
}
