import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPolyaxonValue, decodePolyaxonValue } from '../../src/polyaxon/polyaxon-value.js';
import type { SpanInput } from '../../src/trace/span.js';
import { toSpanJson } from '../../src/trace/span-json.js';
import { anySpan } from './any-span.js';

const UUID = '7df9e651eee441ed9d03846f3bbbecdf';

function rejectionOf(span: unknown): { code: string; message: string } {
  try {
    toSpanJson(span as SpanInput);
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('the span was accepted, expected an error');
}

/** Returns `depth` nested objects. */
function nest(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = { inner: value };
  return value;
}

function nestSpans(depth: number, leaf: SpanInput = { name: 'leaf' }): SpanInput {
  let span = leaf;
  for (let level = 0; level < depth; level += 1) span = { children: [span] };
  return span;
}

describe('toSpanJson', () => {
  it("writes Polyaxon's fields in Polyaxon's order, for any order of input", () => {
    const json = toSpanJson({
      kind: 'llm',
      children: [{ name: 'inner', kind: 'tool' }],
      outputs: { answer: 'hello' },
      inputs: { prompt: 'hi' },
      metadata: { model: 'm-1' },
      statusConditions: [
        { message: 'slow', reason: 'Timeout', type: 'warning', status: true, lastUpdateTime: 1704164645 },
      ],
      status: 'succeeded',
      finishedAt: new Date('2024-01-02T03:04:06Z'),
      startedAt: '2024-01-02T03:04:05.5Z',
      tags: ['a', 'b'],
      name: 'call',
      uuid: '7DF9E651-EEE4-41ED-9D03-846F3BBBECDF',
    });

    expect(JSON.stringify(json)).toBe(
      `{"uuid":"${UUID}","name":"call","tags":["a","b"],"started_at":"2024-01-02T03:04:05.500000+00:00",` +
        '"finished_at":"2024-01-02T03:04:06+00:00","status":"succeeded","status_conditions":[{"type":"warning","status":true,' +
        '"reason":"Timeout","message":"slow","last_update_time":"2024-01-02T03:04:05+00:00"}],"metadata":{"model":"m-1"},' +
        '"inputs":{"prompt":"hi"},"outputs":{"answer":"hello"},"children":[{"name":"inner","kind":"tool"}],"kind":"llm"}',
    );
  });

  it('omits absent, undefined and null fields', () => {
    expect(toSpanJson({})).toEqual({});
    expect(toSpanJson({ name: undefined, tags: null } as unknown as SpanInput)).toEqual({});
    expect(toSpanJson({ name: '', tags: [], inputs: {}, children: [] })).toEqual({
      name: '',
      tags: [],
      inputs: {},
      children: [],
    });
  });

  it('returns its own result unchanged', () => {
    fc.assert(
      fc.property(anySpan(), (span) => {
        const json = toSpanJson(span);

        expect(JSON.stringify(toSpanJson(json))).toBe(JSON.stringify(json));
      }),
    );
  });

  it('survives a round trip through an event of the plugin polyaxon', () => {
    const value = toSpanJson({ name: 'call', children: [{ kind: 'tool' }], inputs: { a: '|' } });

    const { body } = decodePolyaxonValue(createPolyaxonValue({ kind: 'span', name: 'call', value }));

    expect(body).toEqual({ kind: 'span', name: 'call', value });
  });

  it('describes an error: status, condition, and stack in the metadata', () => {
    const error = new TypeError('no such tool', { cause: new Error('404') });

    const json = toSpanJson({ error, finishedAt: 1704164645, metadata: { model: 'm' } });

    expect(json).toEqual({
      finished_at: '2024-01-02T03:04:05+00:00',
      status: 'failed',
      status_conditions: [
        {
          type: 'failed',
          status: true,
          reason: 'TypeError',
          message: 'no such tool',
          last_update_time: '2024-01-02T03:04:05+00:00',
          last_transition_time: '2024-01-02T03:04:05+00:00',
        },
      ],
      metadata: {
        error: {
          type: 'TypeError',
          message: 'no such tool',
          stack: expect.stringContaining('span-json.test'),
          cause: { type: 'Error', message: '404', stack: expect.any(String) },
        },
        model: 'm',
      },
    });
    expect(Object.keys(json).at(-1)).toBe('metadata');
  });

  const unreadable = {
    toString: (): never => {
      throw new Error('no');
    },
  };

  it.each([
    ['an error without a message', new Error(''), { type: 'Error', message: '' }],
    ['text', 'just text', { type: 'string', message: 'just text' }],
    ['null', null, { type: 'null', message: 'null' }],
    ['an unreadable value', unreadable, { type: 'object', message: 'could not be read' }],
    ['a code', Object.assign(new Error('full'), { code: 'ENOSPC' }), { type: 'Error', code: 'ENOSPC' }],
  ])('describes %s as an error', (_, error, expected) => {
    expect(toSpanJson({ error }).metadata?.error).toMatchObject(expected);
  });

  it('keeps a status that is given with an error', () => {
    expect(toSpanJson({ error: new Error('late'), status: 'stopped' }).status).toBe('stopped');
  });

  it('converts values to JSON', () => {
    const inputs = { nan: Number.NaN, big: 2n ** 70n, when: new Date(0), list: new Float32Array([1, 2]) };

    expect(toSpanJson({ inputs }).inputs).toEqual({
      nan: 'NaN',
      big: '1180591620717411303424',
      when: '1970-01-01T00:00:00.000Z',
      list: [1, 2],
    });
  });

  it('repairs lone surrogates', () => {
    const json = toSpanJson({ name: 'a\ud800', tags: ['\udc00'], inputs: { '\ud800': 'x\ud800' } });

    expect(JSON.stringify(json).isWellFormed()).toBe(true);
    expect(json.name).toBe('a\ufffd');
  });

  it('masks name, texts of values, tags, conditions and errors, and passes their key to the masker', () => {
    const keys: string[] = [];
    const json = toSpanJson(
      {
        name: 'secret',
        tags: ['secret'],
        statusConditions: [{ type: 'warning', reason: 'R', message: 'secret' }],
        inputs: { token: 'secret', list: [{ password: 'secret' }], n: 1 },
        error: new Error('secret'),
      },
      {
        mask: (text, key) => {
          keys.push(key);
          return text.replaceAll('secret', '***');
        },
      },
    );

    expect(JSON.stringify(json)).not.toContain('secret');
    expect(new Set(keys)).toEqual(
      new Set(['name', 'tags', 'reason', 'message', 'token', 'password', 'type', 'stack']),
    );
  });

  it('does not write a text whose masker fails', () => {
    const failing = (): never => {
      throw new Error('broken');
    };

    expect(toSpanJson({ inputs: { token: 'secret' } }, { mask: failing }).inputs).toEqual({
      token: '[left out: the masker failed]',
    });
  });

  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const parent: { children: unknown[] } = { children: [] };
  parent.children.push({ children: [parent] });

  it.each([
    ['a string', 'span', 'span'],
    ['null', null, 'span'],
    ['a list', [], 'span'],
    ['an unknown field', { started: 1 }, 'span.started'],
    ['a field in both forms', { startedAt: 1, started_at: 1 }, 'span.started_at'],
    ['a short uuid', { uuid: '7df9' }, 'span.uuid'],
    ['a name that is not a string', { name: 1 }, 'span.name'],
    ['tags that are not a list', { tags: 'a' }, 'span.tags'],
    ['a tag that is not a string', { tags: ['a', 1] }, 'span.tags[1]'],
    ['an invalid time', { startedAt: 'soon' }, 'span.startedAt'],
    ['an unknown status', { status: 'ok' }, 'span.status'],
    ['an unknown kind', { kind: 'LLM' }, 'span.kind'],
    ['conditions that are not a list', { statusConditions: {} }, 'span.statusConditions'],
    ['a condition that is not an object', { statusConditions: ['failed'] }, 'span.statusConditions[0]'],
    ['an unknown field of a condition', { statusConditions: [{ why: 1 }] }, 'span.statusConditions[0].why'],
    ['a reason that is not text', { status_conditions: [{ reason: 1 }] }, 'span.status_conditions[0].reason'],
    ['metadata that are not an object', { metadata: 'x' }, 'span.metadata'],
    ['inputs that are a list', { inputs: [1] }, 'span.inputs'],
    ['inputs that are a Map', { inputs: new Map([['a', 1]]) }, 'span.inputs'],
    ['a function', { inputs: { a: { b: () => 1 } } }, 'span.inputs.a.b'],
    ['a circular value', { outputs: cyclic }, 'span.outputs.self'],
    [
      'a value that cannot be read',
      {
        inputs: {
          get a() {
            throw new Error('no');
          },
        },
      },
      'span.inputs',
    ],
    ['an extremely deep value', { inputs: { a: nest(100_000) } }, 'span.inputs'],
    ['children that are not a list', { children: {} }, 'span.children'],
    [
      'an invalid value in a child',
      { children: [{}, { children: [{ kind: 1 }] }] },
      'span.children[1].children[0].kind',
    ],
    ['a span that is its own parent', parent, 'span.children[0].children[0]'],
    ['more than 100 levels', nestSpans(101), 'span.children[0]'],
    ['more levels of JSON than Python reads', { metadata: nest(250) }, 'span.metadata.inner'],
  ])('rejects %s, and reports the key', (_, span, path) => {
    const { code, message } = rejectionOf(span);

    expect(code).toBe('ERR_SPAN_INVALID');
    expect(message.startsWith(path)).toBe(true);
  });

  it('accepts 100 levels of children with 40 levels of values in the last', () => {
    expect(() => toSpanJson(nestSpans(100, { metadata: nest(40) as Record<string, unknown> }))).not.toThrow();
  });
});
