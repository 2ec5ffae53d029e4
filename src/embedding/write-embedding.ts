/** Writes an embedding next to a run's event file. Replaces the configuration atomically, after the files that it lists. */

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFileSync } from '../base/atomic-file.js';
import { RunWriteError } from '../base/errors.js';
import { EVENT_FILE_MARK } from '../format/event-file-name.js';
import { type EmbeddingInput, encodeEmbedding, toConfigBlock } from './projector-files.js';

export const PROJECTOR_CONFIG_FILE = 'projector_config.pbtxt';

/**
 * Writes the files of an embedding below `directory` as `<step>/<tag>/…`, and adds it to the configuration.
 *
 * Throws `ERR_EMBEDDING_INVALID` before it writes anything, and `RunWriteError`.
 */
export function writeEmbedding(
  directory: string,
  tag: string,
  step: number | bigint,
  input: EmbeddingInput,
  options: { readonly fsync: boolean },
): void {
  const { tensors, metadata, sprite } = encodeEmbedding(input);
  const stepName = toStepName(step);
  const folder = `${stepName}/${toFolderName(tag)}`;
  const block = toConfigBlock({
    name: `${tag}:${stepName}`,
    tensorsPath: `${folder}/tensors.tsv`,
    metadataPath: metadata === undefined ? undefined : `${folder}/metadata.tsv`,
    sprite: sprite && { path: `${folder}/sprite.png`, height: sprite.height, width: sprite.width },
  });
  try {
    mkdirSync(join(directory, folder), { recursive: true });
    replaceFileSync(join(directory, folder, 'tensors.tsv'), tensors, options);
    if (metadata !== undefined) replaceFileSync(join(directory, folder, 'metadata.tsv'), metadata, options);
    if (sprite !== undefined) replaceFileSync(join(directory, folder, 'sprite.png'), sprite.bytes, options);
    addToConfig(join(directory, PROJECTOR_CONFIG_FILE), block, options);
  } catch (cause) {
    throw new RunWriteError(join(directory, folder), 'write the embedding', { cause });
  }
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
