// Starts the stores of the peers: an S3 server, emulators, or a directory. Each returns the URL of an empty store, and the variables for it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { BlobServiceClient } from '@azure/storage-blob';
import { peersDirectory } from '../../scripts/peers-directory.mjs';
import { createS3Client, findFreePort, startS3Server, toS3Env } from './s3-server.mjs';

const ACCOUNT = 'polytracktest';
const KEY = Buffer.from('a key for measurements on loopback only').toString('base64');
const START_MS = 60_000;

/** By name: starts a store with its files in `home`, and stops it with `onEnd`. */
export const STORES = {
  file: async (home) => ({ url: pathToFileURL(join(home, 'store')).href, env: {} }),
  s3: async (home, onEnd) => {
    const server = await startS3Server(home, 'runs');
    onEnd(() => server.stop());
    return { url: 's3://runs/team', env: toS3Env(server.endpoint, home) };
  },
  moto: async (home, onEnd) => {
    const port = await findFreePort();
    const endpoint = `http://127.0.0.1:${port}`;
    await start(join(peersDirectory(), 'moto/venv/bin/moto_server'), ['-H', '127.0.0.1', '-p', `${port}`], {
      ...{ home, endpoint, onEnd },
    });
    await createS3Client(endpoint).send(new CreateBucketCommand({ Bucket: 'runs' }));
    return { url: 's3://runs/team', env: toS3Env(endpoint, home) };
  },
  azurite: async (home, onEnd) => {
    const port = await findFreePort();
    const endpoint = `http://127.0.0.1:${port}/${ACCOUNT}`;
    const script = join(peersDirectory(), 'azurite/node_modules/azurite/dist/src/blob/main.js');
    const args = ['--blobHost', '127.0.0.1', '--blobPort', `${port}`, '--location', join(home, 'data')];
    await start(
      process.execPath,
      [script, ...args, '--silent', '--disableTelemetry', '--skipApiVersionCheck'],
      {
        ...{ home, endpoint, onEnd, env: { AZURITE_ACCOUNTS: `${ACCOUNT}:${KEY}` } },
      },
    );
    const connection = `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};BlobEndpoint=${endpoint};`;
    await BlobServiceClient.fromConnectionString(connection).createContainer('runs');
    return { url: 'azure://runs/team', env: { AZURE_STORAGE_CONNECTION_STRING: connection } };
  },
  gcs: async (home, onEnd) => {
    const port = await findFreePort();
    const endpoint = `http://127.0.0.1:${port}`;
    mkdirSync(join(home, 'data'), { recursive: true });
    await start(join(peersDirectory(), 'gcs/gcs-emulator'), [`${port}`, join(home, 'data')], {
      ...{ home, endpoint: `${endpoint}/storage/v1/b`, onEnd },
    });
    const headers = { 'content-type': 'application/json' };
    await fetch(`${endpoint}/storage/v1/b`, { method: 'POST', headers, body: '{"name":"runs"}' });
    return { url: 'gs://runs/team', env: { STORAGE_EMULATOR_HOST: endpoint } };
  },
};

/** Starts a server, and waits until it responds. */
async function start(command, args, { home, endpoint, onEnd, env = {} }) {
  mkdirSync(home, { recursive: true });
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH, HOME: home, TMPDIR: home, ...env },
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  onEnd(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  for (const deadline = performance.now() + START_MS; ; await sleep(100)) {
    const isReady = await fetch(endpoint).then(
      () => true,
      () => false, // not listening yet
    );
    if (isReady) return;
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error(`${command} does not respond`);
  }
}
