import { describe, expect, it } from 'vitest';
import { describeError } from '../../src/trace/span-error.js';

/** As in the OpenAI and Anthropic SDKs, which set no `name`. */
class RateLimitError extends Error {
  status = 429;
  code = 'rate_limit_exceeded';
  requestID = 'req_4711';
  headers = new Headers({ 'set-cookie': 'sid=secret' });
  error = { type: 'tokens', message: 'slow down', param: null };
}

describe('describeError', () => {
  it('includes the class, HTTP status, request id and body of an error of an API', () => {
    const { stack, ...description } = describeError(new RateLimitError('429 slow down'), undefined);

    expect(stack).toContain('span-error.test');
    expect(description).toEqual({
      type: 'RateLimitError',
      message: '429 slow down',
      code: 'rate_limit_exceeded',
      details: { status: 429, requestID: 'req_4711', error: { type: 'tokens', message: 'slow down' } },
    });
  });

  it.each([
    [
      'of AWS',
      { $metadata: { httpStatusCode: 503, requestId: 'r1' } },
      { $metadata: { httpStatusCode: 503, requestId: 'r1' } },
    ],
    [
      'of axios, without its request',
      {
        status: 401,
        config: { headers: { authorization: 'x' } },
        response: { status: 401, headers: { a: 'b' }, data: { detail: 'no' } },
      },
      { status: 401, response: { status: 401, data: { detail: 'no' } } },
    ],
    [
      'of fetch wrappers',
      { response: new Response('', { status: 404 }) },
      { response: { status: 404, statusText: '' } },
    ],
    ['of Node', { errno: -111, syscall: 'connect', port: 80 }, { errno: -111, syscall: 'connect', port: 80 }],
  ])('includes the facts of errors %s', (_, facts, details) => {
    expect(describeError(Object.assign(new Error('x'), facts), undefined).details).toEqual(details);
  });

  it.each([
    [new RateLimitError('x'), 'RateLimitError'],
    [new TypeError('x'), 'TypeError'],
    [new DOMException('x', 'AbortError'), 'AbortError'],
    [Object.assign(new Error('x'), { name: 'Named' }), 'Named'],
    [new (class extends TypeError {})('x'), 'TypeError'],
  ])('names the class of %s', (error, type) => {
    expect(describeError(error, undefined).type).toBe(type);
  });

  it('includes the errors of an AggregateError and the causes of an error', () => {
    const error = new AggregateError([new Error('quota'), 'down'], 'All promises were rejected', {
      cause: { code: 'E1', message: 'cause' },
    });

    expect(describeError(error, undefined)).toMatchObject({
      type: 'AggregateError',
      errors: [{ message: 'quota' }, { type: 'string', message: 'down' }],
      cause: { type: 'object', message: 'cause', code: 'E1' },
    });
  });

  it.each([
    [
      { code: 'PGRST116', message: 'no rows', details: 'of users' },
      { type: 'object', code: 'PGRST116', message: 'no rows', details: { details: 'of users' } },
    ],
    [{ status: 500 }, { type: 'object', message: '{"status":500}', details: { status: 500 } }],
    ['text', { type: 'string', message: 'text' }],
    [null, { type: 'null', message: 'null' }],
    [undefined, { type: 'undefined', message: 'undefined' }],
    [Object.create(null), { type: 'object', message: 'could not be read' }],
  ])('describes the thrown value %j', (value, description) => {
    expect(describeError(value, undefined)).toEqual(description);
  });

  it('stops at a limit of inner errors, also in a circle', () => {
    const error: Error & { errors?: unknown[] } = new Error('x');
    error.cause = error;
    error.errors = [error, error];

    expect(JSON.stringify(describeError(error, undefined)).length).toBeLessThan(100_000);
  });

  it('masks facts by their names and texts', () => {
    const mask = (text: string, key: string) => (key === 'apiKey' ? '***' : text.replaceAll('s3cret', '***'));
    const error = Object.assign(new Error('bad s3cret'), {
      apiKey: 'abc',
      error: { hint: 's3cret' },
      stack: '',
    });

    expect(describeError(error, mask)).toMatchObject({
      message: 'bad ***',
      details: { apiKey: '***', error: { hint: '***' } },
    });
  });

  it('describes proxies that reject every access', () => {
    const { proxy, revoke } = Proxy.revocable(new Error('x'), {});
    revoke();

    expect(describeError(proxy, undefined)).toMatchObject({ type: 'object', message: 'could not be read' });
  });
});
