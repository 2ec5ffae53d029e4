/** An emulator of Google Cloud Storage on loopback, with its own data. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { type ChildServer, findFreePort, startChildServer } from './child-server.js';
import { peerPath } from './peers.js';
import { createSharedTempDir } from './temp-dir.js';

export class GcsEmulator {
  readonly endpoint: string;
  readonly #port: number;
  readonly #home: string;
  #server: ChildServer | undefined;

  private constructor(port: number, home: string) {
    this.#port = port;
    this.#home = home;
    this.endpoint = `http://127.0.0.1:${port}`;
  }

  /** Starts a server for all tests of a file, in `beforeAll`. */
  static async startShared(): Promise<GcsEmulator> {
    const server = new GcsEmulator(await findFreePort(), createSharedTempDir());
    await server.start();
    shared.push(server);
    return server;
  }

  /** Environment variables that point Google's library to this server. */
  get env(): Record<string, string> {
    return { STORAGE_EMULATOR_HOST: this.endpoint };
  }

  /** Creates a bucket and returns its name. */
  async bucket(name: string): Promise<string> {
    const answer = await fetch(`${this.endpoint}/storage/v1/b`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    });
    if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
    return name;
  }

  async start(): Promise<void> {
    const data = join(this.#home, 'data');
    mkdirSync(data, { recursive: true });
    this.#server = await startChildServer(peerPath('gcs'), [String(this.#port), data], {
      env: { PATH: process.env.PATH, HOME: this.#home, TMPDIR: this.#home },
      isReady: async () => (await fetch(`${this.endpoint}/storage/v1/b`)).ok,
    });
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }
}

const shared: GcsEmulator[] = [];
afterAll(async () => {
  for (const server of shared.splice(0)) await server.stop();
});
