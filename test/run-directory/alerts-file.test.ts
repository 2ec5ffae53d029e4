import { describe, expect, it } from 'vitest';
import { isAlertsFile, parseAlert, toAlertsPath } from '../../src/run-directory/alerts-file.js';

const ALERT = {
  id: 'a1',
  time: '2026-01-02T03:04:05.678901+00:00',
  level: 'warn',
  title: 'the loss is NaN',
  text: 'at step 12',
  run: { uuid: 'a'.repeat(32), name: 'baseline', project: 'vision' },
};
const parse = (changes: object): unknown => parseAlert(JSON.stringify({ ...ALERT, ...changes }));

describe('parseAlert', () => {
  it('returns what the line says, and nothing else', () => {
    expect(parse({ other: 1 })).toEqual(ALERT);
  });

  it.each([
    ['no JSON', '{"id":'],
    ['no object', '[1]'],
    ['nothing', ''],
  ])('returns null for a line with %s', (_, line) => {
    expect(parseAlert(line)).toBeNull();
  });

  it.each([
    ['id', 3],
    ['title', undefined],
    ['level', 'fatal'],
    ['time', 'yesterday'],
    ['time', 1_700_000_000],
  ])('returns null without a valid %s: %j', (name, value) => {
    expect(parse({ [name]: value })).toBeNull();
  });

  it('has an empty text or name, and no project, if these are missing or no texts', () => {
    expect(parse({ text: 1, run: { uuid: 2, name: 3, project: 4 } })).toEqual({
      ...{ ...ALERT, text: '' },
      run: { uuid: '', name: '' },
    });
    expect(parse({ text: undefined, run: null })).toEqual({
      ...ALERT,
      text: '',
      run: { uuid: '', name: '' },
    });
  });
});

describe('the file of a writer', () => {
  it('is found among the other files of the directory', () => {
    expect(toAlertsPath('/root/runs/a', 'worker-1')).toBe('/root/runs/a/.plx/alerts-worker-1.jsonl');
    const names = ['alerts-main.jsonl', 'alerts-.jsonl', 'alerts-main.jsonl.partial', 'my-alerts-main.jsonl'];
    expect(names.filter(isAlertsFile)).toEqual(['alerts-main.jsonl']);
  });
});
