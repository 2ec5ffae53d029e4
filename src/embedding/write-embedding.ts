/** Writes an embedding next to a run's event file. Replaces the configuration atomically, after the files that it lists. */

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFileSync } from '../base/atomic-file.js';
import { RunWriteError } from '../base/errors.js';
import { EVENT_FILE_MARK } from '../format/event-file-name.js';
import { type EmbeddingFiles, toConfigBlock } from './projector-files.js';

export const PROJECTOR_CONFIG_FILE = 'projector_config.pbtxt';

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

/** Converts a tag to a directory name. The conversion is reversible, and TensorBoard never treats the directory as an event file. */
function toFolderName(tag: string): string {
  return encodeURIComponent(tag)
    .replaceAll('.', '%2E')
    .replaceAll('*', '%2A')
    .replaceAll(EVENT_FILE_MARK, (mark) => `%${mark.charCodeAt(0).toString(16)}${mark.slice(1)}`);
}
