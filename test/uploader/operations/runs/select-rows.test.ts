import { describe, expect, it } from 'vitest';
import type { RunRow } from '../../../../uploader/operations/runs/run-row.js';
import { parseFilter, parseOrder, sortRows } from '../../../../uploader/operations/runs/select-rows.js';

const NOW_MS = Date.parse('2026-01-10T00:00:00Z');

function rowOf(name: string, hoursAgo: number, inputs: RunRow['run']['inputs'], loss?: number): RunRow {
  const createdAt = new Date(NOW_MS - hoursAgo * 3_600_000);
  const facts = { description: null, owner: null, project: null, tags: [], outputs: {}, location: name };
  const times = { createdAt, startedAt: createdAt, finishedAt: null, durationSeconds: null };
  return {
    run: { uuid: null, name, status: 'running', inputs, ...facts, ...times },
    isLost: false,
    metrics: new Map(loss === undefined ? [] : [['val/loss', loss]]),
    best: new Map(),
    nowMs: NOW_MS,
  };
}

const rows = [
  rowOf('baseline', 1, { lr: 0.1, model: { depth: 4 } }, 0.5),
  rowOf('Wide', 30, { lr: 'auto' }, Number.NaN),
  rowOf('123', 100, { lr: 10 }),
];

describe('parseFilter', () => {
  it.each([
    ['name=123', ['123']],
    ['name~BASE', ['baseline']],
    ['name!=baseline', ['Wide', '123']],
    ['lr>=0.1', ['baseline', '123']],
    ['lr<10', ['baseline']],
    ['lr=auto', ['Wide']],
    ['lr==auto', ['Wide']],
    ['model.depth = 4', ['baseline']],
    ['inputs.lr>1', ['123']],
    ['val/loss<1', ['baseline']],
    ['val__loss<1', ['baseline']],
    ['val/loss!=0.5', ['Wide', '123']],
    ['age<2d', ['baseline', 'Wide']],
    ['duration>=30h', ['Wide', '123']],
    ['created>2026-01-09', ['baseline']],
    ['status=running', ['baseline', 'Wide', '123']],
    ['missing=1', []],
  ])('%s', (text, names) => {
    const { isMatch } = parseFilter(text);

    expect(rows.filter(isMatch).map(({ run }) => run.name)).toEqual(names);
  });

  it.each(['name', '=1', 'age<2 weeks', ''])('rejects %j', (text) => {
    expect(() => parseFilter(text)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  });
});

describe('sortRows', () => {
  it.each([
    ['lr', ['baseline', '123', 'Wide']],
    ['-lr', ['Wide', '123', 'baseline']],
    ['val/loss', ['baseline', 'Wide', '123']],
    ['-val/loss', ['baseline', 'Wide', '123']],
    ['age', ['baseline', 'Wide', '123']],
    ['-age', ['123', 'Wide', 'baseline']],
  ])('%s: missing values and NaN are last', (text, names) => {
    expect(sortRows(rows, parseOrder(text)).map(({ run }) => run.name)).toEqual(names);
  });
});
