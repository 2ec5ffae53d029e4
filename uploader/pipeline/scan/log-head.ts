/** Reads the beginnings of the event files of a log directory, to find out what it is. Reads at most `HEAD_BYTES` of each of a few files. */

import { InvalidValueError } from '../../../src/base/errors.js';
import { decodeHParams } from '../../../src/format/reader/plugin-messages.js';
import { decodeRecord } from '../../../src/format/record/record-codec.js';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import type { Event, SummaryValue } from '../../../src/format/wire/messages.js';
import type { FileSystem } from '../../base/io/file-system.js';
import { joinPath } from '../../base/join-path.js';

export interface LogHead {
  /** Whether anything is logged besides hyperparameters. */
  readonly hasData: boolean;
  /** The configuration of a HParams experiment: the columns of TensorBoard's table. */
  readonly hasConfiguration: boolean;
  /** The start of a HParams session: the values of one trial. */
  readonly hasSession: boolean;
  /** The first tag that is not of the HParams plugin; null without one. */
  readonly firstTag: string | null;
}

const HEAD_BYTES = 64 * 1024;
const MAX_FILES = 16;

/** Reads the files in the order of `names`. Files that cannot be read count as data, so that their directory is not taken for empty. */
export async function readLogHead(
  fileSystem: FileSystem,
  directory: Buffer,
  names: readonly Buffer[],
): Promise<LogHead> {
  const head = {
    hasData: false,
    hasConfiguration: false,
    hasSession: false,
    firstTag: null as string | null,
  };
  for (const name of names.slice(0, MAX_FILES)) {
    const { bytes, isWhole } = await readHead(fileSystem, joinPath(directory, [name]));
    const rest = takeEvents(bytes, (event) => takeEvent(head, event));
    // A record that does not fit is no hyperparameter; an unfinished one at the end of the file may still become one.
    if (rest === 'damaged' || !isWhole) head.hasData = true;
  }
  return head;
}

async function readHead(fileSystem: FileSystem, path: Buffer): Promise<{ bytes: Buffer; isWhole: boolean }> {
  const bytes = Buffer.alloc(HEAD_BYTES);
  let length = 0;
  try {
    const file = await fileSystem.openForReading(path);
    try {
      for (let count = -1; count !== 0 && length < HEAD_BYTES; length += count)
        count = await file.read(bytes.subarray(length), length);
    } finally {
      await file.close();
    }
  } catch {
    return { bytes: bytes.subarray(0, 0), isWhole: false };
  }
  return { bytes: bytes.subarray(0, length), isWhole: length < HEAD_BYTES };
}

function takeEvents(bytes: Buffer, onEvent: (event: Event) => void): 'incomplete' | 'damaged' {
  try {
    for (let at = 0; ; ) {
      const record = decodeRecord(bytes, at);
      if (record.kind === 'incomplete') return 'incomplete';
      onEvent(decodeEvent(record.data));
      at = record.end;
    }
  } catch {
    return 'damaged'; // a wrong CRC, or no protobuf message
  }
}

function takeEvent(head: { -readonly [Key in keyof LogHead]: LogHead[Key] }, { what }: Event): void {
  switch (what.kind) {
    case 'summary':
      for (const value of what.values) takeValue(head, value);
      return;
    case 'graphDef':
    case 'metaGraphDef':
    case 'taggedRunMetadata':
      head.hasData = true;
  }
}

function takeValue(head: { -readonly [Key in keyof LogHead]: LogHead[Key] }, value: SummaryValue): void {
  const kind = findHParamsKind(value);
  if (kind === 'experiment') head.hasConfiguration = true;
  else if (kind === 'sessionStart') head.hasSession = true;
  else if (kind === null) {
    head.hasData = true;
    head.firstTag ??= value.tag;
  }
}

function findHParamsKind({ tag, metadata }: SummaryValue): string | null {
  if (metadata?.pluginName !== 'hparams') return null;
  try {
    return decodeHParams(tag, metadata.content).kind;
  } catch (error) {
    if (error instanceof InvalidValueError) return 'invalid';
    throw error;
  }
}
