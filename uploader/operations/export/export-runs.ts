/** Exports the metrics of runs to a file, which is written whole or not at all. */

import { open, rename, rm } from 'node:fs/promises';
import { toPartialPath } from '../../../src/base/atomic-file.js';
import { loadRuns } from '../../../src/reading/load-runs.js';
import type { LoadedRun } from '../../../src/reading/loaded-run.js';
import type { RunSource } from '../../../src/reading/run-source.js';
import { type ExportMetricsOptions, exportMetrics } from '../../../src/reading/table/export-metrics.js';
import type { Io } from '../../base/io/io.js';
import { findRuns } from '../runs/find-run.js';

interface ExportRunsOptions extends ExportMetricsOptions {
  /** Names of runs, uuids, first digits of uuids, or `latest`. Empty: all runs. */
  readonly references: readonly string[];
  /** The path of the file, or a function that receives its bytes. */
  readonly out: string | ((bytes: Uint8Array) => Promise<void>);
  readonly signal: AbortSignal;
  readonly io: Io;
}

interface ExportReport {
  readonly runs: number;
  readonly bytes: number;
}

/** Closes `source`. Throws as `loadRuns`, `findRuns` and `exportMetrics` do, and the error of the file system for the file. */
export async function exportRuns(source: RunSource, options: ExportRunsOptions): Promise<ExportReport> {
  const { references, out, io, ...rest } = options;
  const { signal } = rest;
  try {
    const runs =
      references.length === 0
        ? loadRuns(source, { signal })
        : await findRuns(source, references, { io, signal });
    const found = new Set<string>();
    const counted = { [Symbol.asyncIterator]: () => countRuns(runs, found) };
    const pieces = exportMetrics(counted, rest);
    const bytes = typeof out === 'string' ? await writeWhole(out, pieces) : await pass(pieces, out);
    return { runs: found.size, bytes };
  } finally {
    await source.close();
  }
}

async function* countRuns(
  runs: AsyncIterable<LoadedRun> | Iterable<LoadedRun>,
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
