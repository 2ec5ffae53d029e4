/** A TLS proxy in front of a loopback server. */

import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Certificate } from './certificate.js';

export interface TlsFront {
  readonly endpoint: string;
  /** Bytes that clients have sent after they accepted the certificate. */
  receivedBytes: number;
}

/** Starts the proxy; it stops when the test ends. */
export async function startTlsFront(target: string, certificate: Certificate): Promise<TlsFront> {
  const sockets = new Set<Socket>();
  const server = createServer(certificate, (client) => {
    const upstream = connect(Number(new URL(target).port), '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      front.receivedBytes += chunk.length;
    });
    client.pipe(upstream).pipe(client);
  });
  server.on('tlsClientError', () => undefined); // a client that rejects the certificate
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  const front: TlsFront = { endpoint: `https://127.0.0.1:${port}`, receivedBytes: 0 };
  return front;
}
