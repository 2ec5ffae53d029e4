/**
 * Determines the export owner of a run: its writer or the uploader.
 *
 * polytrack's writers record the owner in `.plx/` before `run.plx.json` and the first event exist. A run file without this record comes from
 * Polyaxon's Python client, which writes `events/` itself. If only event files exist, their writer does not support Polyaxon.
 */

import { EVENTS_DIRECTORY, RESOURCES_DIRECTORY } from '../../src/polyaxon/names.js';
import { isFormatsFile, PROCESS_DIRECTORY, RUN_FILE } from '../../src/run-directory/layout.js';
import type { FileSystem } from '../base/io/file-system.js';
import { findStat } from '../base/io/resolve-existing.js';
import { isAbsent } from '../base/io/system-error.js';
import { readWholeFile } from '../base/io/whole-file.js';
import { joinNames, joinPath } from '../base/join-path.js';

/** `undecided`: a file cannot be read now. Try again later. */
type ExportOwner = 'uploader' | 'writer' | 'undecided';

const MAX_BYTES = 64 * 1024;

/** Finds the export owner. It may change later, when another process joins the run or starts to write to `events/`. */
export async function findExportOwner(
  fileSystem: FileSystem,
  run: { readonly directory: Buffer; readonly filesAt: string },
): Promise<ExportOwner> {
  // A log directory has no files of Polyaxon.
  if (run.filesAt !== '') return 'uploader';
  const words = await readFormats(fileSystem, run.directory);
  if (words === null) return 'undecided';
  if (words.length > 0) return words.some((formats) => formats.includes('polyaxon')) ? 'writer' : 'uploader';
  for (const name of [RUN_FILE, EVENTS_DIRECTORY, RESOURCES_DIRECTORY])
    if ((await findStat(fileSystem, joinNames(run.directory, name))) !== null) return 'writer';
  return 'uploader';
}

/** Returns the formats of each writer, or null if one file is invalid. */
async function readFormats(
  fileSystem: FileSystem,
  directory: Buffer,
): Promise<(readonly unknown[])[] | null> {
  const place = joinNames(directory, PROCESS_DIRECTORY);
  const words: (readonly unknown[])[] = [];
  try {
    for (const name of await fileSystem.readDirectory(place)) {
      if (!isFormatsFile(name.toString('utf8'))) continue;
      const bytes = await readWholeFile(fileSystem, joinPath(place, [name]), MAX_BYTES);
      const { formats } = JSON.parse(bytes.toString('utf8')) as { formats?: unknown };
      if (!Array.isArray(formats)) return null;
      words.push(formats);
    }
  } catch (error) {
    return isAbsent(error) ? words : null;
  }
  return words;
}
