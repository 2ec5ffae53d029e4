// A TCP proxy that, at random moments, resets a connection, withholds data for a while, or resets it when the server responds, so that the response
// is lost.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const MAX_DELAY_MS = 2_000;

export class FaultyProxy {
  port;
  /** From the client. */
  sentBytes = 0;
  /** Number of faults, by kind. */
  faults = { reset: 0, 'lost response': 0, delay: 0 };
  #server;
  #sockets = new Set();
  #random;
  #share;

  /** `share` is the probability of a fault for each piece of data that the client sends. */
  static async start(targetPort, { share, random }) {
    const proxy = new FaultyProxy();
    proxy.#random = random;
    proxy.#share = share;
    proxy.#server = createServer((client) => proxy.#pass(client, targetPort)).listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    proxy.port = proxy.#server.address().port;
    return proxy;
  }

  stop() {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** From now on, nothing fails. */
  heal() {
    this.#share = 0;
  }

  #pass(client, targetPort) {
    const upstream = connect(targetPort, '127.0.0.1');
    let losesResponse = false;
    const reset = () => {
      upstream.destroy();
      if (!client.destroyed) client.resetAndDestroy();
    };
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      this.#sockets.add(socket);
      socket.on('error', reset);
      socket.on('end', () => other.end());
      socket.on('close', () => this.#sockets.delete(socket));
      other.on('drain', () => socket.resume());
    }
    const send = (chunk, from, to) => {
      if (!to.destroyed && !to.write(chunk)) from.pause();
    };
    client.on('data', (chunk) => {
      this.sentBytes += chunk.length;
      const fault = this.#random() < this.#share ? this.#choose() : null;
      if (fault !== null) this.faults[fault] += 1;
      if (fault === 'reset') reset();
      else if (fault === 'delay') {
        client.pause();
        setTimeout(() => {
          client.resume();
          send(chunk, client, upstream);
        }, this.#random() * MAX_DELAY_MS);
      } else {
        losesResponse ||= fault === 'lost response';
        send(chunk, client, upstream);
      }
    });
    upstream.on('data', (chunk) => {
      if (losesResponse) reset();
      else send(chunk, upstream, client);
    });
  }

  #choose() {
    const kinds = Object.keys(this.faults);
    return kinds[Math.floor(this.#random() * kinds.length)];
  }
}
