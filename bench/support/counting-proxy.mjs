// A TCP proxy that counts the bytes and requests of a client. It measures the network and does not rely on the measured program.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { RequestFollower } from './http-requests.mjs';

export class CountingProxy {
  endpoint;
  /** From the client, including request heads. */
  sentBytes = 0;
  receivedBytes = 0;
  /** By operation: the bytes of the answers. */
  receivedBytesOf = new Map();
  /** When the client last sent data, by `performance.now()`. */
  sentAtMs = 0;
  /** Bytes of bodies, by object key (with its bucket). */
  bodyBytes = new Map();
  /** Number of requests of each operation. */
  operations = new Map();
  /** Connections that failed because the server was stopped. Each counts as one request. */
  refused = 0;
  /** Called for each request after its head. */
  onRequest = () => undefined;
  #server;
  #sockets = new Set();

  static async start(targetPort) {
    const proxy = new CountingProxy();
    proxy.#server = createServer((client) => proxy.#pass(client, targetPort)).listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    proxy.endpoint = `http://127.0.0.1:${proxy.#server.address().port}`;
    return proxy;
  }

  /** Number of all requests, including failed connections. */
  get requests() {
    return [...this.operations.values()].reduce((sum, count) => sum + count, this.refused);
  }

  /** Bytes of all bodies. */
  get allBodyBytes() {
    return [...this.bodyBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  stop() {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(client, targetPort) {
    const upstream = connect(targetPort, '127.0.0.1');
    const follower = new RequestFollower({
      onRequest: (request) => {
        isCounted = true;
        operation = request.operation;
        addTo(this.operations, request.operation, 1);
        this.onRequest(request);
      },
      onBody: (request, bytes) => addTo(this.bodyBytes, toKey(request.url), bytes),
    });
    let isConnected = false;
    let isCounted = false;
    /** The last request of this connection. Its answer comes before the next request. */
    let operation = '';
    upstream.once('connect', () => {
      isConnected = true;
    });
    client.on('data', (chunk) => {
      if (upstream.destroyed) return;
      this.sentBytes += chunk.length;
      this.sentAtMs = performance.now();
      follower.push(chunk);
    });
    upstream.on('data', (chunk) => {
      this.receivedBytes += chunk.length;
      addTo(this.receivedBytesOf, operation, chunk.length);
    });
    upstream.on('error', () => {
      if (!isConnected && !isCounted) this.refused += 1;
      client.resetAndDestroy();
    });
    client.on('error', () => upstream.destroy());
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      this.#sockets.add(socket);
      socket.on('close', (hadError) => {
        this.#sockets.delete(socket);
        if (hadError) other.destroy();
        else other.end(); // sends buffered data first
      });
      socket.pipe(other);
    }
  }
}

function addTo(counts, name, amount) {
  counts.set(name, (counts.get(name) ?? 0) + amount);
}

/** Returns the object key of a request, with its bucket. */
export function toKey(url) {
  return decodeURIComponent(new URL(url, 'http://store').pathname.slice(1));
}
