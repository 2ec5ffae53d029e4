/** Exports the metrics of the runs of a root or a store to a file, which is written whole or not at all. */

import { open, rename, rm } from 'node:fs/promises';
import { toPartialPath } from '../../../src/base/atomic-file.js';
import { loadRuns } from '../../../src/reading/load-runs.js';
import type { LoadedRun } from '../../../src/reading/loaded-run.js';
import { type ExportMetricsOptions, exportMetrics } from '../../../src/reading/table/export-metrics.js';
import type { Io } from '../../base/io/io.js';
import type { Environment } from '../../settings/settings.js';
import { openRunSource } from '../read/run-source.js';

interface ExportRunsOptions extends ExportMetricsOptions {
  readonly uuids: readonly string[] | undefined;
  /** The path of the file, or a function that receives its bytes. */
  readonly out: string | ((bytes: Uint8Array) => Promise<void>);
  readonly io: Io;
  readonly environment: Environment;
}

interface ExportReport {
  readonly runs: number;
  readonly bytes: number;
}

const URL_PATTERN = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Throws as `loadRuns` and `exportMetrics` do, and the error of the file system for the file. */
export async function exportRuns(source: string, options: ExportRunsOptions): Promise<ExportReport> {
  const { uuids, out, io, environment, ...rest } = options;
  const { signal } = rest;
  const isUrl = URL_PATTERN.test(source);
  const opened = isUrl ? await openRunSource(source, { io, environment, signal }) : source;
  await using runs = loadRuns(opened, { uuids, signal });
  const found = new Set<string>();
  const counted = { [Symbol.asyncIterator]: () => countRuns(runs, found) };
  const pieces = exportMetrics(counted, rest);
  const bytes = typeof out === 'string' ? await writeWhole(out, pieces) : await pass(pieces, out);
  return { runs: found.size, bytes };
}

async function* countRuns(
  runs: AsyncIterable<LoadedRun>,
  found: Set<string>,
): AsyncGenerator<LoadedRun, void, void> {
  for await (const run of runs) {
    found.add(run.location);
    yield run;
  }
}

async function pass(
  pieces: AsyncIterable<Uint8Array>,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<number> {
  let sizeBytes = 0;
  for await (const piece of pieces) {
    sizeBytes += piece.length;
    await write(piece);
  }
  return sizeBytes;
}

async function writeWhole(path: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  const partial = toPartialPath(path);
  let sizeBytes = 0;
  try {
    await using file = await open(partial, 'w');
    for await (const piece of pieces) {
      await file.writeFile(piece);
      sizeBytes += piece.length;
    }
    await file.sync();
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  await rename(partial, path);
  return sizeBytes;
}
