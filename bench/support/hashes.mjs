// Reads files and objects and compares their SHA-256, without using the uploader.

import { createHash } from 'node:crypto';
import { createReadStream, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { GetObjectCommand, ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';

/** Whether the uploader excludes this path: reserved names and temporary files. */
export function isLeftOut(path) {
  return /(^|\/)\.plx\//.test(path) || /\.(partial|tmp)$/.test(path);
}

/** Returns the SHA-256 of each file that belongs into the store, by its path below `directory`. */
export async function hashTree(directory) {
  const hashes = {};
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    if (isLeftOut(relative(directory, path))) continue;
    hashes[relative(directory, path)] = await hashOf(createReadStream(path, { highWaterMark: 1024 * 1024 }));
  }
  return hashes;
}

/** Returns the SHA-256 of each object of a file, by its key without the prefix. */
export async function hashObjects({ client, bucket }, prefix) {
  const hashes = {};
  for await (const { Key } of listObjects({ client, bucket }, prefix)) {
    if (isLeftOut(Key)) continue;
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
    hashes[Key.slice(prefix.length)] = await hashOf(Body);
  }
  return hashes;
}

/** Temporary files of versitygw 1.8.0, which it lists as objects when it was interrupted between the link and the rename of a replacement. */
const SERVER_RESIDUE = /(^|\/)\.[^/]+\.sgwtmp\.\d{16,}$/;

/** Lists the objects whose key begins with `prefix`: Key, Size, ETag. */
export async function* listObjects({ client, bucket }, prefix) {
  let StartAfter;
  for (;;) {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, StartAfter }));
    for (const object of page.Contents ?? []) if (!SERVER_RESIDUE.test(object.Key)) yield object;
    if (page.IsTruncated !== true) return;
    StartAfter = page.Contents?.at(-1)?.Key;
  }
}

/** Lists the multipart uploads that are neither completed nor aborted. */
export async function listOpenUploads({ client, bucket }) {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return Uploads;
}

/** Returns the differences as sentences. */
export function compareHashes(onDisk, inStore) {
  const failures = [];
  for (const [path, hash] of Object.entries(onDisk)) {
    if (inStore[path] === undefined) failures.push(`${path}: missing in the store`);
    else if (inStore[path] !== hash) failures.push(`${path}: differs in the store`);
  }
  for (const path of Object.keys(inStore))
    if (onDisk[path] === undefined) failures.push(`${path}: exists only in the store`);
  return failures;
}

async function hashOf(stream) {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest('hex');
}
