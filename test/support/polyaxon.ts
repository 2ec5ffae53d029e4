/**
 * Runs Polyaxon's own Python packages: programs that use the client and the tracking library, the viewer of offline runs, and
 * the server. Each has its own home directory, so that it uses neither the user's configuration nor shared temporary directories.
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
 * Returns the complete environment of a Polyaxon process; no variables of the test process are passed on.
 *
 * Without the UTF-8 locale, Polyaxon reads and writes event files in the encoding of the locale.
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
    // The only worker reads its settings for the migrations before it sets this itself; without it, pages have no scripts.
    POLYAXON_UI_IN_SANDBOX: 'true',
  };
}

export interface PolyaxonPythonOptions {
  /** The home directory; a new one by default. Offline runs are in `<home>/offline/runs`. */
  readonly home?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a Python file in an environment with `polyaxon` and `traceml`, and returns its output. */
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

/** A lock lasts for a few requests of others. */
const LOCKED_ATTEMPTS = 50;
const LOCKED_PAUSE_MS = 200;

type Query = Record<string, string | number | boolean>;

/** A viewer or a server. It stops on `stop`, at the end of an `await using`, or after the last test of the file. */
export class PolyaxonServer implements AsyncDisposable {
  readonly url: string;
  readonly #server: ChildServer;

  private constructor(url: string, server: ChildServer) {
    this.url = url;
    this.#server = server;
    running.add(this);
  }

  /** Starts a command of `haupt` on a free loopback port, with a single worker process. */
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

  /** Requests a route and returns the response as JSON. Throws when the response is not a success. */
  async get(route: string, query: Query = {}): Promise<unknown> {
    return JSON.parse(Buffer.from(await this.getBytes(route, query)).toString('utf8'));
  }

  /** Requests a route and returns the response as bytes. Throws when the response is not a success. */
  async getBytes(route: string, query: Query = {}): Promise<Uint8Array> {
    const response = await this.fetch(route, query);
    const body = new Uint8Array(await response.arrayBuffer());
    if (!response.ok) throw new Error(`${route}: ${response.status} ${Buffer.from(body).toString('utf8')}`);
    return body;
  }

  /**
   * Sends JSON and returns the response as JSON; undefined when it is empty. Throws when the response is not a success. Repeats a request while the
   * server answers an empty 405, which means that its database is locked.
   */
  async send(method: 'POST' | 'PATCH' | 'PUT' | 'DELETE', route: string, body?: unknown): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      const { status, isSuccess, text } = await this.#sendOnce(method, route, body);
      if (isSuccess) return text === '' ? undefined : JSON.parse(text);
      if (status !== 405 || text !== '' || attempt >= LOCKED_ATTEMPTS)
        throw new Error(`${method} ${route}: ${status} ${text}`);
      await new Promise((resolve) => setTimeout(resolve, LOCKED_PAUSE_MS));
    }
  }

  async #sendOnce(method: string, route: string, body: unknown) {
    const response = await this.fetch(
      route,
      {},
      {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
    );
    return { status: response.status, isSuccess: response.ok, text: await response.text() };
  }

  /** Sends a request and returns the response, whatever its status. */
  async fetch(route: string, query: Query = {}, init: RequestInit = {}): Promise<Response> {
    const pairs = Object.entries(query).map(([key, value]) => [key, String(value)] as [string, string]);
    const search = pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
    return fetch(`${this.url}${route}${search}`, init);
  }

  /** Returns the output so far. */
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
 * Starts the server (`haupt sandbox start`) with its database and artifacts in a directory, `<directory>/<uuid>/…`. The directory
 * of an earlier server can be used again. A new server has no projects.
 */
export async function startSandbox(directory = createSharedTempDir()): Promise<PolyaxonServer> {
  // The directory is also the home, because the server keeps its database in the home.
  return PolyaxonServer.start(['sandbox', 'start'], directory, directory);
}

const running = new Set<PolyaxonServer>();
afterAll(async () => {
  await Promise.all([...running].map((server) => server.stop()));
});
