// Starts the S3 server of the peers: `startS3Server` for measurements, `test/support/s3-server.ts` for tests.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { peersDirectory } from '../../scripts/peers-directory.mjs';

// The warning would appear in the output of measurements.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

export const S3_ACCESS_KEY_ID = 'polytrack-test';
export const S3_SECRET_ACCESS_KEY = 'polytrack-test-secret';
export const S3_REGION = 'us-east-1';

/** Returns arguments and variables; the server keeps its files in `home` and objects in `home/data`. Connections stay open, as in Amazon S3. */
export function toS3ServerCommand({ port, home, args = [] }) {
  for (const name of ['data', 'meta', 'versions']) mkdirSync(join(home, name), { recursive: true });
  return {
    args: [
      ...['--port', `127.0.0.1:${port}`, '--region', S3_REGION, '--quiet', '--keep-alive', ...args],
      ...['posix', '--sidecar', join(home, 'meta')],
      ...['--versioning-dir', join(home, 'versions'), join(home, 'data')],
    ],
    env: {
      PATH: process.env.PATH,
      HOME: home,
      TMPDIR: home,
      ROOT_ACCESS_KEY: S3_ACCESS_KEY_ID,
      ROOT_SECRET_KEY: S3_SECRET_ACCESS_KEY,
    },
  };
}

/** Returns variables with which any S3 client uses this server, and ignores the user's configuration. */
export function toS3Env(endpoint, home) {
  return {
    AWS_ACCESS_KEY_ID: S3_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: S3_SECRET_ACCESS_KEY,
    AWS_REGION: S3_REGION,
    AWS_ENDPOINT_URL: endpoint,
    AWS_CONFIG_FILE: join(home, 'no-config'),
    AWS_SHARED_CREDENTIALS_FILE: join(home, 'no-credentials'),
  };
}

export function createS3Client(endpoint) {
  return new S3Client({
    endpoint,
    region: S3_REGION,
    forcePathStyle: true,
    credentials: { accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY },
  });
}

/** Starts the server with its data in `home` and one bucket. `stop` and `start` restart it on the same port. */
export async function startS3Server(home, bucket, serverArgs = []) {
  const port = await findFreePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const client = createS3Client(endpoint);
  let child;
  const server = {
    port,
    endpoint,
    client,
    bucket,
    get pid() {
      return child.pid;
    },
    async start() {
      const { args, env } = toS3ServerCommand({ port, home, args: serverArgs });
      child = spawn(join(peersDirectory(), 's3/versitygw'), args, { env, stdio: 'ignore' });
      child.on('error', (error) => console.error(`the S3 server: ${error.message}; run npm run peers`));
      await untilAnswers(endpoint, () => child.exitCode);
    },
    async stop() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
  await server.start();
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return server;
}

async function untilAnswers(endpoint, exitCode) {
  for (let tries = 0; tries < 300; tries++) {
    if (exitCode() !== null) throw new Error(`the S3 server ended with code ${exitCode()}`);
    try {
      await (await fetch(endpoint)).arrayBuffer();
      return;
    } catch {
      await sleep(50); // not listening yet
    }
  }
  throw new Error('the S3 server does not respond');
}

export async function findFreePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
