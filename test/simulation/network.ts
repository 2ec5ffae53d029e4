/**
 * The network between simulated processes and servers: an HTTP transport. A request can fail, or be processed although its answer is lost, also
 * after the process that sent it was killed.
 */

import { Readable } from 'node:stream';
import type { HttpRequest, HttpResponse, Transport } from '../../uploader/base/http/transport.js';
import type { Process } from './machine.js';
import type { Random } from './random.js';

export interface Received {
  readonly method: HttpRequest['method'];
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | object;
}

/** The fate of a request. `lost`: it is processed, but its answer is lost. */
type Fate = 'pass' | 'fail' | 'lost';

export class Weather {
  isDown = false;
  /** The probability of a failed request, and of a lost answer. */
  failures = 0;

  clear(): void {
    Object.assign(this, { isDown: false, failures: 0 });
  }

  fateOf(random: Random): Fate {
    if (this.isDown) return 'fail';
    if (!random.chance(this.failures)) return 'pass';
    return random.chance(0.5) ? 'fail' : 'lost';
  }
}

export interface Server {
  readonly weather: Pick<Weather, 'fateOf'>;
  /** Counts what can leave something behind. */
  changes: number;
  /** How a request fails that does not reach the program: a broken connection, or the answer of a gateway. */
  fail(random: Random): Answer | null;
  /** The time of its clock, in milliseconds since the epoch. */
  nowMs(): number;
  handle(request: Received): Answer;
}

/** Connects a process to a server. `onSend`: called with each request. */
export function connect(
  process: Process,
  server: Server,
  onSend: (request: Received) => void = () => undefined,
): Transport {
  return {
    async send({ method, url, headers, body, signal }) {
      signal?.throwIfAborted();
      const received = { method, url, headers, body: await readBody(body) };
      onSend(received);
      const fate = server.weather.fateOf(process.random);
      const isRead = method === 'GET';
      const arrive = (): void => {
        if (fate !== 'fail' && process.random.chance(0.5)) server.handle(received);
      };
      return process.machine.scheduler.call(() => {
        if (process.isDead && !isRead) arrive();
        process.enter(method, url.href, isRead ? null : arrive);
        if (fate === 'fail') {
          const answer = server.fail(process.random);
          if (answer === null) throw reset();
          return toResponse(answer, server);
        }
        const answer = server.handle(received);
        if (!isRead) server.changes += 1;
        if (fate === 'lost') throw reset();
        return toResponse(answer, server);
      });
    },
    close: async () => undefined,
  };
}

async function readBody(body: HttpRequest['body']): Promise<Buffer> {
  if (body === undefined) return Buffer.alloc(0);
  if (!('chunks' in body)) return Buffer.from(body);
  const pieces: Uint8Array[] = [];
  for await (const piece of body.chunks()) pieces.push(piece);
  return Buffer.concat(pieces);
}

function toResponse({ status, headers = {}, body }: Answer, server: Server): HttpResponse {
  const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const date = new Date(server.nowMs()).toUTCString();
  return { status, headers: { date, ...headers }, body: Readable.from(bytes === undefined ? [] : [bytes]) };
}

function reset(): Error {
  return Object.assign(new Error('ECONNRESET'), { code: 'ECONNRESET' });
}
