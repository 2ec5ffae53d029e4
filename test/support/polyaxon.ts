/**
 * Polyaxon's own Python packages: programs that use the client and the tracking library, the viewer of offline runs and the
 * server. Each has a home of its own, so that nothing is read from the user's configuration or kept in shared temporary folders.
 */

import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll } from 'vitest';
import { type ChildServer, findFreePort, startChildServer } from './child-server.js';
import { peerPath } from './peers.js';
import { createSharedTempDir } from './temp-dir.js';

const run = promisify(execFile);

/**
 * The whole environment of a Polyaxon process; nothing of ours is passed on.
 *
 * Without the UTF-8 locale both sides read and write event files in the locale's encoding.
 */
export function polyaxonEnv(home: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: home,
    TMPDIR: home,
    LC_ALL: 'C.UTF-8',
    POLYAXON_HOME: home,
    POLYAXON_OFFLINE_ROOT: join(home, 'offline'),
    POLYAXON_ARTIFACTS_ROOT: join(home, 'artifacts'),
    POLYAXON_ARCHIVES_ROOT: join(home, 'archives'),
    POLYAXON_TRACKING_TIMEOUT: '0',
    POLYAXON_INTERVALS_COMPATIBILITY_CHECK: '-1',
    POLYAXON_DISABLE_ERRORS_REPORTING: 'true',
    POLYAXON_UI_OFFLINE: 'true',
    // The server's only worker reads its settings for the migrations, before it says so itself: no scripts for the page otherwise.
    POLYAXON_UI_IN_SANDBOX: 'true',
  };
}

export interface PolyaxonPythonOptions {
  /** The home directory; a new one by default. Offline runs are in `<home>/offline/runs`. */
  readonly home?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a Python file with arguments where `polyaxon` and `traceml` can be imported, and gives what it printed. */
export async function runPolyaxonPython(
  file: string,
  args: readonly string[] = [],
  { home = createSharedTempDir(), env = {} }: PolyaxonPythonOptions = {},
): Promise<{ stdout: string; stderr: string }> {
  return run(peerPath('polyaxon'), [file, ...args], {
    cwd: home,
    env: { ...polyaxonEnv(home), ...env },
    maxBuffer: 1024 * 1024 * 1024,
  });
}

type Query = Record<string, string | number | boolean>;

/** A viewer or a server; stopped by `stop`, at the end of an `await using`, or after the last test of the file. */
export class PolyaxonServer implements AsyncDisposable {
  readonly url: string;
  readonly #server: ChildServer;

  private constructor(url: string, server: ChildServer) {
    this.url = url;
    this.#server = server;
    running.add(this);
  }

  /** Starts a command of `haupt` on a free port of loopback, with one worker process: itself. */
  static async start(command: readonly string[], path: string, home: string): Promise<PolyaxonServer> {
    const port = await findFreePort();
    const url = `http://127.0.0.1:${port}`;
    const options = ['--host', '127.0.0.1', '--port', String(port), '--workers', '1', '--path', path];
    const haupt = join(dirname(peerPath('polyaxon')), 'haupt');
    const server = await startChildServer(haupt, [...command, ...options], {
      env: polyaxonEnv(home),
      isReady: async () => (await fetch(`${url}/api/v1/installation`)).ok,
    });
    return new PolyaxonServer(url, server);
  }

  /** A route, as JSON. Throws when the answer is no success. */
  async get(route: string, query: Query = {}): Promise<unknown> {
    return JSON.parse(Buffer.from(await this.getBytes(route, query)).toString('utf8'));
  }

  /** A route, as bytes. Throws when the answer is no success. */
  async getBytes(route: string, query: Query = {}): Promise<Uint8Array> {
    const response = await this.fetch(route, query);
    const body = new Uint8Array(await response.arrayBuffer());
    if (!response.ok) throw new Error(`${route}: ${response.status} ${Buffer.from(body).toString('utf8')}`);
    return body;
  }

  /** Sends JSON, and gives the answer as JSON; undefined when it is empty. Throws when the answer is no success. */
  async send(method: 'POST' | 'PATCH' | 'PUT' | 'DELETE', route: string, body?: unknown): Promise<unknown> {
    const response = await this.fetch(
      route,
      {},
      {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
    );
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** Any request; whatever the answer is. */
  async fetch(route: string, query: Query = {}, init: RequestInit = {}): Promise<Response> {
    const pairs = Object.entries(query).map(([key, value]) => [key, String(value)] as [string, string]);
    const search = pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
    return fetch(`${this.url}${route}${search}`, init);
  }

  /** What it has printed so far. */
  output(): string {
    return this.#server.output();
  }

  async stop(signal?: NodeJS.Signals): Promise<void> {
    running.delete(this);
    await this.#server.stop(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Starts the viewer (`haupt viewer`) over a root of offline runs: `<root>/runs/<uuid>`. */
export async function startViewer(root: string): Promise<PolyaxonServer> {
  return PolyaxonServer.start(['viewer'], root, createSharedTempDir());
}

/**
 * Starts the server (`haupt sandbox start`): database and artifacts in a directory, `<directory>/<uuid>/…`. An earlier server's
 * directory goes on where that stopped. It has no projects yet.
 */
export async function startSandbox(directory = createSharedTempDir()): Promise<PolyaxonServer> {
  // The home is the directory: the server keeps its database in the home that it is given as path.
  return PolyaxonServer.start(['sandbox', 'start'], directory, directory);
}

const running = new Set<PolyaxonServer>();
afterAll(async () => {
  await Promise.all([...running].map((server) => server.stop()));
});
