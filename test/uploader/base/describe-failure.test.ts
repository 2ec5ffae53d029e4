import { describe, expect, it } from 'vitest';
import { describeFailure } from '../../../uploader/base/describe-failure.js';
import { StoreUnavailableError } from '../../../uploader/base/errors.js';
import { PolyaxonApiError } from '../../../uploader/polyaxon-api/api-error.js';
import { GcsError } from '../../../uploader/store/gcs/answer.js';

/** An error of the AWS SDK. */
function s3Error(name: string, message: string, httpStatusCode: number): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });
}

function systemError(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

describe('describeFailure', () => {
  it.each<[string, unknown, string]>([
    ['S3 with a code', s3Error('SlowDown', 'made up', 503), '503 SlowDown made up'],
    [
      'S3 behind a gateway that answers with a page',
      s3Error('UnknownError', 'UnknownError', 429),
      '429 Too Many Requests',
    ],
    ['S3 without a body, to HEAD', s3Error('Unknown', 'UnknownError', 500), '500 Internal Server Error'],
    ['S3 with its code as message', s3Error('InternalError', 'InternalError', 500), '500 InternalError'],
    [
      'Google Cloud Storage',
      new GcsError(429, 'rateLimitExceeded', 'slow down'),
      '429 rateLimitExceeded slow down',
    ],
    [
      'Azure, with lines about the request',
      Object.assign(new Error('Server busy\nRequestId:1\nTime:2'), {
        statusCode: 503,
        code: 'ServerBusy',
        name: 'RestError',
      }),
      '503 ServerBusy Server busy',
    ],
    [
      'Polyaxon, whose message names the call and the status',
      new PolyaxonApiError('ERR_API_SERVER', 'get the run 1: 502 Bad Gateway', { httpStatus: 502 }),
      'get the run 1: 502 Bad Gateway',
    ],
    [
      'a directory',
      systemError("ESTALE: stale file handle, open '/x'", 'ESTALE'),
      "ESTALE: stale file handle, open '/x'",
    ],
    [
      'a connection, with its reason as cause',
      new TypeError('fetch failed', { cause: systemError('connect ECONNREFUSED ::1:9', 'ECONNREFUSED') }),
      'fetch failed: connect ECONNREFUSED ::1:9',
    ],
    [
      'several addresses',
      new AggregateError(
        [new Error('connect ECONNREFUSED ::1:9'), new Error('connect ECONNREFUSED 127.0.0.1:9')],
        '',
      ),
      'connect ECONNREFUSED ::1:9; connect ECONNREFUSED 127.0.0.1:9',
    ],
    ['an error that says nothing', new Error(''), 'no reason was given'],
    ['nothing', undefined, 'no reason was given'],
  ])('says what %s has answered', (_name, error, text) => {
    expect(describeFailure(error)).toBe(text);
  });

  it('is part of the error after the last attempt', () => {
    const cause = s3Error('UnknownError', 'UnknownError', 429);

    expect(new StoreUnavailableError('write a/b', 1, false, { cause }).message).toBe(
      'write a/b: gave up after 1 attempt: 429 Too Many Requests',
    );
  });
});
