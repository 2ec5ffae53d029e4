/** Runs servers as child processes on loopback and stops them. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Returns a port that was free when it was checked. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Polls until `check` returns a value other than undefined. Throws an error that names `subject` after `timeoutMs`. */
export async function waitFor<T>(
  subject: string,
  check: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 240_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  while (performance.now() < deadline) {
    try {
      const result = await check();
      if (result !== undefined) return result;
    } catch (error) {
      lastError = error;
    }
    await sleep(50);
  }
  throw new Error(`${subject}: timed out after ${timeoutMs} ms`, { cause: lastError });
}

export interface ChildServer {
  /** Returns the output on stdout and stderr so far. */
  output(): string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a program and waits until `isReady` returns true. Kills the program and throws if that fails. */
export async function startChildServer(
  command: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; isReady: () => Promise<boolean> },
): Promise<ChildServer> {
  const child = spawn(command, args, { env: options.env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const server: ChildServer = {
    output: () => output,
    stop: (signal = 'SIGTERM') => stopChild(child, signal),
  };
  try {
    const hasEnded = await waitFor(`${command} to be ready`, async () => {
      if (child.exitCode !== null) return true;
      return (await options.isReady()) ? false : undefined;
    });
    if (hasEnded) throw new Error(`exited with code ${child.exitCode}`);
  } catch (error) {
    await server.stop('SIGKILL');
    throw new Error(`${command}: ${output.slice(-2000)}`, { cause: error });
  }
  return server;
}

async function stopChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await exited;
  clearTimeout(timer);
}
