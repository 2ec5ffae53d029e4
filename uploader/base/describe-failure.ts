/** Describes a failed request in one line, with all that the answer or the connection said: `429 SlowDown Please reduce your request rate`. */

import { STATUS_CODES } from 'node:http';
import { shorten } from '../../src/base/describe.js';
import { CodedError, messageOf } from '../../src/base/errors.js';

/** Names that say nothing: those of JavaScript, and those that the AWS SDK uses for an answer without a code. */
const MEANINGLESS = /^(?:Error|TypeError|AggregateError|Unknown.*|\d+)$/;
const MAX_CAUSES = 3;

/** Returns HTTP status, error code and message of a failure, and those of its causes that say more. */
export function describeFailure(error: unknown): string {
  const parts: string[] = [];
  for (let cause = error, i = 0; cause !== undefined && cause !== null && i <= MAX_CAUSES; i += 1) {
    const text = describeOne(cause);
    if (text !== '' && !parts.some((part) => part.includes(text))) parts.push(text);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return parts.length === 0 ? 'no reason was given' : parts.join(': ');
}

function describeOne(error: unknown): string {
  const status = readStatus(error);
  const code = readCode(error);
  const message = readMessage(error);
  const words = [
    ...(status === undefined || message.includes(String(status)) ? [] : [String(status)]),
    ...(code === undefined || message.includes(code) ? [] : [code]),
    ...(MEANINGLESS.test(message) ? [] : [message]),
  ];
  // An answer to a HEAD request has neither code nor message.
  const isBare = words.length === 1 && words[0] === String(status);
  return isBare ? `${status} ${STATUS_CODES[status!] ?? ''}`.trim() : words.join(' ');
}

function readStatus(error: unknown): number | undefined {
  const metadata = read(error, '$metadata');
  const found = [read(error, 'httpStatus'), read(metadata, 'httpStatusCode'), read(error, 'statusCode')];
  return found.find((status) => typeof status === 'number');
}

function readCode(error: unknown): string | undefined {
  // Our own codes name the kind of error, not what happened.
  if (error instanceof CodedError) return undefined;
  const found = [read(error, 'code'), read(error, 'reason'), read(error, 'name')];
  return found.find((code) => typeof code === 'string' && code !== '' && !MEANINGLESS.test(code)) as
    | string
    | undefined;
}

/** The first line of the message: Azure adds the id and time of the request in further lines. */
function readMessage(error: unknown): string {
  // If Node.js tried several addresses, the message is empty and a list has the reasons.
  const isList = error instanceof AggregateError && error.errors.length > 0;
  const text = isList ? error.errors.slice(0, 3).map(messageOf).join('; ') : messageOf(error);
  return shorten(text.trim().split('\n', 1)[0]!, 300);
}

function read(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
