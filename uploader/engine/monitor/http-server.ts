/** Serves `/healthz`, `/readyz` and `/metrics` of a watch over HTTP. Accepts only GET and HEAD, and never echoes request data. */

import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { listen } from '../../base/io/listen.js';
import type { HttpAddress } from '../../settings/value-types.js';
import type { Health, Monitor } from './monitor.js';
import { METRICS_TYPE } from './prometheus.js';

interface MonitorServer {
  readonly url: string;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 64;
const REQUEST_TIMEOUT_MS = 10_000;
/** How often Node.js looks for requests beyond their timeout. Its default, 30 s, is longer than the timeout. */
const CHECK_INTERVAL_MS = 2_000;

/** Serves a monitor until it is closed. Throws `ConfigError` when it cannot listen at the address. */
export async function serveMonitor(monitor: Monitor, { host, port }: HttpAddress): Promise<MonitorServer> {
  const server = createServer({
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
  });
  const use = limitConnections(server);
  server.on('request', ({ method, url = '', socket }, response) => {
    use(socket);
    response.setHeader('cache-control', 'no-store');
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      answer(response, 405, 'text/plain', 'only GET and HEAD\n');
    } else answerPath(monitor, url.split('?', 1)[0] ?? '', response);
  });
  const hint = 'Pass another address to --http, as [host:]port.';
  const { port: taken, family } = await listen(server, { host, port }, `--http ${host}:${port}`, hint);
  const shown = family === 'IPv6' ? `[${host}]` : host;
  return {
    url: `http://${shown}:${taken}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * Keeps at most `MAX_CONNECTIONS` open: a new one replaces the one that was unused for longest. So clients that send half a request and wait
 * cannot keep out a probe. Call the returned function for each complete request.
 */
function limitConnections(server: Server): (socket: Socket) => void {
  /** In order of their last use. */
  const sockets = new Set<Socket>();
  const use = (socket: Socket): void => {
    sockets.delete(socket);
    sockets.add(socket);
  };
  server.on('connection', (socket: Socket) => {
    use(socket);
    socket.once('close', () => sockets.delete(socket));
    const [unused] = sockets;
    if (sockets.size > MAX_CONNECTIONS) unused?.destroy();
  });
  return use;
}

function answerPath(monitor: Monitor, path: string, response: ServerResponse): void {
  if (path === '/metrics') answer(response, 200, METRICS_TYPE, monitor.toText());
  else if (path === '/healthz') answerHealth(response, monitor.health());
  else if (path === '/readyz') answerHealth(response, monitor.readiness());
  else answer(response, 404, 'text/plain', 'not found; try /healthz, /readyz or /metrics\n');
}

function answerHealth(response: ServerResponse, { isGood, reason }: Health): void {
  answer(response, isGood ? 200 : 503, 'text/plain', `${reason}\n`);
}

/** Sends the response; Node omits the body for HEAD. */
function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' });
  response.end(body);
}
