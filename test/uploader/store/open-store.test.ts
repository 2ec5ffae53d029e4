import { describe, expect, it } from 'vitest';
import { toAzureStoreId } from '../../../uploader/store/azure/azure-store.js';
import { toGcsStoreId } from '../../../uploader/store/gcs/gcs-store.js';
import { parseStoreUrl } from '../../../uploader/store/open-store.js';

describe('parseStoreUrl', () => {
  it.each([
    ['s3://bucket/a/b/', { scheme: 's3', bucket: 'bucket', prefix: 'a/b' }],
    ['gs://bucket', { scheme: 'gs', bucket: 'bucket', prefix: '' }],
    ['GS://bucket.example.org/runs', { scheme: 'gs', bucket: 'bucket.example.org', prefix: 'runs' }],
    ['azure://container/runs', { scheme: 'azure', container: 'container', prefix: 'runs' }],
    ['azure://$root/runs', { scheme: 'azure', container: '$root', prefix: 'runs' }],
    ['file:///data/runs', { scheme: 'file', path: '/data/runs' }],
  ])('parses %s', (url, location) => {
    expect(parseStoreUrl(url)).toEqual(location);
  });

  it.each([
    ['azure://Container/runs', 'the container'],
    ['azure://ab', 'the container'],
    ['azure://a--b', 'the container'],
    ['gs:///runs', 'the bucket'],
    ['gs://bucket/a//b', 'empty name'],
    ['azure://container/a?sig=secret', '"?"'],
    ['ftp://host/runs', 'no store supports ftp'],
  ])('rejects %s', (url, found) => {
    expect(() => parseStoreUrl(url)).toThrow(expect.objectContaining({ code: 'ERR_STORE_URL' }));
    expect(() => parseStoreUrl(url)).toThrow(found);
  });
});

describe('store ids', () => {
  const container = { container: 'c', prefix: 'p' };
  const key = 'AccountKey=c2VjcmV0';

  it.each([
    [{ AZURE_STORAGE_ACCOUNT: 'acme' }, 'azure://c/p at https://acme.blob.core.windows.net'],
    [
      { AZURE_STORAGE_CONNECTION_STRING: `AccountName=acme;${key};EndpointSuffix=core.chinacloudapi.cn` },
      'azure://c/p at https://acme.blob.core.chinacloudapi.cn',
    ],
    [
      {
        AZURE_STORAGE_CONNECTION_STRING: `BlobEndpoint=http://127.0.0.1:10000/acme/;AccountName=acme;${key}`,
      },
      'azure://c/p at http://127.0.0.1:10000/acme',
    ],
    [
      { AZURE_STORAGE_CONNECTION_STRING: 'UseDevelopmentStorage=true' },
      'azure://c/p at http://127.0.0.1:10000/devstoreaccount1',
    ],
  ])('contains the account, but no secret: %o', (environment, id) => {
    expect(toAzureStoreId({ ...container, environment })).toBe(id);
  });

  it('contains the endpoint of a server other than Google', () => {
    const place = { bucket: 'b', prefix: '' };
    const environment = { STORAGE_EMULATOR_HOST: 'http://127.0.0.1:1/' };

    expect(toGcsStoreId({ ...place, environment: {} })).toBe('gs://b');
    expect(toGcsStoreId({ ...place, environment })).toBe('gs://b at http://127.0.0.1:1');
  });
});
