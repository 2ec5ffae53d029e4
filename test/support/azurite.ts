/** Microsoft's emulator of Azure Blob Storage on loopback, with its own data directory. */

import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll } from 'vitest';
import { type ChildServer, findFreePort, startChildServer } from './child-server.js';
import { peerPath } from './peers.js';
import { createSharedTempDir } from './temp-dir.js';

const ACCOUNT = 'polytracktest';
const KEY = Buffer.from('a key for tests on loopback only').toString('base64');

export class AzuriteServer {
  readonly endpoint: string;
  readonly #port: number;
  readonly #home: string;
  #server: ChildServer | undefined;

  private constructor(port: number, home: string) {
    this.#port = port;
    this.#home = home;
    this.endpoint = `http://127.0.0.1:${port}/${ACCOUNT}`;
  }

  /** Starts a server for all tests of a file, in `beforeAll`. */
  static async startShared(): Promise<AzuriteServer> {
    const server = new AzuriteServer(await findFreePort(), createSharedTempDir());
    await server.start();
    shared.push(server);
    return server;
  }

  /** Environment variables that point polytrack to this server. */
  get env(): Record<string, string> {
    return { AZURE_STORAGE_CONNECTION_STRING: this.connectionString() };
  }

  /** Returns a connection string in Azure's form; `endpoint` may name a proxy in front of this server. */
  connectionString(endpoint = this.endpoint, key = KEY): string {
    return `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${key};BlobEndpoint=${endpoint};`;
  }

  createClient(): BlobServiceClient {
    return BlobServiceClient.fromConnectionString(this.connectionString());
  }

  /** Creates a container and returns its name. */
  async container(name: string): Promise<string> {
    await this.createClient().createContainer(name);
    return name;
  }

  async start(): Promise<void> {
    this.#server = await startChildServer(
      process.execPath,
      [
        ...[peerPath('azurite'), '--blobHost', '127.0.0.1', '--blobPort', String(this.#port)],
        ...['--location', join(this.#home, 'data'), '--silent', '--disableTelemetry'],
        // The library uses a newer version of the protocol than the emulator supports.
        '--skipApiVersionCheck',
      ],
      {
        env: {
          PATH: process.env.PATH,
          HOME: this.#home,
          TMPDIR: this.#home,
          AZURITE_ACCOUNTS: `${ACCOUNT}:${KEY}`,
        },
        isReady: async () => (await fetch(this.endpoint)).status > 0,
      },
    );
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }
}

const shared: AzuriteServer[] = [];
afterAll(async () => {
  for (const server of shared.splice(0)) await server.stop();
});
