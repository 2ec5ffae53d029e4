// A TCP proxy with a latency and a bandwidth, shared by all connections. It counts the bytes in both directions.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A sender waits when the link has this much to carry. */
const MAX_QUEUED_BYTES = 256 * 1024;

export class SlowProxy {
  endpoint;
  sentBytes = 0;
  receivedBytes = 0;
  #server;
  #sockets = new Set();

  /** `roundTripMs` is the delay of both directions together, and of a new connection. `bytesPerSecond` applies to each direction. */
  static async start(targetPort, { roundTripMs, bytesPerSecond }) {
    const proxy = new SlowProxy();
    const up = new Link(roundTripMs / 2, bytesPerSecond);
    const down = new Link(roundTripMs / 2, bytesPerSecond);
    proxy.#server = createServer((client) => {
      const upstream = connect(targetPort, '127.0.0.1');
      for (const socket of [client, upstream]) {
        proxy.#sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => {
          client.destroy();
          upstream.destroy();
        });
        socket.on('close', () => proxy.#sockets.delete(socket));
      }
      client.on('data', ({ length }) => {
        proxy.sentBytes += length;
      });
      upstream.on('data', ({ length }) => {
        proxy.receivedBytes += length;
      });
      up.carry(client, upstream, roundTripMs);
      down.carry(upstream, client, 0);
    }).listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    proxy.endpoint = `http://127.0.0.1:${proxy.#server.address().port}`;
    return proxy;
  }

  stop() {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

class Link {
  #delayMs;
  #bytesPerSecond;
  /** When all bytes so far have left. */
  #freeMs = 0;

  constructor(delayMs, bytesPerSecond) {
    this.#delayMs = delayMs;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Carries the bytes of one connection, whose handshake takes `handshakeMs`. */
  carry(from, to, handshakeMs) {
    const openMs = performance.now() + handshakeMs;
    let queuedBytes = 0;
    let last = Promise.resolve();
    from.on('data', (chunk) => {
      this.#freeMs =
        Math.max(performance.now(), this.#freeMs, openMs) + (chunk.length / this.#bytesPerSecond) * 1000;
      const leftMs = this.#freeMs;
      queuedBytes += chunk.length;
      if (queuedBytes > MAX_QUEUED_BYTES) from.pause();
      last = last.then(async () => {
        await sleep(Math.max(0, leftMs - performance.now()));
        queuedBytes -= chunk.length;
        from.resume();
        void sleep(this.#delayMs).then(() => to.destroyed || to.write(chunk)); // equal delays keep their order
      });
    });
    from.on('end', () => void last.then(() => sleep(this.#delayMs)).then(() => to.end()));
  }
}
