/**
 * The saved state of a run's export, so that the next process can resume it: `export.jsonl`, always replaced as a whole.
 *
 * It has one line per series and file, so that ten thousand of them can be written and read without blocking the event loop.
 */

import type { SessionStart } from '../../../src/format/restarts.js';
import type { ExportResult, SessionState } from '../../../src/polyaxon/export/export-session.js';
import type { ExporterState, ExportTarget, NamedSeries } from '../../../src/polyaxon/export/exporter.js';
import type { FileSystem } from '../../base/io/file-system.js';
import { readWholeFile, removeFile, replaceFile } from '../../base/io/whole-file.js';
import type { FilePosition } from './file-position.js';

export interface SavedExport extends SessionState {
  /** Read positions, by path of the event file inside the run. */
  readonly positions: ReadonlyMap<string, FilePosition>;
  /** Size and checksum of each generated file, by path. */
  readonly files: ReadonlyMap<string, Content>;
  readonly assets: ReadonlyMap<string, Content>;
}

/** Size and checksum of a file, to check that it is unchanged. */
export interface Content {
  readonly sizeBytes: number;
  readonly crc32: number;
}

type Line =
  | { readonly version: 1; readonly inputs: SavedExport['inputs'] }
  | { readonly eventFile: string; readonly position: FilePosition }
  | { readonly restartOf: string; readonly start: Omit<SessionStart, 'step'> & { readonly step: string } }
  | { readonly state: Omit<ExporterState, 'series'> }
  /** A series of the preceding state. */
  | { readonly series: ExporterState['series'][number] }
  | ({ readonly file: string } & Content)
  | ({ readonly asset: string } & Content)
  | { readonly result: ExportResult }
  | { readonly target: ExportTarget; readonly named: NamedSeries }
  | { readonly lines: number };

const FILE_NAME = 'export.jsonl';
const FILE_MODE = 0o600;
const MAX_BYTES = 2 ** 31 - 1;
/** Characters to process before yielding to the event loop. */
const SLICE_CHARACTERS = 1024 * 1024;

/** Reads the saved state in a directory; null when it does not exist or is unusable. */
export async function readSaved(fileSystem: FileSystem, directory: string): Promise<SavedExport | null> {
  try {
    const bytes = await readWholeFile(fileSystem, `${directory}/${FILE_NAME}`, MAX_BYTES);
    return await parse(bytes);
  } catch {
    return null; // missing or invalid: the export restarts from the event files
  }
}

/** Writes the saved state. The directory must exist. */
export async function writeSaved(
  fileSystem: FileSystem,
  directory: string,
  saved: SavedExport,
): Promise<void> {
  const path = `${directory}/${FILE_NAME}`;
  const paths = { directory, path, temporaryPath: `${path}.partial` };
  await replaceFile(fileSystem, paths, await format(saved), FILE_MODE);
}

export function removeSaved(fileSystem: FileSystem, directory: string): Promise<void> {
  return removeFile(fileSystem, `${directory}/${FILE_NAME}`);
}

async function format(saved: SavedExport): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let text = '';
  let lines = 0;
  for (const line of toLines(saved)) {
    text += `${JSON.stringify(line)}\n`;
    lines += 1;
    if (text.length < SLICE_CHARACTERS) continue;
    pieces.push(Buffer.from(text));
    text = '';
    await nextTurn();
  }
  pieces.push(Buffer.from(`${text}${JSON.stringify({ lines })}\n`));
  return Buffer.concat(pieces);
}

function* toLines({
  positions,
  restarts,
  states,
  result,
  names,
  inputs,
  files,
  assets,
}: SavedExport): Generator<Line> {
  yield { version: 1, inputs };
  for (const [eventFile, position] of positions) yield { eventFile, position };
  for (const [restartOf, starts] of restarts)
    for (const start of starts) yield { restartOf, start: { ...start, step: String(start.step) } };
  for (const { series, ...state } of states) {
    yield { state };
    for (const each of series) yield { series: each };
  }
  if (result !== null) yield { result };
  for (const [target, series] of names) for (const named of series) yield { target, named };
  for (const [file, { sizeBytes, crc32 }] of files) yield { file, sizeBytes, crc32 };
  for (const [asset, { sizeBytes, crc32 }] of assets) yield { asset, sizeBytes, crc32 };
}

async function parse(bytes: Buffer): Promise<SavedExport | null> {
  const positions = new Map<string, FilePosition>();
  const restarts = new Map<string, SessionStart[]>();
  const states: { state: Omit<ExporterState, 'series'>; series: ExporterState['series'][number][] }[] = [];
  const files = new Map<string, Content>();
  const assets = new Map<string, Content>();
  const names = new Map<ExportTarget, NamedSeries[]>();
  let inputs: SavedExport['inputs'] | undefined;
  let result: SavedExport['result'] = null;
  let lines = 0;
  let sinceTurn = 0;
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf('\n', start);
    if (end < 0) return null;
    const line = JSON.parse(bytes.toString('utf8', start, end)) as Line;
    sinceTurn += end - start;
    start = end + 1;
    if ('lines' in line) {
      if (line.lines !== lines || start !== bytes.length || inputs === undefined) return null;
      return {
        positions,
        restarts,
        states: states.map(({ state, series }) => ({ ...state, series })),
        result,
        names,
        inputs,
        files,
        assets,
      };
    }
    lines += 1;
    if ('version' in line) {
      if (line.version !== 1) return null;
      inputs = line.inputs;
    } else if ('eventFile' in line) positions.set(line.eventFile, line.position);
    else if ('restartOf' in line) {
      const { restartOf, start } = line;
      const starts = restarts.get(restartOf) ?? [];
      starts.push({ ...start, step: BigInt(start.step) });
      restarts.set(restartOf, starts);
    } else if ('named' in line) {
      const series = names.get(line.target) ?? [];
      series.push(line.named);
      names.set(line.target, series);
    } else if ('state' in line) states.push({ state: line.state, series: [] });
    else if ('series' in line) states.at(-1)?.series.push(line.series);
    else if ('result' in line) result = line.result;
    else if ('file' in line) files.set(line.file, { sizeBytes: line.sizeBytes, crc32: line.crc32 });
    else assets.set(line.asset, { sizeBytes: line.sizeBytes, crc32: line.crc32 });
    if (sinceTurn < SLICE_CHARACTERS) continue;
    sinceTurn = 0;
    await nextTurn();
  }
  return null;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
