/** Stores end what a broken or hostile server does not end: listings, contents of objects, and other answers. */

import type { ServerResponse } from 'node:http';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { CodedError } from '../../../../src/base/errors.js';
import { OutcomeError } from '../../../../uploader/base/retry-table.js';
import { PolyaxonClient } from '../../../../uploader/polyaxon-api/client.js';
import { openAzureStore } from '../../../../uploader/store/azure/azure-store.js';
import { ListingGuard } from '../../../../uploader/store/base/bounds.js';
import type { Store } from '../../../../uploader/store/base/store.js';
import { openGcsStore } from '../../../../uploader/store/gcs/gcs-store.js';
import { createPolyaxonStore } from '../../../../uploader/store/polyaxon/polyaxon-store.js';
import { openS3Store } from '../../../../uploader/store/s3/s3-store.js';
import { connectTo } from '../../support/polyaxon-client.js';
import { type Answer, always, startScriptedServer } from '../../support/scripted-server.js';

interface Vendor {
  readonly open: (url: string) => Promise<Store>;
  /** A page with one object that is followed by the same page. */
  readonly page: string;
}

const VENDORS: Readonly<Record<string, Vendor>> = {
  s3: {
    open: (endpoint) => openS3Store({ bucket: 'runs', prefix: '', endpoint, region: 'us-east-1' }),
    page: '<ListBucketResult><Name>runs</Name><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken><Contents><Key>a</Key><Size>1</Size><ETag>"e"</ETag></Contents></ListBucketResult>',
  },
  gcs: {
    open: async (url) => {
      vi.stubEnv('STORAGE_EMULATOR_HOST', url);
      return openGcsStore({ bucket: 'runs', prefix: '' });
    },
    page: JSON.stringify({
      kind: 'storage#objects',
      items: [{ name: 'a', size: '1', generation: '1' }],
      nextPageToken: 't',
    }),
  },
  azure: {
    open: (url) => {
      const account = `AccountName=a;AccountKey=YQ==;BlobEndpoint=${url}/a`;
      const environment = { AZURE_STORAGE_CONNECTION_STRING: `DefaultEndpointsProtocol=http;${account}` };
      return openAzureStore({ container: 'runs', prefix: '', environment });
    },
    page: '<?xml version="1.0"?><EnumerationResults ServiceEndpoint="http://a/" ContainerName="runs"><Blobs><Blob><Name>a</Name><Properties><Content-Length>1</Content-Length><Etag>e</Etag></Properties></Blob></Blobs><NextMarker>t</NextMarker></EnumerationResults>',
  },
};
const NAMES = Object.keys(VENDORS);
const HUGE = { etag: '"e"', 'content-length': 2 ** 31 };

beforeEach(() => {
  vi.unstubAllEnvs();
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'id');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});

/** Sends bytes until the client ends the connection. */
function sendForever(response: ServerResponse): void {
  const block = Buffer.alloc(1024 * 1024, 0x20);
  const send = (): void => {
    while (!response.destroyed && response.write(block));
    if (!response.destroyed) response.once('drain', send);
  };
  send();
}

async function openStore(name: string, answer: Answer) {
  const { open } = VENDORS[name]!;
  const server = await startScriptedServer(answer);
  return { store: await open(server.url), seen: server.seen };
}

/** Reads a stream to its end. Returns the error that ended it, and how many items came before. */
async function drain(items: AsyncIterable<unknown>) {
  let count = 0;
  try {
    for await (const _ of items) count += 1;
  } catch (error) {
    const { outcome } = error as OutcomeError;
    expect(outcome).toMatchObject({ status: 'failed' });
    return { count, error: (outcome as { readonly error: CodedError }).error };
  }
  throw new Error('the stream ended without an error');
}

describe.each(NAMES)('%s', (name) => {
  it('F81: ends a listing that repeats its page, with an error', async () => {
    const { store, seen } = await openStore(name, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/xml' }).end(VENDORS[name]!.page);
    });

    const { error } = await drain(store.list('run/'));

    expect(error).toMatchObject({ code: 'ERR_STORE_ANSWER', concernsAllFiles: false });
    expect(error.message).toMatch(
      /^list run\/: the listing does not end: the store continues again at "[at]"$/,
    );
    expect(seen.length).toBeLessThan(5);
    await store.close();
  });

  it('F80: ends the read of a range at its end, with an error if more bytes arrive', async () => {
    const { store } = await openStore(name, (_, response) => {
      response.writeHead(206, { ...HUGE, 'content-range': 'bytes 0-9/10' });
      sendForever(response);
    });

    const { error } = await drain(store.read('run/a', { range: { start: 0, end: 10 } }));

    expect(error.code).toBe('ERR_OBJECT_TOO_LARGE');
    await store.close();
  });

  it('F80: ends the read of an object at the given limit, with an error if more bytes arrive', async () => {
    const { store } = await openStore(name, (_, response) => {
      response.writeHead(200, HUGE);
      sendForever(response);
    });

    const { error } = await drain(store.read('run/a', { maxBytes: 10 }));

    expect(error).toMatchObject({ code: 'ERR_OBJECT_TOO_LARGE', concernsAllFiles: false });
    expect(error.message).toContain('run/a: the object has more than 10 bytes');
    await store.close();
  });
});

// Azure's library offers no way to limit an answer, except by time.
describe.each(['s3', 'gcs'])('%s', (name) => {
  it('F80: ends an answer that is larger than any page, with an error', async () => {
    const { store } = await openStore(name, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/xml' });
      sendForever(response);
    });

    expect(await store.check()).toMatchObject({ status: 'failed', error: { code: 'ERR_STORE_ANSWER' } });
    await store.close();
  });
});

describe('polyaxon', () => {
  it('F81: ends the listing of a directory that contains itself, with an error', async () => {
    const { url, seen } = await startScriptedServer(
      always(200, JSON.stringify({ files: {}, dirs: ['same'] })),
    );
    const client = new PolyaxonClient({ connection: await connectTo(url, {}) });
    const store = createPolyaxonStore({ client });

    const { error } = await drain(store.list(`${'a'.repeat(32)}/`));

    expect(error).toMatchObject({ code: 'ERR_STORE_ANSWER' });
    expect(seen.length).toBeLessThan(1000);
    await store.close();
  });
});

describe('ListingGuard', () => {
  it('F81: ends a listing of empty pages with ever new tokens', () => {
    const guard = new ListingGuard('list run/');
    let pages = 0;

    expect(() => {
      for (; pages < 10_000; pages += 1) guard.advance(`token ${pages}`, 0);
    }).toThrow(OutcomeError);
    expect(pages).toBe(1000);
  });

  it('accepts long listings with some empty pages', () => {
    const guard = new ListingGuard('list run/');

    for (let page = 0; page < 10_000; page += 1) guard.advance(`token ${page}`, page % 900 === 0 ? 1000 : 0);
  });
});
