/**
 * Reads the event files that earlier writers left in a directory, before a writer resumes there.
 *
 * Source: TensorBoard 2.21's two readers. Both read files in name order.
 */

import { copyBytes } from '../../base/copy-bytes.js';
import { messageOf, ResumeError } from '../../base/errors.js';
import { findNameSeconds, isEventFileName } from '../event-file-name.js';
import { RecordAssembler } from '../record/record-assembler.js';
import { decodeRecord } from '../record/record-codec.js';
import { decodeEvent } from '../wire/decode-event.js';
import type { Event, SummaryValue } from '../wire/messages.js';
import { type ScannedEvent, scanEvent } from '../wire/scan-event.js';
import { type EarlierTag, EarlierTags } from './earlier-tags.js';
import type { EventSink } from './event-sink.js';
import type { Step } from './step.js';

export interface EarlierFiles {
  /** In name order, in which TensorBoard reads them. */
  readonly names: readonly string[];
  readonly tags: ReadonlyMap<string, EarlierTag>;
  /** The largest step of all; undefined without any step. */
  readonly largestStep: Step | undefined;
  /** Whether a file has a SessionLog START. */
  readonly hasSessionStart: boolean;
  /** The last layout of custom scalars, which a writer extends. */
  readonly layout: SummaryValue | undefined;
  /** The events with values of the plugin `hparams`, in the order in which TensorBoard reads them. */
  readonly hparams: readonly Event[];
}

/** The sorted names of the event files in a directory. */
export function listEarlierFiles(directory: string, sink: EventSink): string[] {
  return sink.list(directory).filter(isEventFileName).sort();
}

/**
 * Reads the earlier files. Steps from `fromStep` on are written again; undefined: none. Like TensorBoard, ignores everything after a damaged
 * record. Throws `ResumeError` when a file cannot be read.
 */
export function readEarlierFiles(
  directory: string,
  sink: EventSink,
  fromStep: Step | undefined,
): EarlierFiles {
  const names = listNames(directory, sink);
  const tags = new EarlierTags(fromStep);
  let largestStep: Step | undefined;
  let hasSessionStart = false;
  let layout: SummaryValue | undefined;
  const hparams: Event[] = [];
  for (const name of names) {
    for (const { event, data } of scanEarlierFile(directory, name, sink)) {
      tags.add(event);
      hasSessionStart ||= event.isSessionStart;
      if (event.values?.some(({ plugin }) => plugin === 'hparams')) {
        const decoded = decode(data);
        if (decoded !== undefined) hparams.push(decoded);
      }
      for (const { tag, hasData } of event.values ?? []) {
        if (!hasData) continue;
        if (largestStep === undefined || event.step > largestStep) largestStep = event.step;
        if (tags.tags.get(tag)?.plugin === 'custom_scalars') layout = findValue(data, tag) ?? layout;
      }
    }
  }
  return { names, tags: tags.tags, largestStep, hasSessionStart, layout, hparams };
}

function findValue(data: Uint8Array, tag: string): SummaryValue | undefined {
  const event = decode(data);
  return event?.what.kind === 'summary' ? event.what.values.find((value) => value.tag === tag) : undefined;
}

/** Returns undefined for a message that is damaged within: TensorBoard stops there too. */
function decode(data: Uint8Array): Event | undefined {
  try {
    // The decoded values refer to the bytes, which the next records overwrite.
    return decodeEvent(copyBytes(data));
  } catch {
    return undefined;
  }
}

function listNames(directory: string, sink: EventSink): string[] {
  try {
    return listEarlierFiles(directory, sink);
  } catch (cause) {
    throw new ResumeError(directory, messageOf(cause), { cause });
  }
}

/** Scans the records of a file up to the first damaged one, each with its offset. Throws `ResumeError` when the file cannot be read. */
export function* scanEarlierFile(
  directory: string,
  name: string,
  sink: EventSink,
): Generator<{ event: ScannedEvent; data: Uint8Array; offset: number }> {
  const assembler = new RecordAssembler();
  let start = 0;
  for (const piece of readPieces(directory, name, sink)) {
    const bytes = assembler.add(piece);
    for (let at = 0; bytes !== undefined; ) {
      let data: Uint8Array;
      let event: ScannedEvent;
      const offset = start + at;
      try {
        const decoded = decodeRecord(bytes, at);
        if (decoded.kind === 'incomplete') {
          assembler.keep(bytes.subarray(at), decoded.missingBytes);
          start = offset;
          break;
        }
        data = decoded.data;
        event = scanEvent(data);
        at = decoded.end;
      } catch {
        // A damaged record or message: both of TensorBoard's readers stop reading this file.
        return;
      }
      yield { event, data, offset };
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
    const seconds = findNameSeconds(name);
    if (seconds !== undefined) largest = Math.max(largest ?? 0, seconds);
  }
  return largest === undefined ? undefined : largest + 1;
}
