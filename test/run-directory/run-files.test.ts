import { describe, expect, it } from 'vitest';
import { findUuid, parseRunFiles } from '../../src/run-directory/run-files.js';

const TIME = '2026-01-02T03:04:05.678901+00:00';
const LATER = '2026-01-02T04:00:00+00:00';

describe('parseRunFiles', () => {
  it('has nothing of files that do not exist', () => {
    const { record, lineage, workers, end } = parseRunFiles({ record: undefined });

    expect({ record, lineage, workers, end }).toEqual({ record: null, lineage: [], workers: [], end: null });
  });

  it('returns a whole record', () => {
    const record = {
      ...{ name: 'a', default_name: 'b', description: 'c', readme: 'd', owner: 'e', project: 'f' },
      ...{
        kind: 'job',
        runtime: 'service',
        is_managed: true,
        status: 'running',
        wait_time: 1.5,
        duration: 0,
      },
      ...{ created_at: TIME, started_at: TIME, finished_at: LATER },
      ...{ tags: ['x', 'y'], meta_info: { a: 1 }, inputs: { lr: 0.1 }, outputs: { loss: null } },
    };
    const condition = { type: 'running', status: true, reason: 'r', message: 'm' };
    const times = { last_update_time: TIME, last_transition_time: LATER };

    const found = parseRunFiles({ record: { ...record, status_conditions: [{ ...condition, ...times }] } });

    expect(found.record).toEqual({ ...record, status_conditions: [{ ...condition, ...times }] });
  });

  it('takes what has the wrong type as missing', () => {
    const texts = ['name', 'default_name', 'description', 'readme', 'owner', 'project', 'kind', 'runtime'];
    const wrong = Object.fromEntries(texts.map((name, index) => [name, index % 2 === 0 ? '' : 5]));
    const times = { created_at: 'yesterday', started_at: 5, finished_at: '' };
    const others = { status: 'dancing', wait_time: '1', duration: null, is_managed: 'true', tags: 'x' };

    const { record } = parseRunFiles({
      record: { ...wrong, ...times, ...others, inputs: [], status_conditions: {} },
    });

    for (const name of [...texts, ...Object.keys(times), 'status', 'wait_time', 'duration'])
      expect(record).toHaveProperty(name, null);
    expect(record).toMatchObject({ is_managed: false, tags: [], inputs: {}, outputs: {}, meta_info: {} });
    expect(record?.status_conditions).toEqual([]);
    expect(parseRunFiles({ record: 'text' }).record).toMatchObject({ name: null, tags: [] });
  });

  it('has each tag once, and no tag that is no text', () => {
    expect(parseRunFiles({ record: { tags: ['a', 'b', 'a', 5, '', null] } }).record?.tags).toEqual([
      'a',
      'b',
    ]);
  });

  it('reads conditions: the known ones, with one time for a missing one', () => {
    const status_conditions = [
      { type: 'created', last_update_time: TIME },
      { type: 'running', last_transition_time: LATER, reason: '', message: 5 },
      { type: 'dancing', last_transition_time: TIME },
      'text',
    ];

    expect(parseRunFiles({ record: { status_conditions } }).record?.status_conditions).toEqual([
      { type: 'created', status: true, last_update_time: TIME, last_transition_time: TIME },
      { type: 'running', status: true, last_update_time: LATER, last_transition_time: LATER },
    ]);
  });

  it('reads the lineage: entries with a name and a kind', () => {
    const whole = { name: 'a', kind: 'model', path: 'p', summary: { x: 1 }, is_input: true };

    const { lineage } = parseRunFiles({
      record: undefined,
      lineage: [
        { ...whole, state: 's', connection: 'c' },
        { name: 'b', kind: 'metric', path: 5, summary: 'x', is_input: 'yes', state: 5, connection: null },
        ...[{ name: '', kind: 'metric' }, { name: 5, kind: 'metric' }, { name: 'c' }, null],
      ],
    });

    expect(lineage).toEqual([
      { ...whole, state: 's', connection: 'c' },
      { name: 'b', kind: 'metric', summary: {}, is_input: false },
    ]);
    expect(parseRunFiles({ record: undefined, lineage: { a: 1 } }).lineage).toEqual([]);
  });

  it('reads the end of the writer as a condition', () => {
    const end = { status: 'failed', reason: 'ProcessExit', message: 'Process ended', ended_at: TIME };
    const times = { last_update_time: TIME, last_transition_time: TIME };

    expect(parseRunFiles({ record: undefined, end }).end).toEqual({
      ...{ type: 'failed', status: true, reason: 'ProcessExit', message: 'Process ended' },
      ...times,
    });
    expect(parseRunFiles({ record: undefined, end: { status: 'dancing' } }).end).toBeNull();
  });

  it('reads what workers have logged', () => {
    const { workers } = parseRunFiles({
      record: undefined,
      workers: [{ tags: ['a'], outputs: { x: 1 }, lineage: [{ name: 'a', kind: 'model' }] }, 'text'],
    });

    expect(workers).toMatchObject([
      { tags: ['a'], outputs: { x: 1 }, inputs: {}, lineage: [{ name: 'a', kind: 'model' }] },
      { tags: [], outputs: {}, lineage: [] },
    ]);
  });
});

describe('findUuid', () => {
  it('returns a uuid of 32 digits, and null for anything else', () => {
    const uuid = 'ab'.repeat(16);

    expect(findUuid({ uuid })).toBe(uuid);
    for (const record of [
      { uuid: `${uuid}0` },
      { uuid: uuid.toUpperCase() },
      { uuid: 5 },
      {},
      null,
      'text',
      undefined,
    ])
      expect(findUuid(record)).toBeNull();
  });
});
