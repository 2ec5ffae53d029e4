/**
 * A proxy in front of an S3 server that injects faults by a script, for each request: connection resets, silence, its own responses, or
 * lost responses to requests that the server has carried out.
 *
 * It forwards headers unchanged, so that signatures stay valid.
 */

import { once } from 'node:events';
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export type Fault =
  /** Resets the connection after this many bytes of the body; the server sees an incomplete request. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** Stops reading at this byte of the body and never responds. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** Responds instead of the server, which never sees the request. */
  | { readonly kind: 'answer'; readonly answer: CannedAnswer }
  /** Replaces the response of the server, which carries out the request. */
  | { readonly kind: 'replace-answer'; readonly answer: CannedAnswer }
  /** Resets the connection after this many bytes of the response body; 0 is before the head. The server carries out the request. */
  | { readonly kind: 'drop-answer'; readonly afterBytes?: number }
  /** Resets the connection once the server has received the whole request, so that a retry arrives while it is in progress. */
  | { readonly kind: 'orphan' }
  /** Drops the response; the server carries out the request. */
  | { readonly kind: 'silence' }
  /** Delays the response until this promise resolves; the server carries out the request. */
  | { readonly kind: 'hold'; readonly until: Promise<void> }
  /** Flips one bit of the request body. */
  | { readonly kind: 'flip'; readonly atByte: number };

export interface CannedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface ProxiedRequest {
  readonly index: number;
  readonly operation: S3Operation;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

export interface LoggedRequest extends ProxiedRequest {
  readonly fault: Fault['kind'] | null;
  /** Status of the server's response; null when it sent none. */
  status: number | null;
  bodyBytes: number;
}

export type S3Operation =
  | 'PutObject'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'UploadPartCopy'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListParts'
  | 'List'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject';

export type Script = (request: ProxiedRequest) => Fault | undefined;

/** The response of an overloaded store. */
export const SLOW_DOWN: CannedAnswer = {
  status: 503,
  headers: { 'retry-after': '2', 'content-type': 'application/xml' },
  body: '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>',
};

/** A failure with a success status: S3 sends the head of a response before it knows the result. */
export const ERROR_IN_SUCCESS: CannedAnswer = {
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: '<?xml version="1.0"?>\n<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>',
};

/** The response of a captive portal, which asks the user to log in. */
export const CAPTIVE_PORTAL: CannedAnswer = {
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: '<html><body>Please log in</body></html>',
};

export class FaultProxy {
  readonly endpoint: string;
  /** All requests, in order of arrival. */
  readonly log: LoggedRequest[];
  /** Decides the fault of each request; may be replaced at any time. By default no request has a fault. */
  script: Script = () => undefined;

  private constructor(endpoint: string, log: LoggedRequest[]) {
    this.endpoint = endpoint;
    this.log = log;
  }

  /** Starts a proxy. It stops when the test has finished; pass `onFinished` to change that in `beforeAll`. */
  static async start(
    target: string,
    onFinished: (stop: () => void) => void = onTestFinished,
  ): Promise<FaultProxy> {
    const agent = new Agent({ keepAlive: true });
    const server = createServer((request, response) => proxy.#pass(request, response, target, agent));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const proxy = new FaultProxy(`http://127.0.0.1:${port}`, []);
    onFinished(() => {
      agent.destroy();
      server.closeAllConnections();
      server.close();
    });
    return proxy;
  }

  /** Returns the requests of an operation that the server has carried out. */
  applied(operation: S3Operation): LoggedRequest[] {
    return this.log.filter(
      (each) => each.operation === operation && each.status !== null && each.status < 300,
    );
  }

  #pass(request: IncomingMessage, response: ServerResponse, target: string, agent: Agent): void {
    const { method = 'GET', url = '/', headers } = request;
    const seen = {
      index: this.log.length,
      operation: toOperation(method, url, headers),
      method,
      url,
      headers,
    };
    const fault = this.script(seen);
    const logged: LoggedRequest = { ...seen, fault: fault?.kind ?? null, status: null, bodyBytes: 0 };
    this.log.push(logged);
    request.on('error', () => undefined);
    response.on('error', () => undefined);

    if (fault?.kind === 'answer') {
      request.resume();
      request.on('end', () => answer(response, fault.answer));
      return;
    }
    const { hostname, port } = new URL(target);
    const upstream = httpRequest({
      hostname,
      port,
      method,
      path: url,
      headers: toHeaders(request.rawHeaders),
      agent,
    });
    upstream.on('error', () => {
      // For a stall, only the connection to the server is closed.
      if (fault?.kind !== 'stall') request.socket.resetAndDestroy();
    });
    upstream.on('response', (found) => {
      logged.status = found.statusCode ?? null;
      const pass = (): void => answerWith(found, response, fault, () => request.socket.resetAndDestroy());
      if (fault?.kind === 'hold') void fault.until.then(pass);
      else pass();
    });
    this.#forward(request, upstream, fault, logged);
  }

  #forward(
    request: IncomingMessage,
    upstream: ReturnType<typeof httpRequest>,
    fault: Fault | undefined,
    logged: LoggedRequest,
  ): void {
    const breakAt = fault?.kind === 'reset' || fault?.kind === 'stall' ? fault.afterBytes : null;
    const stop = (): void => {
      request.pause();
      upstream.destroy();
      if (fault?.kind === 'reset') request.socket.resetAndDestroy();
    };
    if (breakAt === 0) {
      stop();
      return;
    }
    request.on('data', (chunk: Buffer) => {
      const start = logged.bodyBytes;
      logged.bodyBytes += chunk.length;
      if (breakAt !== null && logged.bodyBytes >= breakAt) {
        upstream.write(chunk.subarray(0, breakAt - start), stop);
        return;
      }
      if (fault?.kind === 'flip' && fault.atByte >= start && fault.atByte < logged.bodyBytes)
        chunk[fault.atByte - start]! ^= 1;
      if (!upstream.write(chunk)) {
        request.pause();
        upstream.once('drain', () => request.resume());
      }
    });
    request.on('end', () => {
      // A body that ends before the break position is broken at its end.
      if (breakAt !== null) stop();
      else if (fault?.kind === 'orphan') upstream.end(() => request.socket.resetAndDestroy());
      else upstream.end();
    });
    request.on('close', () => {
      if (!request.complete) upstream.destroy();
    });
  }
}

function answerWith(
  found: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
  reset: () => void,
): void {
  found.on('error', () => undefined);
  if (fault?.kind === 'silence' || fault?.kind === 'orphan') {
    found.resume();
    return;
  }
  if (fault?.kind === 'replace-answer') {
    found.resume();
    found.on('end', () => answer(response, fault.answer));
    return;
  }
  if (fault?.kind === 'drop-answer' && (fault.afterBytes ?? 0) === 0) {
    found.resume();
    found.on('end', reset);
    return;
  }
  response.writeHead(found.statusCode ?? 502, toHeaders(found.rawHeaders));
  if (fault?.kind !== 'drop-answer') {
    found.pipe(response);
    return;
  }
  const { afterBytes = 0 } = fault;
  let sentBytes = 0;
  found.on('data', (chunk: Buffer) => {
    const rest = chunk.subarray(0, Math.max(0, afterBytes - sentBytes));
    sentBytes += rest.length;
    if (rest.length > 0) response.write(rest);
  });
  found.on('end', () => setImmediate(reset));
}

function answer(response: ServerResponse, { status, headers = {}, body = '' }: CannedAnswer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(response.req.method === 'HEAD' ? '' : body);
}

/** Converts Node's alternating list of names and values to the form that its client accepts. */
function toHeaders(rawHeaders: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    headers[rawHeaders[index]!] = rawHeaders[index + 1]!;
  return headers;
}

function toOperation(method: string, url: string, headers: IncomingMessage['headers']): S3Operation {
  const { searchParams, pathname } = new URL(url, 'http://proxy');
  const has = (name: string): boolean => searchParams.has(name);
  switch (method) {
    case 'POST':
      return has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
    case 'PUT':
      if (!has('partNumber')) return 'PutObject';
      return headers['x-amz-copy-source'] === undefined ? 'UploadPart' : 'UploadPartCopy';
    case 'DELETE':
      return has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
    case 'HEAD':
      return 'HeadObject';
    default:
      if (has('uploadId')) return 'ListParts';
      return has('list-type') || pathname.split('/').length <= 2 ? 'List' : 'GetObject';
  }
}
