import { describe, expect, it } from 'vitest';
import { FileError, StoreAccessError } from '../../../../uploader/base/errors.js';
import { OutcomeError, type RetryOutcome } from '../../../../uploader/base/retry-table.js';
import {
  type HttpFailure,
  httpOutcomeFrom,
  isPassing,
  readNumber,
} from '../../../../uploader/store/base/http-outcome.js';

const toError = (message: string, cause: unknown) => new StoreAccessError(message, { cause });
const outcomeOf = (error: unknown, failure: Partial<HttpFailure>, signal?: AbortSignal) =>
  httpOutcomeFrom('store run/file', error, {
    failure: { code: '', httpStatus: undefined, afterMs: undefined, ...failure },
    signal,
    toError,
  });

describe('httpOutcomeFrom', () => {
  it('repeats what the table of failures says is temporary, after the delay that the store asks for', () => {
    const cause = new Error('busy');

    expect(outcomeOf(cause, { httpStatus: 503 })).toMatchObject({ status: 'retry', cause });
    expect(outcomeOf(cause, { httpStatus: 503, afterMs: 7_000 })).toMatchObject({
      status: 'retry',
      afterMs: 7_000,
    });
  });

  it('is final for any other failure, with the operation and the cause', () => {
    const cause = new Error('strange');

    expect(outcomeOf(cause, { httpStatus: 418 })).toEqual({
      status: 'failed',
      error: expect.objectContaining({ code: 'ERR_STORE_ACCESS', message: 'store run/file: strange', cause }),
    });
  });

  it('passes on outcomes and errors of stores, and throws those of files and of aborts', () => {
    const outcome: RetryOutcome = { status: 'retry', cause: 'again' };
    const denied = new StoreAccessError('no');
    const unreadable = new FileError('ERR_FILE_UNREADABLE', 'a', 'cannot be read', 'Make it readable.');
    const reason = new Error('stop');

    expect(outcomeOf(new OutcomeError(outcome), { httpStatus: 503 })).toBe(outcome);
    expect(outcomeOf(denied, { httpStatus: 503 })).toEqual({ status: 'failed', error: denied });
    expect(() => outcomeOf(unreadable, { httpStatus: 503 })).toThrow(unreadable);
    expect(() => outcomeOf(new Error('x'), { httpStatus: 503 }, AbortSignal.abort(reason))).toThrow(reason);
  });
});

it('is passing when its attempts are not limited', () => {
  expect(isPassing({ status: 'retry', cause: '' })).toBe(true);
  expect(isPassing({ status: 'retry', cause: '', maxAttempts: Number.POSITIVE_INFINITY })).toBe(true);
  expect(isPassing({ status: 'retry', cause: '', maxAttempts: 3 })).toBe(false);
  expect(isPassing({ status: 'failed', error: new StoreAccessError('no') })).toBe(false);
});

it('reads numbers of any thrown value', () => {
  expect([{ a: 1 }, { a: '1' }, {}, null, 'text', undefined].map((value) => readNumber(value, 'a'))).toEqual([
    1,
    ...Array(5).fill(undefined),
  ]);
});
