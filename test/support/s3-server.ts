/** A real S3 server on loopback, with its own data directory. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, onTestFinished } from 'vitest';
import { type ChildServer, findFreePort, startChildServer } from './child-server.js';
import { peerPath } from './peers.js';
import { createSharedTempDir, createTempDir } from './temp-dir.js';

const ACCESS_KEY_ID = 'polytrack-test';
const SECRET_ACCESS_KEY = 'polytrack-test-secret';
const REGION = 'us-east-1';

export class S3Server {
  readonly region = REGION;
  readonly accessKeyId = ACCESS_KEY_ID;
  readonly secretAccessKey = SECRET_ACCESS_KEY;
  readonly endpoint: string;
  readonly dataDir: string;
  readonly #port: number;
  readonly #home: string;
  #server: ChildServer | undefined;

  private constructor(port: number, home: string) {
    this.#port = port;
    this.#home = home;
    this.endpoint = `http://127.0.0.1:${port}`;
    this.dataDir = join(home, 'data');
    mkdirSync(this.dataDir);
    mkdirSync(join(home, 'meta'));
    mkdirSync(join(home, 'versions'));
  }

  /** Starts a server. It stops, and its data are removed, when the test has finished. */
  static async start(): Promise<S3Server> {
    const server = new S3Server(await findFreePort(), createTempDir());
    await server.start();
    onTestFinished(() => server.stop());
    return server;
  }

  /** Starts a server for all tests of a file, in `beforeAll`. */
  static async startShared(): Promise<S3Server> {
    const server = new S3Server(await findFreePort(), createSharedTempDir());
    await server.start();
    shared.push(server);
    return server;
  }

  /** Environment variables that point a standard S3 client to this server. */
  get env(): Record<string, string> {
    return {
      AWS_ACCESS_KEY_ID: ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY,
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_CONFIG_FILE: join(this.#home, 'no-config'),
      AWS_SHARED_CREDENTIALS_FILE: join(this.#home, 'no-credentials'),
    };
  }

  createClient(): S3Client {
    return new S3Client({
      endpoint: this.endpoint,
      region: REGION,
      forcePathStyle: true,
      credentials: { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY },
    });
  }

  /** Creates a bucket and returns its name. */
  async bucket(name: string): Promise<string> {
    const client = this.createClient();
    await client.send(new CreateBucketCommand({ Bucket: name }));
    client.destroy();
    return name;
  }

  /** Creates a bucket with versioning, so that each effect of a write is a version. */
  async versionedBucket(name: string): Promise<string> {
    await this.bucket(name);
    const client = this.createClient();
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }));
    client.destroy();
    return name;
  }

  /** Returns the number of versions of an object. */
  async countVersions(bucket: string, key: string): Promise<number> {
    const client = this.createClient();
    const { Versions = [] } = await client.send(
      new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key }),
    );
    client.destroy();
    return Versions.filter(({ Key }) => Key === key).length;
  }

  /** Restarts the server on the same port with the same data. */
  async start(): Promise<void> {
    this.#server = await startChildServer(
      peerPath('s3'),
      [
        ...['--port', `127.0.0.1:${this.#port}`, '--region', REGION, '--quiet'],
        ...['posix', '--sidecar', join(this.#home, 'meta')],
        ...['--versioning-dir', join(this.#home, 'versions'), this.dataDir],
      ],
      {
        env: {
          PATH: process.env.PATH,
          HOME: this.#home,
          TMPDIR: this.#home,
          ROOT_ACCESS_KEY: ACCESS_KEY_ID,
          ROOT_SECRET_KEY: SECRET_ACCESS_KEY,
        },
        isReady: async () => (await fetch(this.endpoint)).status > 0,
      },
    );
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }
}

const shared: S3Server[] = [];
afterAll(async () => {
  for (const server of shared.splice(0)) await server.stop();
});
