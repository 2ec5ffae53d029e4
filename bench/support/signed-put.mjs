// PutObject with Node's HTTP client only: the minimum cost of sending an object to S3.
//
// Signature version 4. Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk".

import { createHash, createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { S3_ACCESS_KEY_ID, S3_REGION, S3_SECRET_ACCESS_KEY } from './s3-server.mjs';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** Uploads a body (a buffer or a stream) with its CRC-32, which the server verifies. */
export function putSigned({ endpoint, bucket, key, body, sizeBytes, crc32 }) {
  const { hostname, port, host } = new URL(endpoint);
  const path = `/${bucket}/${key}`;
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32);
  const headers = {
    host,
    'x-amz-checksum-crc32': checksum.toString('base64'),
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    'x-amz-date': new Date().toISOString().replace(/[-:]|\.\d+/g, ''),
  };
  const authorization = sign(path, headers);
  return new Promise((resolve, reject) => {
    const put = request(
      {
        ...{ hostname, port, path, agent, method: 'PUT' },
        headers: { ...headers, authorization, 'content-length': sizeBytes },
      },
      (answer) => {
        answer.resume();
        answer.once('end', () =>
          answer.statusCode === 200 ? resolve() : reject(new Error(`PUT ${path}: ${answer.statusCode}`)),
        );
      },
    );
    put.once('error', reject);
    if (body instanceof Uint8Array) put.end(body);
    else body.once('error', reject).pipe(put);
  });
}

function sign(path, headers) {
  const date = headers['x-amz-date'];
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const canonical = ['PUT', path, '', lines.join(''), names, headers['x-amz-content-sha256']].join('\n');
  const scope = [date.slice(0, 8), S3_REGION, 's3', 'aws4_request'];
  const hash = createHash('sha256').update(canonical).digest('hex');
  const text = ['AWS4-HMAC-SHA256', date, scope.join('/'), hash].join('\n');
  const signature = hmac(signingKey(scope), text).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${S3_ACCESS_KEY_ID}/${scope.join('/')},SignedHeaders=${names},Signature=${signature}`;
}

const keys = new Map();

/** Returns the signing key, which is the same for a whole day. */
function signingKey(scope) {
  const [day] = scope;
  if (!keys.has(day)) keys.set(day, scope.reduce(hmac, `AWS4${S3_SECRET_ACCESS_KEY}`));
  return keys.get(day);
}

function hmac(key, text) {
  return createHmac('sha256', key).update(text).digest();
}
