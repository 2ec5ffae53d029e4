/** Writes an embedding next to a run's event file. Replaces the configuration atomically, after the files that it lists. */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFileSync } from '../base/atomic-file.js';
import { RunWriteError } from '../base/errors.js';
import { EVENT_FILE_MARK } from '../format/event-file-name.js';
import { encodeUtf8 } from '../format/wire/proto-bytes.js';
import { type EmbeddingFiles, toConfigBlock } from './projector-files.js';

/** The limit of usual file systems is 255. */
const MAX_NAME_BYTES = 240;
/** At most four bytes each. */
const KEPT_CHARACTERS = 50;

const PROJECTOR_CONFIG_FILE = 'projector_config.pbtxt';

/** Where the files of an embedding are. */
export interface WrittenEmbedding {
  /** The directory of its files. */
  readonly directory: string;
  readonly sizeBytes: number;
}

/**
 * Writes the files of an embedding below `directory` as `<step>/<tag>/…`, and adds it to the configuration. With `persist` false, writes
 * nothing. Throws `RunWriteError`.
 */
export function writeEmbedding(
  directory: string,
  tag: string,
  step: number | bigint,
  { tensors, metadata, sprite }: EmbeddingFiles,
  { fsync, persist }: { readonly fsync: boolean; readonly persist: boolean },
): WrittenEmbedding {
  const stepName = toStepName(step);
  const folder = `${stepName}/${toFolderName(tag)}`;
  const target = join(directory, folder);
  const contents = {
    'tensors.tsv': Buffer.from(tensors),
    ...(metadata === undefined ? {} : { 'metadata.tsv': Buffer.from(metadata) }),
    ...(sprite === undefined ? {} : { 'sprite.png': sprite.bytes }),
  };
  const block = toConfigBlock({
    name: `${tag}:${stepName}`,
    tensorsPath: `${folder}/tensors.tsv`,
    metadataPath: metadata === undefined ? undefined : `${folder}/metadata.tsv`,
    sprite: sprite && { path: `${folder}/sprite.png`, height: sprite.height, width: sprite.width },
  });
  let sizeBytes = 0;
  try {
    if (persist) mkdirSync(target, { recursive: true });
    for (const [name, bytes] of Object.entries(contents)) {
      sizeBytes += bytes.length;
      if (persist) replaceFileSync(join(target, name), bytes, { fsync });
    }
    if (persist) addToConfig(join(directory, PROJECTOR_CONFIG_FILE), block, { fsync });
  } catch (cause) {
    throw new RunWriteError(target, 'write the embedding', { cause });
  }
  return { directory: target, sizeBytes };
}

/** Appends a block to the configuration, unless it is already there, as after a restart. */
function addToConfig(path: string, block: string, options: { readonly fsync: boolean }): void {
  const before = readConfig(path);
  if (before.includes(block)) return;
  const separator = before === '' || before.endsWith('\n') ? '' : '\n';
  replaceFileSync(path, `${before}${separator}${block}`, options);
}

function readConfig(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** At least five digits, so that sorting by name sorts by step. */
function toStepName(step: number | bigint): string {
  const digits = String(step < 0 ? -BigInt(step) : step).padStart(5, '0');
  return step < 0 ? `-${digits}` : digits;
}

/**
 * Converts a tag to a directory name: letters, digits, `_` and `-` are kept, and every other byte becomes `=` with two hex digits. A long name is
 * cut, with a hash of the tag. Different tags have different names, none contains a character that the keys of a store encode, and TensorBoard
 * never treats the directory as an event file.
 */
function toFolderName(tag: string): string {
  const name = tag
    .replace(/[^\p{L}\p{N}_-]/gu, (text) => [...encodeUtf8(text)].map(toEscape).join(''))
    .replaceAll(EVENT_FILE_MARK, (mark) => `${toEscape(mark.charCodeAt(0))}${mark.slice(1)}`);
  if (encodeUtf8(name).length <= MAX_NAME_BYTES) return name;
  const hash = createHash('sha256').update(tag).digest('hex').slice(0, 16);
  return `${name.slice(0, KEPT_CHARACTERS).toWellFormed()}=${hash}`;
}

function toEscape(byte: number): string {
  return `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
