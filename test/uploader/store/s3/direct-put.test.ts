import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import * as sdk from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { toS3Failure } from '../../../../uploader/store/s3/answer.js';
import { DirectPuts, type PutInput } from '../../../../uploader/store/s3/direct-put.js';

/** The SDK's class for responses. */
const { HttpResponse } = createRequire(createRequire(import.meta.url).resolve('@aws-sdk/client-s3'))(
  '@smithy/core/protocols',
) as { HttpResponse: new (answer: object) => object };

interface Sent {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Record<string, string>;
}

interface Answer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly text: string;
}

const STORED: Answer = { statusCode: 200, headers: { etag: '"an-etag"' }, text: '' };

function createPuts(config: sdk.S3ClientConfig = {}) {
  const sent: Sent[] = [];
  const answers: Answer[] = [];
  const client = new sdk.S3Client({
    region: 'eu-central-1',
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 'session' },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    maxAttempts: 1,
    requestHandler: {
      handle: async (request: object) => {
        sent.push(request as Sent);
        const { text, ...rest } = answers.shift() ?? STORED;
        return { response: new HttpResponse({ ...rest, body: Readable.from([Buffer.from(text)]) }) };
      },
    } as never,
    ...config,
  });
  const puts = new DirectPuts(sdk, client);
  const put = (changes: Partial<PutInput> = {}) =>
    puts.send(
      {
        Bucket: 'a-bucket',
        Key: 'run/file',
        Body: Buffer.from('content'),
        ChecksumCRC32: 'CaZ8zw==',
        Metadata: { 'plx-commit': 'one' },
        IfNoneMatch: '*',
        ...changes,
      },
      new AbortController().signal,
    );
  return { client, put, sent, answers };
}

const PLACES: [string, sdk.S3ClientConfig][] = [
  ['a bucket with its own host name', {}],
  ['a server with a port', { endpoint: 'http://127.0.0.1:7070', forcePathStyle: true }],
  ['a server behind a path', { endpoint: 'https://example.org/s3', forcePathStyle: true }],
];

describe('DirectPuts', () => {
  it.each(PLACES)('sends the request of the SDK, except SDK-only headers: %s', async (_, config) => {
    const { put, sent } = createPuts(config);
    const changes = { Key: "run/a b/ü+(1)'!*&=?#%.log", IfNoneMatch: undefined, IfMatch: '"base"' };

    await put(changes);
    await put(changes);

    const [bySdk, direct] = sent as [Sent, Sent];
    const { method, protocol, hostname, port, path } = bySdk;
    expect(direct).toMatchObject({
      method,
      protocol,
      hostname,
      path,
      ...(port === undefined ? {} : { port }),
    });
    const withoutItself = Object.entries(bySdk.headers).filter(
      ([name]) => !/^(amz-sdk-|x-amz-user-agent|x-amz-date|authorization)/.test(name),
    );
    const { authorization, 'x-amz-date': date, ...rest } = direct.headers;
    expect(rest).toEqual(Object.fromEntries(withoutItself));
    expect(rest).toMatchObject({ 'if-match': '"base"', 'x-amz-security-token': 'session' });
    expect(date).toMatch(/^\d{8}T\d{6}Z$/);
    expect(authorization).toContain('/eu-central-1/s3/aws4_request');
    for (const name of ['if-match', 'x-amz-content-sha256', 'x-amz-meta-plx-commit'])
      expect(authorization).toContain(name);
  });

  it('returns the stored version', async () => {
    const { put } = createPuts();

    await put();

    expect(await put()).toEqual({ ETag: '"an-etag"' });
  });

  it('fails with the error of the SDK', async () => {
    const { put, answers } = createPuts();
    const refusal = {
      statusCode: 412,
      headers: { 'retry-after': '7' },
      text: '<Error><Code>PreconditionFailed</Code><Message>no</Message></Error>',
    };
    await put();
    answers.push(refusal);

    const error: unknown = await put().catch((cause: unknown) => cause);

    expect(error).toBeInstanceOf(sdk.S3ServiceException);
    expect(toS3Failure(error)).toEqual({
      code: 'PreconditionFailed',
      httpStatus: 412,
      afterMs: 7_000,
      isClockOff: false,
    });
  });

  it('reads the time of the store from an error response', async () => {
    const { put, answers, client } = createPuts();
    await put();
    const serverTime = new Date(Date.now() + 3_600_000);
    const headers = { date: serverTime.toUTCString() };
    answers.push({ statusCode: 403, headers, text: '<Error><Code>RequestTimeTooSkewed</Code></Error>' });

    const error: unknown = await put().catch((cause: unknown) => cause);

    expect(toS3Failure(error)).toMatchObject({ code: 'RequestTimeTooSkewed', isClockOff: true });
    expect(client.config.systemClockOffset).toBeGreaterThan(3_500_000);
  });
});
