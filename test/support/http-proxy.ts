/** An HTTP proxy on loopback. It sends requests for any host to one server, so that tests can use names that do not exist. */

import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface HttpProxy {
  /** Without credentials. */
  readonly url: string;
  /** The targets of all requests: the URL of a request that was forwarded, `CONNECT host:port` for a tunnel. */
  readonly targets: string[];
  /** The values of `proxy-authorization`. */
  readonly credentials: (string | undefined)[];
  /** If set, the proxy answers with this status instead. */
  status?: number;
  /** If set, answers requests that it returns something for. */
  respond?: (url: string) => string | undefined;
}

/** Starts the proxy in front of the server at `target`, an `http:` or `https:` URL; it stops when the test ends. */
export async function startHttpProxy(target: string): Promise<HttpProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    record(`${request.method} ${request.url}`, request);
    const text = proxy.status === undefined ? proxy.respond?.(request.url ?? '') : undefined;
    if (proxy.status !== undefined || text !== undefined) {
      request.resume();
      response.writeHead(proxy.status ?? 200).end(text);
    } else forward(request, response);
  });
  server.on('connection', (socket: Socket) => void sockets.add(socket));
  server.on('connect', (request: IncomingMessage, client: Socket) => {
    record(`CONNECT ${request.url}`, request);
    client.on('error', () => undefined);
    if (proxy.status !== undefined) return client.end(`HTTP/1.1 ${proxy.status} no\r\n\r\n`);
    const upstream = connect(Number(new URL(target).port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(upstream).pipe(client);
    });
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  const proxy: HttpProxy = { url: `http://127.0.0.1:${port}`, targets: [], credentials: [] };
  return proxy;

  function record(what: string, { headers }: IncomingMessage): void {
    proxy.targets.push(what);
    proxy.credentials.push(headers['proxy-authorization']);
  }

  function forward(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, search } = new URL(request.url ?? '');
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const upstream = httpRequest(
      {
        host: '127.0.0.1',
        port: new URL(target).port,
        method: request.method,
        path: pathname + search,
        headers,
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    upstream.on('error', () => response.destroy());
    request.pipe(upstream);
  }
}
