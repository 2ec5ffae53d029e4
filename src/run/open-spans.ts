/**
 * The files of traces whose root is open: `.plx/spans-<writer>-<uuid of the root>.jsonl`, one line for each span that started or ended. They
 * exist only for traces that are open for longer than a flush, and until the event file has the whole trace. If the process is killed, they
 * remain; a resumed run writes them as traces.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { appendText } from '../base/append-file.js';
import type { JsonValue } from '../base/json-value.js';
import { PROCESS_DIRECTORY } from '../run-directory/layout.js';
import { type JsonRecord, NOTES_KEY, type OpenSpanJournal, type SpanJson } from '../trace/span.js';
import type { RunContext } from './run-context.js';

export class OpenSpanFiles implements OpenSpanJournal {
  readonly #context: RunContext;
  readonly #prefix: string;
  readonly #saved = new Set<string>();
  /** Files of traces that were emitted since the last tick, and before it. */
  #emitted = new Set<string>();
  #emittedBefore = new Set<string>();

  constructor(context: RunContext) {
    this.#context = context;
    const { paths, writer } = context.environment;
    this.#prefix = join(paths.run, PROCESS_DIRECTORY, `spans-${writer}-`);
  }

  /** Returns the traces that an earlier process of this writer left, and removes their files once they are on disk again. */
  recover(): SpanJson[] {
    const directory = dirname(this.#prefix);
    const paths = listFiles(directory).filter((path) => path.startsWith(this.#prefix));
    for (const path of paths) this.#emitted.add(path);
    return paths.flatMap((path) => toTrees(readFileSync(path, 'utf8')));
  }

  save(root: string, spans: readonly SpanJson[]): void {
    const path = this.#pathOf(root);
    if (this.#saved.size === 0) mkdirSync(dirname(path), { recursive: true });
    this.#saved.add(path);
    const { masker } = this.#context;
    const lines = spans.map((span) => `${JSON.stringify(masker.maskNamed('', span as JsonValue))}\n`);
    appendText(path, lines.join(''));
  }

  emitted(root: string): void {
    const path = this.#pathOf(root);
    if (this.#saved.delete(path)) this.#emitted.add(path);
  }

  tick(): boolean {
    removeFiles(this.#emittedBefore);
    this.#emittedBefore = this.#emitted;
    this.#emitted = new Set();
    return this.#emittedBefore.size > 0;
  }

  settle(): void {
    this.tick();
    this.tick();
  }

  #pathOf(root: string): string {
    return `${this.#prefix}${root}.jsonl`;
  }
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch {
    // The run is new, or writes nothing.
    return [];
  }
}

function removeFiles(paths: Iterable<string>): void {
  for (const path of paths) rmSync(path, { force: true });
}

/** Assembles the trees of a file. The last line of a span counts; open spans become `stopped`. */
function toTrees(text: string): SpanJson[] {
  const spans = new Map<string | undefined, SpanJson>();
  for (const line of text.split('\n')) {
    const span = decodeLine(line);
    if (span !== undefined) spans.set(span.uuid, span.finished_at === undefined ? toStopped(span) : span);
  }
  const tops: SpanJson[] = [];
  for (const span of spans.values()) {
    const {
      parent_uuid: parentUuid,
      root_uuid: _root,
      ...notes
    } = (span.metadata?.[NOTES_KEY] ?? {}) as JsonRecord;
    const parent = spans.get(parentUuid as string | undefined);
    if (parent === undefined || parent === span) tops.push(span);
    else {
      Object.assign(span, { metadata: { ...span.metadata, [NOTES_KEY]: notes } });
      Object.assign(parent, { children: [...(parent.children ?? []), span] });
    }
  }
  return tops;
}

function toStopped(span: SpanJson): SpanJson {
  const condition = {
    type: 'stopped',
    status: true,
    reason: 'ProcessEnded',
    message: 'The process ended before the span',
  } as const;
  return { ...span, status: 'stopped', status_conditions: [...(span.status_conditions ?? []), condition] };
}

/** The last line may be torn. */
function decodeLine(line: string): SpanJson | undefined {
  try {
    return JSON.parse(line) as SpanJson;
  } catch {
    return undefined;
  }
}
