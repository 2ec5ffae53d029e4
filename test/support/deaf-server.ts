/** A server that never accepts connections: the kernel's connection queue is full, so the next handshake gets no reply. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A program that blocks its event loop, so that it never accepts a connection. */
const PROGRAM = `
const server = require('node:net').createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  require('node:fs').writeSync(1, String(server.address().port));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;
const MAX_CONNECTIONS = 16;
const HANDSHAKE_MS = 1_000;

/** Starts the server and returns its endpoint. It stops when the test ends. */
export async function startDeafServer(): Promise<string> {
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  const sockets: Socket[] = [];
  onTestFinished(() => {
    child.kill('SIGKILL');
    for (const socket of sockets) socket.destroy();
  });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  while (sockets.length < MAX_CONNECTIONS) {
    const socket = connect(Number(port.toString()), '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    const late = AbortSignal.timeout(HANDSHAKE_MS);
    const isConnected = await once(socket, 'connect', { signal: late }).then(
      () => true,
      () => false,
    );
    if (!isConnected) return `http://127.0.0.1:${port.toString()}`;
  }
  throw new Error('the connection queue did not fill up');
}
