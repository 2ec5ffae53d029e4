import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../../uploader/base/redact.js';

const SECRET = 'canary0a1b2c3d4e5f';

describe('createRedactor', () => {
  it.each([
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN',
    'AZURE_STORAGE_KEY',
    'AZURE_STORAGE_SAS_TOKEN',
    'AZURE_STORAGE_CONNECTION_STRING',
    'POLYAXON_AUTH_TOKEN',
    'POLYTRACK_ALERT_WEBHOOK',
  ])('masks the value of %s anywhere', (name) => {
    expect(createRedactor({ [name]: SECRET })(`a${SECRET}b ${SECRET}`)).toBe('a…b …');
  });

  it('masks the beginning of a secret at which a message was cut', () => {
    const redact = createRedactor({ POLYAXON_AUTH_TOKEN: SECRET });

    expect(redact(`a: ${SECRET.slice(0, 9)}… and ${SECRET.slice(0, 3)}…`)).toBe(
      `a: … and ${SECRET.slice(0, 3)}…`,
    );
  });

  it.each([
    [`http://user:${SECRET}@host/a`, 'http://…@host/a'],
    [`s3://AKIA:a/${SECRET}@b/c: the bucket name`, 's3://…@b/c: the bucket name'],
    [`http://user:a@b/${SECRET}@host:1/a`, 'http://…@host:1/a'],
    [
      `https://b.s3/a?X-Amz-Credential=${SECRET}&X-Amz-Signature=${SECRET}&x=1`,
      'https://b.s3/a?X-Amz-Credential=…&X-Amz-Signature=…&x=1',
    ],
    [
      `AWS4-HMAC-SHA256 Credential=k, SignedHeaders=host, Signature=${SECRET} x`,
      'AWS4-HMAC-SHA256 Credential=k, SignedHeaders=host, Signature=… x',
    ],
    [`SharedKey account:${SECRET}= x`, 'SharedKey account:… x'],
    [`AccountName=a;AccountKey=${SECRET};x`, 'AccountName=a;AccountKey=…;x'],
    [`https://a/b?sp=r&sig=${SECRET}&x`, 'https://a/b?sp=r&sig=…&x'],
    [`{"authorization":"Bearer ${SECRET}","a":1}`, '{"authorization":"…","a":1}'],
    [`grant=x&subject_token=${SECRET}&a=1`, 'grant=x&subject_token=…&a=1'],
    [`{"access_token": "${SECRET}", "a": 1}`, '{"access_token": "…", "a": 1}'],
  ])('masks what signs or authorises a request: %s', (text, expected) => {
    expect(createRedactor({})(text)).toBe(expected);
  });

  it('changes nothing else', () => {
    const text =
      'ERR_X: s3://bucket/a@b:c at http://host:1: the Signature is wrong, token 5 of 7, https://a:1/b@c?x=1 {"a":"http://b","c":"d@e"}';

    expect(createRedactor({ AWS_SECRET_ACCESS_KEY: 'abc' })(text)).toBe(text);
  });
});
