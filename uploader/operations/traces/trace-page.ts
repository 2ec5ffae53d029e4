/** A page that shows traces: one file without scripts and without links to other files. Pure. */

import type { ShownSpan } from './join-pieces.js';
import { toSpanFacts } from './span-facts.js';

const STYLE = `
body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#1a1a1a;background:#fff}
details{border-left:2px solid #ddd;margin:.2em 0 .2em .5em;padding-left:.8em}
summary{cursor:pointer;display:grid;grid-template-columns:minmax(12em,1fr) 22em 12em;gap:1em;align-items:center}
.bar{position:relative;height:.6em;background:#f0f0f0}.bar i{position:absolute;top:0;bottom:0;min-width:2px;background:#4a7}
.failed>summary .bar i{background:#c33}.running>summary .bar i,.stopped>summary .bar i{background:#e90}
.failed>summary b{color:#a00}small{color:#555}pre{background:#f6f6f6;padding:.6em;overflow:auto;white-space:pre-wrap;word-break:break-word;max-height:24em}
@media (prefers-color-scheme:dark){body{background:#181818;color:#e4e4e4}details{border-color:#444}.bar,pre{background:#2a2a2a}small{color:#aaa}}`;

/** Returns the page. `title`: the name of the run. */
export function toTracePage(title: string, traces: readonly ShownSpan[]): string {
  const body = traces.map((trace) => toDetails(trace, rangeOf(trace), true)).join('\n');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}: traces</title><style>${STYLE}</style></head>
<body><h1>${escapeHtml(title)}: traces</h1>
${body === '' ? '<p>The run has no traces.</p>' : body}
</body></html>
`;
}

interface Range {
  readonly startMs: number;
  readonly lengthMs: number;
}

function toDetails(span: ShownSpan, range: Range, isOpen: boolean): string {
  const blocks = (['inputs', 'outputs', 'metadata'] as const).map((name) => toBlock(name, span[name]));
  return `<details class="${escapeHtml(span.status ?? '')}"${isOpen ? ' open' : ''}><summary><span><b>${escapeHtml(span.name)}</b> <small>${escapeHtml(
    span.kind ?? '',
  )}</small></span><small>${escapeHtml(toSpanFacts(span).join(' · '))}</small><span class="bar"><i style="${toPosition(span, range)}"></i></span></summary>
${span.error === null ? '' : `<pre>${escapeHtml(span.error)}</pre>`}${blocks.join('')}
${span.children.map((child) => toDetails(child, range, isOpen)).join('\n')}</details>`;
}

function toBlock(name: string, values: ShownSpan['inputs']): string {
  if (Object.keys(values).length === 0) return '';
  return `<details><summary><small>${name}</small></summary><pre>${escapeHtml(JSON.stringify(values, null, 2))}</pre></details>`;
}

function toPosition({ startedAt, finishedAt }: ShownSpan, { startMs, lengthMs }: Range): string {
  if (startedAt === null || lengthMs <= 0) return 'left:0;right:0';
  const left = (Date.parse(startedAt) - startMs) / lengthMs;
  const right = finishedAt === null ? 1 : (Date.parse(finishedAt) - startMs) / lengthMs;
  const percent = (part: number): string => `${(Math.min(1, Math.max(0, part)) * 100).toFixed(2)}%`;
  return `left:${percent(left)};width:${percent(right - left)}`;
}

/** From the first start to the last end. */
function rangeOf(trace: ShownSpan): Range {
  const times: number[] = [];
  const add = (span: ShownSpan): void => {
    for (const time of [span.startedAt, span.finishedAt]) if (time !== null) times.push(Date.parse(time));
    for (const child of span.children) add(child);
  };
  add(trace);
  const [first, last] = times.reduce(
    ([a, b], time) => [Math.min(a, time), Math.max(b, time)],
    [Infinity, -Infinity],
  );
  return { startMs: first, lengthMs: last - first };
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
