/** Limits the answers that the SDK holds in memory while it parses them: listings and errors. Contents of objects are streamed. */

import { Readable, Transform, type TransformCallback } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { MAX_ANSWER_BYTES, toTooLargeAnswer } from '../base/bounds.js';

interface Answer {
  readonly statusCode: number;
  body?: unknown;
}

export function limitAnswers({ middlewareStack }: S3Client): void {
  middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const result = await next(args);
        const answer = result.response as Answer;
        if (commandName !== 'GetObjectCommand' || answer.statusCode >= 300) limitAnswer(answer);
        return result;
      },
    { step: 'deserialize', priority: 'low', name: 'limitAnswers' },
  );
}

/** Replaces the body of an answer with one that fails beyond the limit. */
export function limitAnswer(answer: Answer): void {
  const { body } = answer;
  if (!(body instanceof Readable)) return;
  const limit = new ByteLimit();
  body.on('error', (error) => limit.destroy(error));
  limit.on('close', () => body.destroy());
  answer.body = body.pipe(limit);
}

class ByteLimit extends Transform {
  #sizeBytes = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > MAX_ANSWER_BYTES) callback(toTooLargeAnswer());
    else callback(null, chunk);
  }
}
