/** An HTTP server with scripted responses, for responses that a real server cannot be made to send. */

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Certificate } from '../../support/certificate.js';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export type Answer = (request: SeenRequest, response: ServerResponse) => void;

export interface ScriptedServer {
  readonly url: string;
  /** All requests, in order of arrival. */
  readonly seen: SeenRequest[];
}

/** Starts a server; it stops when the test ends. */
export async function startScriptedServer(
  answer: Answer,
  certificate?: Certificate,
): Promise<ScriptedServer> {
  const seen: SeenRequest[] = [];
  const server = certificate === undefined ? createServer() : createTlsServer(certificate);
  server.on('tlsClientError', () => undefined); // a client that does not trust the certificate
  server.on('request', (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('error', () => undefined);
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const found = { method, url, headers, body: Buffer.concat(pieces) };
      seen.push(found);
      answer(found, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, seen };
}

/** Returns the same response to all requests. */
export function always(status: number, body = '', headers: Readonly<Record<string, string>> = {}): Answer {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body);
  };
}
