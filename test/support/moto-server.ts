/** A second S3 server, in memory on loopback. It supports conditions on PUT, but ignores checksums and conditions on large objects. */

import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll } from 'vitest';
import { type ChildServer, findFreePort, startChildServer } from './child-server.js';
import { peerPath } from './peers.js';
import { createSharedTempDir } from './temp-dir.js';

const CREDENTIALS = { accessKeyId: 'polytrack-test', secretAccessKey: 'polytrack-test-secret' };
const REGION = 'us-east-1';

export class MotoServer {
  readonly endpoint: string;
  readonly #server: ChildServer;

  private constructor(endpoint: string, server: ChildServer) {
    this.endpoint = endpoint;
    this.#server = server;
  }

  /** Starts a server for all tests of a file, in `beforeAll`. */
  static async startShared(): Promise<MotoServer> {
    const port = await findFreePort();
    const endpoint = `http://127.0.0.1:${port}`;
    const home = createSharedTempDir();
    const child = await startChildServer(peerPath('moto'), ['-H', '127.0.0.1', '-p', String(port)], {
      env: { PATH: process.env.PATH, HOME: home, TMPDIR: home },
      isReady: async () => (await fetch(`${endpoint}/moto-api/`)).status > 0,
    });
    const server = new MotoServer(endpoint, child);
    shared.push(server);
    return server;
  }

  /** Environment variables with which a standard S3 client can sign requests to this server. */
  get env(): Record<string, string> {
    return {
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL: this.endpoint,
    };
  }

  /** Creates a bucket and returns its name. */
  async bucket(name: string): Promise<string> {
    const client = new S3Client({
      endpoint: this.endpoint,
      region: REGION,
      forcePathStyle: true,
      credentials: CREDENTIALS,
    });
    await client.send(new CreateBucketCommand({ Bucket: name }));
    client.destroy();
    return name;
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }
}

const shared: MotoServer[] = [];
afterAll(async () => {
  for (const server of shared.splice(0)) await server.stop();
});
