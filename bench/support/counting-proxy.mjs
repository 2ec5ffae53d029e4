// A TCP proxy that counts what a client sends: every byte on the wire, and the requests that they make.
//
// The figures are those of the network, not of the program that is measured.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { RequestFollower } from './http-requests.mjs';

export class CountingProxy {
  endpoint;
  /** From the client, heads of requests included. */
  sentBytes = 0;
  receivedBytes = 0;
  /** When the client has last sent something, by `performance.now()`. */
  sentAtMs = 0;
  /** Of bodies, by key of the object (with its bucket). */
  bodyBytes = new Map();
  /** How often each operation was asked for. */
  operations = new Map();
  /** Connections that found no server behind the proxy: a request each that had no chance. */
  refused = 0;
  /** Called for each request when its head has passed. */
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

  /** All requests, those that found no server included. */
  get requests() {
    return [...this.operations.values()].reduce((sum, count) => sum + count, this.refused);
  }

  /** Of all bodies. */
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
        addTo(this.operations, request.operation, 1);
        this.onRequest(request);
      },
      onBody: (request, bytes) => addTo(this.bodyBytes, toKey(request.url), bytes),
    });
    let isConnected = false;
    let isCounted = false;
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
        else other.end(); // what it still has to send goes out first
      });
      socket.pipe(other);
    }
  }
}

function addTo(counts, name, amount) {
  counts.set(name, (counts.get(name) ?? 0) + amount);
}

/** The object that a request is about, with its bucket. */
export function toKey(url) {
  return decodeURIComponent(new URL(url, 'http://store').pathname.slice(1));
}
