// Uploads every file below a directory to S3, several at a time: node put-files.mjs <sdk|floor> <directory> <bucket> <files at a time>
//
// `sdk` is a loop around the official client with default options. `floor` is Node's HTTP client with a signature and a CRC-32.

import { createReadStream, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { crc32 } from 'node:zlib';

const [how, root, bucket, atATime] = process.argv.slice(2);
/** Files up to this size are read into memory, as in polytrack. */
const MAX_BUFFER_BYTES = 16 * 1024 * 1024;

const put = await { sdk: openSdk, floor: openFloor }[how]();
const paths = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
let next = 0;
const send = async () => {
  while (next < paths.length) {
    const path = paths[next++];
    await put(relative(root, path), path);
  }
};
await Promise.all(Array.from({ length: Number(atATime) }, send));
process.exit(0); // kept-alive connections would keep the process running

async function openSdk() {
  const { PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client({ forcePathStyle: true });
  return async (Key, path) => {
    const isSmall = statSync(path).size <= MAX_BUFFER_BYTES;
    const Body = isSmall ? await readFile(path) : createReadStream(path, { highWaterMark: 1024 * 1024 });
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
  };
}

async function openFloor() {
  const { putSigned } = await import('../support/signed-put.mjs');
  const endpoint = process.env.AWS_ENDPOINT_URL;
  return async (key, path) => {
    const sizeBytes = statSync(path).size;
    const isSmall = sizeBytes <= MAX_BUFFER_BYTES;
    const bytes = isSmall ? await readFile(path) : undefined;
    const sum = isSmall ? crc32(bytes) : await crc32OfFile(path);
    const body = bytes ?? createReadStream(path, { highWaterMark: 1024 * 1024 });
    await putSigned({ endpoint, bucket, key, body, sizeBytes, crc32: sum });
  };
}

async function crc32OfFile(path) {
  let sum = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) sum = crc32(chunk, sum);
  return sum;
}
