/** The facts of a span in words, for a line of text or of a page. Pure. */

import type { ShownSpan } from './join-pieces.js';

export function toSpanFacts({
  seconds,
  status,
  inputTokens,
  outputTokens,
  cost,
  scores,
}: ShownSpan): string[] {
  const tokens = [
    ...(inputTokens === null ? [] : [`${inputTokens} in`]),
    ...(outputTokens === null ? [] : [`${outputTokens} out`]),
  ];
  return [
    seconds === null ? (status ?? 'running') : toDuration(seconds),
    ...(status === null || status === 'succeeded' || seconds === null ? [] : [status]),
    ...(tokens.length === 0 ? [] : [`tokens ${tokens.join(', ')}`]),
    ...(cost === null ? [] : [`cost ${Number(cost.toPrecision(4))}`]),
    ...scores.map(({ name, value, label }) => `${name} ${value}${label === null ? '' : ` (${label})`}`),
  ];
}

function toDuration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 120 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`;
}
