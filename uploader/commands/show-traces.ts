/** `polytrack show --trace`: prints the traces of a run as trees, or writes a page of them. */

import { writeFile } from 'node:fs/promises';
import { joinLines } from '../../src/base/printable-text.js';
import { ConfigError } from '../base/errors.js';
import type { FoundRun } from '../operations/runs/find-run.js';
import type { ShownSpan } from '../operations/traces/join-pieces.js';
import { readTraces } from '../operations/traces/read-traces.js';
import { toSpanFacts } from '../operations/traces/span-facts.js';
import { toTracePage } from '../operations/traces/trace-page.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT } from './context.js';
import { toErrorText } from './print-error.js';

const MAX_VALUE_CHARACTERS = 400;

export const TRACE_HELP = `
Traces:
  --trace            all traces, also those that are open while the run is open
  --trace <id>       one of them, with its values: the first digits of the uuid or trace id of a span, or the name of a root
  --html <file>      writes them as a page for a browser, with all values
`;

/** Shows traces if the flags ask for them. Returns whether they do. */
export async function showTraces(found: FoundRun, flags: Flags, context: CommandContext): Promise<boolean> {
  const id = flags.trace === undefined && flags.html !== undefined ? true : flags.trace;
  if (id === undefined) return false;
  const { traces, problems } = await readTraces(found, context.signal);
  const chosen = typeof id === 'string' ? traces.filter((trace) => matches(trace, id)) : traces;
  if (chosen.length === 0 && typeof id === 'string')
    throw new ConfigError(`no trace of the run matches ${id}`, 'Omit the id to see all traces.');
  if (typeof flags.html === 'string') {
    await writeFile(flags.html, toTracePage(found.run.name ?? found.run.uuid ?? found.run.location, chosen));
    context.stderr(`wrote ${flags.html}\n`);
  } else if (flags.json === true) {
    context.stdout(`${JSON.stringify(chosen, null, 2)}\n`);
  } else {
    const lines = chosen.flatMap((trace) => toTree(trace, typeof id === 'string'));
    context.stdout(joinLines(lines.length === 0 ? ['no traces'] : lines));
  }
  for (const problem of problems) context.stderr(toErrorText(problem, false));
  context.setExitCode(problems.length === 0 ? EXIT.complete : EXIT.unsent);
  return true;
}

function matches(trace: ShownSpan, id: string): boolean {
  const isIn = (span: ShownSpan): boolean =>
    [span.uuid, span.traceId].some((each) => each?.startsWith(id) === true) || span.children.some(isIn);
  return trace.name === id || isIn(trace);
}

/** The lines of a trace: `agent  1.2 s`, and below it its children. The root says its uuid. */
function toTree(root: ShownSpan, hasValues: boolean): string[] {
  const lines: string[] = [];
  const add = (span: ShownSpan, head: string, tail: string): void => {
    const kind = span.kind === null ? '' : ` [${span.kind}]`;
    const uuid = span === root && span.uuid !== null ? `  ${span.uuid.slice(0, 8)}` : '';
    lines.push(`${head}${span.name}${kind}  ${toSpanFacts(span).join(' · ')}${uuid}`);
    const below = `${tail}${span.children.length > 0 ? '│ ' : '  '}`;
    if (span.error !== null) lines.push(`${below}${toLine(span.error)}`);
    for (const name of hasValues ? (['inputs', 'outputs'] as const) : [])
      if (Object.keys(span[name]).length > 0)
        lines.push(`${below}${name} ${toLine(JSON.stringify(span[name]))}`);
    span.children.forEach((child, index) => {
      const isLast = index === span.children.length - 1;
      add(child, `${tail}${isLast ? '└─ ' : '├─ '}`, `${tail}${isLast ? '   ' : '│  '}`);
    });
  };
  add(root, '', '');
  return lines;
}

function toLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= MAX_VALUE_CHARACTERS ? line : `${line.slice(0, MAX_VALUE_CHARACTERS)}…`;
}
