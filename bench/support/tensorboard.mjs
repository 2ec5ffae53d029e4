// Starts TensorBoard of the peers with one of its readers, or with polytrack's data server.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { peersDirectory } from '../../scripts/peers-directory.mjs';

const VENV = join(peersDirectory(), 'tensorboard/venv');
const CLI = join(import.meta.dirname, '../../dist/uploader/cli.js');
const TIMEOUT_MS = 1_800_000;

/** polytrack's data server, which TensorBoard starts. */
export const DATA_SERVER = join(import.meta.dirname, '../../dist/uploader/tensorboard-data-server.js');

/** Returns the path of TensorBoard's data server in Rust. */
export function findRustServer() {
  for (const minor of [9, 10, 11, 12, 13, 14]) {
    const path = join(VENV, `lib/python3.${minor}/site-packages/tensorboard_data_server/bin/server`);
    if (existsSync(path)) return path;
  }
  throw new Error('TensorBoard is not installed: npm run peers');
}

/**
 * Starts TensorBoard. `reader`: `rust` or `python` for its own ones, `ours` for TENSORBOARD_DATA_SERVER_BINARY, `ui` for `polytrack ui`. Does not
 * wait until it answers. `get(route)` returns the parsed answer, undefined as long as there is none; it rejects once TensorBoard has ended.
 */
export async function startTensorBoard(reader, logdir, variables = {}) {
  const port = String(await findFreePort());
  const { TENSORBOARD_DATA_SERVER_BINARY: _, ...inherited } = process.env;
  const env = { ...inherited, ...variables, PATH: `${join(VENV, 'bin')}:${process.env.PATH}` };
  if (reader === 'ours') env.TENSORBOARD_DATA_SERVER_BINARY = DATA_SERVER;
  const [command, args] =
    reader === 'ui'
      ? [process.execPath, [CLI, 'ui', logdir]]
      : ['tensorboard', ['--logdir', logdir, '--load_fast', String(reader !== 'python')]];
  const startMs = performance.now();
  const child = spawn(command, [...args, '--port', port, '--host', '127.0.0.1'], { stdio: 'ignore', env });
  return {
    startMs,
    pid: child.pid,
    get: (route) => {
      if (child.exitCode !== null)
        throw new Error(`TensorBoard (${reader}) ended with code ${child.exitCode}`);
      return fetch(`http://127.0.0.1:${port}/data/${route}`).then(
        (response) => (response.ok ? response.json() : undefined),
        () => undefined,
      );
    },
    async stop() {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}

/** Resolves to the first answer of `check` that is true. */
export async function until(check, pollMs) {
  const endMs = performance.now() + TIMEOUT_MS;
  for (;;) {
    const answer = await check();
    if (answer) return answer;
    if (performance.now() > endMs) throw new Error('the last point did not appear');
    await delay(pollMs);
  }
}

export function median(all) {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];
}

function findFreePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
