/** A TCP proxy that limits the bytes per second from client to server. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

const SLICE_MS = 20;

export class SlowLink {
  readonly endpoint: string;
  bytesPerSecond: number;
  /** Time at which all bytes forwarded so far have passed the link. */
  #freeMs = 0;

  private constructor(endpoint: string, bytesPerSecond: number) {
    this.endpoint = endpoint;
    this.bytesPerSecond = bytesPerSecond;
  }

  /** Starts a link to a loopback server, shared by all connections. It stops when the test has finished. */
  static async start(target: string, bytesPerSecond: number): Promise<SlowLink> {
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      const upstream = connect(Number(new URL(target).port), '127.0.0.1');
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on('error', () => {
          client.destroy();
          upstream.destroy();
        });
      }
      client.pipe(link.#throttle()).pipe(upstream);
      upstream.pipe(client);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const link = new SlowLink(`http://127.0.0.1:${port}`, bytesPerSecond);
    onTestFinished(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return link;
  }

  #throttle(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        const nowMs = performance.now();
        this.#freeMs = Math.max(nowMs, this.#freeMs) + (chunk.length / this.bytesPerSecond) * 1000;
        const waitMs = this.#freeMs - nowMs;
        if (waitMs < SLICE_MS) done(null, chunk);
        else void sleep(waitMs).then(() => done(null, chunk));
      },
    });
  }
}
