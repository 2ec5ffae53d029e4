/**
 * The part of gRPC that TensorBoard's data provider uses, on Node's HTTP/2 server without TLS: one request message, and one or more response messages
 * (docs/decisions/0087). A message has a prefix of five bytes: 0 for no compression, and its length.
 *
 * Source: doc/PROTOCOL-HTTP2.md of grpc/grpc.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { inBackground } from '../../src/base/background.js';
import { messageOf } from '../../src/base/errors.js';
import { listen } from '../base/io/listen.js';

/** Numbers of gRPC's status codes. */
export const GRPC_STATUS = {
  ok: 0,
  invalidArgument: 3,
  notFound: 5,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unauthenticated: 16,
} as const;

/** A failure with a status that the client receives. */
export class GrpcFailure extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The bytes that `MessageWriter` reserves for the prefix. */
export const PREFIX_BYTES = 5;

/** Answers the request message. The messages of the response begin with `PREFIX_BYTES` unused bytes. */
export type GrpcMethod = (request: Uint8Array) => Promise<readonly Uint8Array[]>;

interface GrpcServerOptions {
  /** By path, such as `/package.Service/Method`. */
  readonly methods: Readonly<Record<string, GrpcMethod>>;
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** What a client must send as `authorization: Bearer <token>`. Default: nothing. */
  readonly token?: string | undefined;
}

export interface GrpcServer {
  readonly port: number;
  close(): Promise<void>;
}

/** No request of TensorBoard is longer: a filter has the names of some thousand runs. */
const MAX_REQUEST_BYTES = 16 * 1024 * 1024;

/** Throws `ConfigError` if the address cannot be used, such as a port that is in use. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const server = createServer({ settings: { initialWindowSize: 1024 * 1024 } });
  const sessions = new Set<ServerHttp2Session>();
  // Without it a reply of several packets waits for an acknowledgement that the client delays by 40 ms.
  server.on('connection', (socket: Socket) => socket.setNoDelay(true));
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => session.destroy());
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => stream.destroy());
    inBackground(answer(stream, headers, options), () => stream.destroy());
  });
  const { host } = options;
  const setting = options.port === 0 ? `--host ${host}` : `--host ${host} --port ${options.port}`;
  const { port } = await listen(
    server,
    options,
    setting,
    'Pass another address, or no --port for any free one.',
  );
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const session of sessions) session.destroy();
      }),
  };
}

async function answer(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { methods, token }: GrpcServerOptions,
): Promise<void> {
  let messages: readonly Uint8Array[] = [];
  let status: number = GRPC_STATUS.ok;
  let detail = '';
  try {
    if (token !== undefined && !isAuthorized(headers.authorization, token))
      throw new GrpcFailure(GRPC_STATUS.unauthenticated, 'pass the token as: authorization: Bearer <token>');
    const method = methods[String(headers[':path'])];
    if (method === undefined) throw new GrpcFailure(GRPC_STATUS.unimplemented, 'no such method');
    messages = await method(await readMessage(stream));
  } catch (error) {
    status = error instanceof GrpcFailure ? error.status : GRPC_STATUS.internal;
    detail = messageOf(error);
  }
  if (stream.destroyed || stream.closed) return;
  const trailers = { 'grpc-status': String(status), 'grpc-message': encodeURIComponent(detail) };
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  for (const message of messages) {
    new DataView(message.buffer, message.byteOffset).setUint32(1, message.length - PREFIX_BYTES);
    stream.write(message);
  }
  stream.end();
}

/** Compares digests, so that the time tells nothing of the token. */
function isAuthorized(given: string | undefined, token: string): boolean {
  return timingSafeEqual(digest(given ?? ''), digest(`Bearer ${token}`));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

async function readMessage(stream: ServerHttp2Stream): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_REQUEST_BYTES)
      throw new GrpcFailure(
        GRPC_STATUS.resourceExhausted,
        `the request has more than ${MAX_REQUEST_BYTES} bytes`,
      );
  }
  const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  if (bytes.length < PREFIX_BYTES || bytes.length !== bytes.readUInt32BE(1) + PREFIX_BYTES)
    throw new GrpcFailure(GRPC_STATUS.invalidArgument, 'expected one message');
  if (bytes[0] !== 0)
    throw new GrpcFailure(GRPC_STATUS.unimplemented, 'compressed messages are not supported');
  return bytes.subarray(PREFIX_BYTES);
}
