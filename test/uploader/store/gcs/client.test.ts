import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { openGcsClient } from '../../../../uploader/store/gcs/client.js';
import { openGcsStore } from '../../../../uploader/store/gcs/gcs-store.js';
import { createTempDir } from '../../../support/temp-dir.js';

const URL_OF_OBJECT = new URL('https://storage.googleapis.com/storage/v1/b/bucket/o/object');

beforeEach(() => {
  vi.stubEnv('STORAGE_EMULATOR_HOST', undefined);
});
afterEach(() => vi.unstubAllEnvs());

/** Credentials of workload identity federation with a token server on this host. */
function federated(port: number, directory: string) {
  writeFileSync(join(directory, 'subject'), 'a subject token');
  return {
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `http://127.0.0.1:${port}/token`,
    credential_source: { file: join(directory, 'subject') },
  };
}

it('authorises requests with a token from the library', async () => {
  const tokens = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ access_token: 'a-token', token_type: 'Bearer', expires_in: 3600 }));
  });
  await new Promise<void>((resolve) => tokens.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    tokens.closeAllConnections();
    tokens.close();
  });
  const { port } = tokens.address() as AddressInfo;
  const directory = createTempDir();
  writeFileSync(join(directory, 'credentials.json'), JSON.stringify(federated(port, directory)));
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(directory, 'credentials.json'));

  const client = await openGcsClient({});

  expect(await client.authorize(URL_OF_OBJECT)).toMatchObject({ authorization: 'Bearer a-token' });
  expect(client).toMatchObject({ endpoint: 'https://storage.googleapis.com' });
});

it('treats an unavailable token server as a temporary failure', async () => {
  const directory = createTempDir();
  writeFileSync(join(directory, 'credentials.json'), JSON.stringify(federated(9, directory)));
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(directory, 'credentials.json'));
  const store = await openGcsStore({ bucket: 'bucket', prefix: '' });

  expect(await store.check()).toMatchObject({ status: 'retry', cause: { code: 'ECONNREFUSED' } });
});

it('names the missing variable when no credentials exist', async () => {
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(createTempDir(), 'none.json'));
  const client = await openGcsClient({});

  await expect(client.authorize(URL_OF_OBJECT)).rejects.toMatchObject({
    code: 'ERR_STORE_CREDENTIALS',
    hint: expect.stringContaining('GOOGLE_APPLICATION_CREDENTIALS'),
  });
});

it('sends no credentials to another server', async () => {
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(createTempDir(), 'none.json'));
  const client = await openGcsClient({ endpoint: 'http://127.0.0.1:9' });

  expect(await client.authorize(new URL('http://127.0.0.1:9/'))).toEqual({});
});
