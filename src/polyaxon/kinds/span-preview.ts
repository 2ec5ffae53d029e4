/** The tree of a span as text for TensorBoard: a line for each span, then its error, inputs and outputs. */

import type { JsonValue } from '../../base/json-value.js';

const MAX_LINES = 200;
const MAX_VALUE_LENGTH = 300;

/** Returns Markdown: a block of code, in which nothing needs to be escaped. */
export function toSpanPreview(span: JsonValue): string {
  const lines: string[] = [];
  addSpan(lines, span, '');
  const shown = lines.slice(0, MAX_LINES);
  if (lines.length > MAX_LINES) shown.push('…');
  return shown.map((line) => `    ${line.replace(/\s*[\r\n\u2028\u2029]+\s*/g, ' ')}`).join('\n');
}

function addSpan(lines: string[], span: JsonValue, indent: string): void {
  if (lines.length > MAX_LINES || typeof span !== 'object' || span === null || Array.isArray(span)) return;
  const { name, kind, status, status_conditions: conditions, inputs, outputs, children } = span as Fields;
  const facts = [name ?? 'trace', kind, status, toDuration(span as Fields)];
  lines.push(indent + facts.filter((fact) => fact !== undefined).join(' · '));
  const failure = toList(conditions).findLast((condition) => (condition as Fields).message !== undefined);
  const values = { [String(status)]: (failure as Fields | undefined)?.message, inputs, outputs };
  for (const [label, value] of Object.entries(values)) {
    if (value !== undefined) lines.push(`${indent}  ${label}: ${toShort(value)}`);
  }
  for (const child of toList(children)) addSpan(lines, child, `${indent}    `);
}

type Fields = { readonly [name: string]: JsonValue | undefined };

function toList(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function toShort(value: JsonValue): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH).toWellFormed()}…` : text;
}

function toDuration({ started_at: start, finished_at: end }: Fields): string | undefined {
  const ms = Date.parse(String(end)) - Date.parse(String(start));
  if (Number.isNaN(ms)) return undefined;
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}
