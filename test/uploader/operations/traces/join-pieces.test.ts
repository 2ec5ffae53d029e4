import { describe, expect, it } from 'vitest';
import type { SpanJson } from '../../../../src/trace/span.js';
import { joinTracePieces, type ShownSpan } from '../../../../uploader/operations/traces/join-pieces.js';

const uuid = (digit: number): string => String(digit).repeat(32);
const at = (second: number): string => `2026-01-02T03:04:0${second}Z`;

function piece(digit: number, parent?: number, more: Partial<SpanJson> = {}): SpanJson {
  const metadata = {
    ...more.metadata,
    ...(parent === undefined ? {} : { polytrack: { parent_uuid: uuid(parent) } }),
  };
  return { name: `s${digit}`, uuid: uuid(digit), started_at: at(digit), ...more, metadata };
}

const outline = ({ name, children }: ShownSpan): string =>
  children.length === 0 ? name : `${name}(${children.map(outline).join(',')})`;

describe('joinTracePieces', () => {
  it('puts each piece below its parent, whatever their order', () => {
    const pieces = [piece(3, 2), piece(1), piece(2, 1), piece(4, 9)];

    expect(joinTracePieces(pieces).map(outline)).toEqual(['s1(s2(s3))', 's4']);
    expect(joinTracePieces(pieces.toReversed()).map(outline)).toEqual(['s1(s2(s3))', 's4']);
  });

  it('finds the uuid of a root in its notes, and keeps the first piece of a span', () => {
    const { uuid: _, ...root } = piece(1, undefined, { metadata: { polytrack: { uuid: uuid(1) } } });

    const joined = joinTracePieces([root, piece(2, 1), piece(1, undefined, { name: 'again' })]);

    expect(joined.map(outline)).toEqual(['s1(s2)']);
  });

  it('adds scores that were logged later to their span', () => {
    const event = {
      name: 'gen_ai.evaluation.result',
      attributes: { 'gen_ai.evaluation.name': 'helpful', 'gen_ai.evaluation.score.value': 1 },
    };
    const score = piece(2, 1, { name: 'score', metadata: { events: [event] } });

    expect(joinTracePieces([piece(1), score])).toMatchObject([
      { name: 's1', children: [], scores: [{ name: 'helpful', value: 1, label: null }] },
    ]);
  });

  it('ends at circles', () => {
    expect(joinTracePieces([piece(1, 2), piece(2, 1)]).map(outline)).toEqual(['s2(s1)']);
  });
});
