/** Reads the traces of a run: those in its event files, and those that are open in a process that runs or was killed. */

import type { CodedError } from '../../../src/base/errors.js';
import { RunFileError } from '../../../src/base/errors.js';
import { EventFileReader } from '../../../src/format/reader/event-file-reader.js';
import { decodePolyaxonValue, POLYAXON_PLUGIN } from '../../../src/polyaxon/polyaxon-value.js';
import type { LoadedRun } from '../../../src/reading/loaded-run.js';
import { listLogDirectories } from '../../../src/reading/log-directories.js';
import type { RunFolder, RunSource } from '../../../src/reading/run-source.js';
import { PROCESS_DIRECTORY } from '../../../src/run-directory/layout.js';
import type { SpanJson } from '../../../src/trace/span.js';
import { joinTracePieces, type ShownSpan } from './join-pieces.js';

const SPAN_TAG = `${POLYAXON_PLUGIN}/span/`;
const SAVED_SPANS = /(?:^|\/)spans-[^/]*\.jsonl$/;
const MAX_SAVED_BYTES = 256 * 1024 * 1024;

interface FoundTraces {
  /** In the order of their start. */
  readonly traces: readonly ShownSpan[];
  readonly problems: readonly CodedError[];
}

/** Reads all traces. Spans that were written apart from their parents are below them. */
export async function readTraces(
  { run, source }: { readonly run: LoadedRun; readonly source: RunSource },
  signal: AbortSignal,
): Promise<FoundTraces> {
  const pieces: SpanJson[] = [];
  const problems: CodedError[] = [];
  for await (const folder of source.listRuns({ uuids: run.uuid === null ? undefined : [run.uuid], signal })) {
    if (folder.location !== run.location) continue;
    // Open traces first: one that ends meanwhile is then in an event file as well, and that counts.
    const saved = await attempt(problems, () => readSaved(folder, signal));
    for (const { files } of await listLogDirectories(folder, 'metric', signal))
      for (const { path } of files)
        for (const span of (await attempt(problems, () => readEvents(folder, path, signal))) ?? [])
          pieces.push(span);
    for (const span of saved ?? []) pieces.push(span);
  }
  return { traces: joinTracePieces(pieces), problems };
}

async function attempt<T>(problems: CodedError[], read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof RunFileError)) throw error;
    problems.push(error);
    return undefined;
  }
}

async function readEvents(folder: RunFolder, path: string, signal: AbortSignal): Promise<SpanJson[]> {
  const spans: SpanJson[] = [];
  await using reader = new EventFileReader(`${folder.location}/${path}`, {
    onDamage: 'skip',
    open: () => folder.openFile(path, signal),
  });
  for await (const { event } of reader.read()) {
    signal.throwIfAborted();
    if (event.what.kind !== 'summary') continue;
    for (const value of event.what.values)
      if (value.tag.startsWith(SPAN_TAG)) spans.push(decodePolyaxonValue(value).body.value as SpanJson);
  }
  return spans;
}

/** The last line of each span. */
async function readSaved(folder: RunFolder, signal: AbortSignal): Promise<SpanJson[]> {
  const spans = new Map<string | undefined, SpanJson>();
  for (const { path } of await folder.listFiles(PROCESS_DIRECTORY, signal)) {
    if (!SAVED_SPANS.test(path)) continue;
    const bytes = await folder.readFile(path, { maxBytes: MAX_SAVED_BYTES, signal });
    for (const line of new TextDecoder().decode(bytes ?? new Uint8Array()).split('\n')) {
      const span = decodeLine(line);
      if (span !== undefined) spans.set(span.uuid, span);
    }
  }
  return [...spans.values()];
}

/** The last line may be incomplete. */
function decodeLine(line: string): SpanJson | undefined {
  try {
    return line === '' ? undefined : (JSON.parse(line) as SpanJson);
  } catch {
    return undefined;
  }
}
