/** A real TensorBoard for a log directory, with either of its readers. */

import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { findFreePort, startChildServer, waitFor } from './child-server.js';
import { peerPath } from './peers.js';
import { createTempDir } from './temp-dir.js';

const DATA_SERVER = fileURLToPath(new URL('../../dist/uploader/tensorboard-data-server.js', import.meta.url));

const CLI = fileURLToPath(new URL('../../dist/uploader/cli.js', import.meta.url));

export interface TensorBoardOptions {
  readonly logdir: string;
  /** Use the Rust data server (true) or the Python reader (false). */
  readonly fast: boolean;
  /** With `fast`: use the data server of polytrack instead. Needs a build. */
  readonly dataServer?: boolean;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

export class TensorBoard {
  readonly url: string;
  readonly output: () => string;

  private constructor(url: string, output: () => string) {
    this.url = url;
    this.output = output;
  }

  /** Starts a server that stops when the test has finished. Another program may take its port before it does. */
  static async start(options: TensorBoardOptions): Promise<TensorBoard> {
    for (let attempt = 1; ; attempt += 1)
      try {
        return await TensorBoard.#start(options);
      } catch (error) {
        if (attempt === 3 || !String(error).includes('already in use')) throw error;
      }
  }

  static async #start({
    logdir,
    fast,
    dataServer = false,
    args = [],
    env = {},
  }: TensorBoardOptions): Promise<TensorBoard> {
    const port = await findFreePort();
    const home = createTempDir();
    const url = `http://127.0.0.1:${port}`;
    const samples =
      'scalars=1000000,images=1000,audio=1000,histograms=100000,text=10000,pr_curves=1000,mesh=1000';
    const server = await startChildServer(
      peerPath('tensorboard'),
      [
        ...['--logdir', logdir, '--port', String(port), '--host', '127.0.0.1'],
        ...['--reload_interval', '1', '--load_fast', String(fast), '--samples_per_plugin', samples],
        ...args,
      ],
      {
        env: {
          PATH: process.env.PATH,
          HOME: home,
          TMPDIR: home,
          LC_ALL: 'C.UTF-8',
          ...(dataServer && { TENSORBOARD_DATA_SERVER_BINARY: DATA_SERVER }),
          ...env,
        },
        isReady: async () => (await fetch(`${url}/data/environment`)).ok,
      },
    );
    onTestFinished(() => server.stop());
    return new TensorBoard(url, server.output);
  }

  /** Starts `polytrack ui` for a directory or the URL of a store. Needs a build. */
  static async startUi(place: string, env: NodeJS.ProcessEnv = {}): Promise<TensorBoard> {
    const port = await findFreePort();
    const home = createTempDir();
    const url = `http://127.0.0.1:${port}`;
    const path = `${dirname(peerPath('tensorboard'))}${delimiter}${process.env.PATH}`;
    const args = [CLI, 'ui', place, '--port', String(port), '--no-open'];
    const server = await startChildServer(process.execPath, args, {
      env: { PATH: path, HOME: home, TMPDIR: home, LC_ALL: 'C.UTF-8', ...env },
      isReady: async () => (await fetch(`${url}/data/environment`)).ok,
    });
    onTestFinished(() => server.stop('SIGINT'));
    return new TensorBoard(url, server.output);
  }

  /** Requests a route below `/data/` as JSON; integers that a double cannot represent are bigints. Throws unless it succeeds. */
  async get(route: string, query: Record<string, string | number> = {}): Promise<unknown> {
    return parseJson(Buffer.from(await this.getBytes(route, query)).toString('utf8'));
  }

  /** Requests a route below `/data/` as bytes. */
  async getBytes(route: string, query: Record<string, string | number> | string = {}): Promise<Uint8Array> {
    const pairs =
      typeof query === 'string' ? [] : Object.entries(query).map(([key, value]) => [key, String(value)]);
    const search =
      typeof query === 'string' ? query : new URLSearchParams(pairs as [string, string][]).toString();
    const response = await fetch(`${this.url}/data/${route}?${search}`);
    if (!response.ok) throw new Error(`${route}?${search}: ${response.status} ${await response.text()}`);
    return new Uint8Array(await response.arrayBuffer());
  }

  /** Posts JSON to a route below `/data/`. */
  async post(route: string, body: unknown): Promise<unknown> {
    const response = await fetch(`${this.url}/data/${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`);
    return parseJson(await response.text());
  }

  /** Polls a route until `check` accepts its response. */
  async waitFor<T>(
    route: string,
    query: Record<string, string | number>,
    check: (answer: unknown) => T | undefined,
  ): Promise<T> {
    return waitFor(`TensorBoard ${route}`, async () => check(await this.get(route, query)));
  }
}

/** Parses JSON with exact integers, because `JSON.parse` rounds steps above 2^53. */
function parseJson(text: string): unknown {
  const marked = text.replace(/(?<=[[,:\s])-?\d{16,}(?=[\],}\s])/g, (digits) =>
    Number.isSafeInteger(Number(digits)) ? digits : `"bigint:${digits}"`,
  );
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith('bigint:') ? BigInt(value.slice(7)) : value,
  );
}
