/**
 * S3 servers that support less than versitygw: `rclone serve s3` in front of a directory and gofakes3 in memory support little more than objects; moto, in
 * memory, supports conditions on PUT, but ignores checksums and conditions on large objects.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll } from 'vitest';
import { type ChildServer, findFreePort, startChildServer } from './child-server.js';
import { peerPath } from './peers.js';
import { createSharedTempDir } from './temp-dir.js';

const CREDENTIALS = { accessKeyId: 'polytrack-test', secretAccessKey: 'polytrack-test-secret' };
const REGION = 'us-east-1';

const ARGUMENTS = {
  'rclone-s3': (address: string, home: string) => [
    ...['serve', 's3', join(home, 'data'), '--addr', address],
    ...['--auth-key', `${CREDENTIALS.accessKeyId},${CREDENTIALS.secretAccessKey}`],
    ...['--config', join(home, 'rclone.conf'), '--cache-dir', join(home, 'cache')],
  ],
  gofakes3: (address: string) => ['-backend', 'memory', '-host', address],
  moto: (address: string) => ['-H', '127.0.0.1', '-p', new URL(`http://${address}`).port],
};

export class SmallS3Server {
  readonly endpoint: string;
  readonly #server: ChildServer;

  private constructor(endpoint: string, server: ChildServer) {
    this.endpoint = endpoint;
    this.#server = server;
  }

  /** Starts a server for all tests of a file, in `beforeAll`. */
  static async startShared(peer: keyof typeof ARGUMENTS): Promise<SmallS3Server> {
    const address = `127.0.0.1:${await findFreePort()}`;
    const home = createSharedTempDir();
    mkdirSync(join(home, 'data'));
    const child = await startChildServer(peerPath(peer), ARGUMENTS[peer](address, home), {
      env: { PATH: process.env.PATH, HOME: home, TMPDIR: home },
      isReady: async () => (await fetch(`http://${address}/`)).status > 0,
    });
    const server = new SmallS3Server(`http://${address}`, child);
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
    const { endpoint } = this;
    const client = new S3Client({ endpoint, region: REGION, forcePathStyle: true, credentials: CREDENTIALS });
    await client.send(new CreateBucketCommand({ Bucket: name }));
    client.destroy();
    return name;
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }
}

const shared: SmallS3Server[] = [];
afterAll(async () => {
  for (const server of shared.splice(0)) await server.stop();
});
